"""Controls as flags: keys, values, variants."""

from collections.abc import Mapping
from typing import Any

from bot.incident.mitigation import Controls

CONTROLS = "agent.controls"
HALT = "agent.halt"
MAX_TURNS = "agent.max_turns"
KEYS = (CONTROLS, HALT, MAX_TURNS)

UNLIMITED = 2_147_483_647
"""The turn limit while none is in force: larger than any task, and safe for a reader that takes the smaller."""


def standard_key(key: str, own: Mapping[str, str]) -> str | None:
    """The standard key behind ``key``, which may be one of the agent's ``own`` (control -> their key); else None."""
    if key in KEYS:
        return key
    for control, custom in own.items():
        if custom == key:
            return _standard(control)
    return None


def _standard(control: str) -> str | None:
    name = control.removeprefix("agent.").replace("-", "_")
    return {"halt": HALT, "max_turns": MAX_TURNS, "turn_limit": MAX_TURNS, "controls": CONTROLS}.get(name)


def flag(name: str, standard: str, controls: Controls) -> dict[str, Any]:
    """One successful evaluation, answered under ``name``."""
    value, variant, decided = _value(standard, controls)
    return {
        "key": name,
        "value": value,
        "variant": variant,
        "reason": "TARGETING_MATCH" if decided else "STATIC",
        "metadata": {
            "incident": ",".join(controls.incidents),
            "mitigation_id": ",".join(controls.mitigations),
            "revision": controls.revision,
            "expires_at": controls.expires_at.isoformat() if controls.expires_at else "",
        },
    }


def _value(standard: str, controls: Controls) -> tuple[object, str, bool]:
    limited = controls.max_turns is not None
    if standard == HALT:
        return controls.halt, "halted" if controls.halt else "running", controls.halt
    if standard == MAX_TURNS:
        limit = UNLIMITED if controls.max_turns is None else controls.max_turns
        return limit, f"limit-{limit}" if limited else "unlimited", limited
    value = {
        "halt": controls.halt,
        "max_turns": controls.max_turns,
        "revision": controls.revision,
        "mitigations": list(controls.mitigations),
        "incidents": list(controls.incidents),
        "expires_at": controls.expires_at.isoformat() if controls.expires_at else None,
    }
    return value, f"r{controls.revision}", bool(controls.mitigations)
