"""A mitigation, a catalogue with its wiring, and a driver opened for them."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from bot.controls.entry import Entry, Given
from bot.incident.composition import Controls, compose
from bot.incident.kinds import MitigationKind, Value
from bot.incident.mitigation import Mitigation, OnExpiry, Scope
from bot.incident.model import Agent, Catalogue, IncidentKey, Person, Wiring
from bot.ports import Driver
from tests.sources.vendor_stub import StillClock

AGENT = "helpdesk-agent"
ON: Value = True
ANA = Person("U0ANA", "Ana Reyes")
NOW = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
EVERYWHERE = ("production", "staging")


def pulled(kind: MitigationKind, value: Value = ON, *, id_: str = "3f2a", **scope: str) -> Mitigation:
    """A lever pulled by Ana for INC-7, for an hour."""
    return Mitigation(
        id=id_,
        kind=kind,
        agent=AGENT,
        scope=Scope(**({"environment": "production"} | scope)),
        value=value,
        reason="loops since 11:52",
        incident=IncidentKey("INC-7"),
        applied_by=ANA,
        applied_at=NOW,
        expires_at=NOW + timedelta(hours=1),
        on_expiry=OnExpiry.REVERT,
    )


def given(wiring: Mapping[str, Mapping[str, str]], settings: Mapping[str, str], driver: str) -> Given:
    """What a driver is opened with: the agent's kinds and their options."""
    controls = {kind: Wiring(driver, options) for kind, options in wiring.items()}
    agent = Agent(AGENT, environments=EVERYWHERE, controls=controls)
    return Given(Catalogue((agent,)), settings, StillClock(NOW))


def opened(entry: Entry, wiring: Mapping[str, Mapping[str, str]], settings: Mapping[str, str]) -> Driver:
    """The driver, once its own check found nothing wrong with the wiring."""
    for kind, options in wiring.items():
        assert entry.mistake(MitigationKind(kind), options) == ""
    return entry.open(given(wiring, settings, entry.name))


def after(*mitigations: Mitigation, of: Mitigation | None = None) -> Controls:
    """What the agent has to obey with these in force, in the scope of the first, or of ``of``."""
    first = of or mitigations[0]
    return compose(first.agent, first.scope, mitigations, len(mitigations))
