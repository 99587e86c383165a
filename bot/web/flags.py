"""Controls as flags: keys, values, variants."""

from collections.abc import Mapping
from typing import Any, Final

from bot.incident.codec import encode
from bot.incident.composition import Controls
from bot.incident.control_values import figure_of, to_flag
from bot.incident.kinds import KIND_OF_CONTROL, LEVERS, Joining, MitigationKind, Value

CONTROLS: Final = "agent.controls"
HALT: Final = MitigationKind.HALT.flag_key
MAX_TURNS: Final = MitigationKind.TURN_LIMIT.flag_key
KINDS: Final[Mapping[str, MitigationKind]] = {kind.flag_key: kind for kind in LEVERS}
KEYS: Final = (CONTROLS, *KINDS)


def standard_key(key: str, own: Mapping[str, str]) -> str | None:
    """The standard key behind ``key``, which may be one of the agent's ``own`` (control -> their key); else None."""
    if key in KEYS:
        return key
    for control, custom in own.items():
        if custom == key:
            return _standard(control)
    return None


def _standard(control: str) -> str | None:
    """The standard key of a control, named as the catalogue does: by its kind or by its control name."""
    name = control.removeprefix("agent.")
    if name == "controls":
        return CONTROLS
    kind = KIND_OF_CONTROL.get(name) or next((one for one in LEVERS if one.value == name.replace("_", "-")), None)
    return kind.flag_key if kind else None


def flag(name: str, standard: str, controls: Controls) -> dict[str, Any]:
    """One successful evaluation, answered under ``name``."""
    kind = KINDS.get(standard)
    value = _whole(controls) if kind is None else to_flag(kind, controls.read(kind))
    rules = [rule for rule in controls.rules if kind in {None, rule.kind}]
    ends = min((rule.expires_at for rule in rules), default=None)
    return {
        "key": name,
        "value": value,
        "variant": f"r{controls.revision}" if kind is None else _variant(kind, controls.value(kind)),
        "reason": "TARGETING_MATCH" if rules else "STATIC",
        "metadata": {
            "incident": ",".join(dict.fromkeys(rule.incident for rule in rules)),
            "mitigation_id": ",".join(rule.id for rule in rules),
            "revision": controls.revision,
            "expires_at": ends.isoformat() if ends else "",
        },
    }


def _variant(kind: MitigationKind, value: Value | None) -> str:
    """A name for the value, never empty: some providers take an answer without one for a mistake."""
    lever = LEVERS[kind]
    if kind is MitigationKind.HALT:
        return "halted" if value else "running"
    if lever.joining is Joining.LEAST:
        return "unlimited" if value is None else f"limit-{figure_of(value)}"
    if lever.joining is Joining.MOST:
        return f"level-{figure_of(lever.at_rest if value is None else value)}"
    if value is None or value == lever.at_rest:
        return "off"
    return str(value) if lever.joining is Joining.WIDEST else "on"


def _whole(controls: Controls) -> dict[str, Any]:
    """Everything in one object; limits that are not in force are null."""
    said: dict[str, Any] = encode(controls)
    said.pop("agent")
    return said
