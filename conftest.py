"""How properties are checked, here and in the clients."""

from hypothesis import HealthCheck, settings

# A machine that is busy makes no property false
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")
