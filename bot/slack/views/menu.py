"""The menu of an incident, opened by the command inside its channel."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from bot.incident.model import Status
from bot.incident.state import IncidentState
from bot.slack.blocks import Option, View, context, modal, section, select
from bot.slack.text import bold_untrusted
from bot.slack.views.loading import loading
from bot.slack.views.reading import InputErrors, choice_of, key_of

CALLBACK: Final = "menu"
CHOICE: Final = "step"

STEPS: Final[Mapping[str, str]] = {
    "classify": "Classify: say which kind of incident it is",
    "contain": "Contain: limit or stop the agent",
    "remediate": "Remediate: roll back, fix the prompt or restart",
    "evidence": "Evidence: what telemetry says",
    "update": "Update: tell those who wait",
    "note": "Note: keep something on the timeline",
    "role": "Role: commander, scribe, communications",
    "severity": "Severity: judge the impact anew",
    "timeline": "Timeline: what happened so far",
    "resolve": "Resolve: harm has ended",
    "postmortem": "Postmortem: fill the gaps",
}
AFTER_RESOLVE: Final = ("postmortem", "evidence", "note", "timeline", "role")


@dataclass(frozen=True, slots=True)
class MenuForm:
    """The step somebody wants: a key of ``STEPS``."""

    key: str
    choice: str


def skeleton(key: str) -> View:
    """The dialog until it is there."""
    return loading(CALLBACK, key, key)


def dialog(state: IncidentState) -> View:
    """The steps that make sense now, the next one first."""
    incident = state.incident
    options = steps(state)
    blocks = [
        section(f"{bold_untrusted(incident.title, 1200)}"),
        context(f"{state.severity.value} · {state.status.value}. To declare another one: `/incident declare`"),
        select(CHOICE, "What next?", options, initial=options[0][0], placeholder=options[0][1]),
    ]
    return modal(CALLBACK, incident.key, blocks, {"k": incident.key}, submit="Open")


def read(view: Mapping[str, Any]) -> MenuForm | InputErrors:
    """The step; untouched, the next one."""
    chosen = choice_of(view, CHOICE)
    if chosen not in STEPS:
        return {CHOICE: "Choose a step."}
    return MenuForm(key_of(view), chosen)


def steps(state: IncidentState) -> list[Option]:
    """The steps open to this incident, the obvious one first."""
    if not state.status.is_open:
        return [(one, STEPS[one]) for one in AFTER_RESOLVE]
    first = {Status.CLASSIFIED: "contain", Status.MITIGATED: "update"}.get(state.status, "classify")
    names = [first, *(one for one in STEPS if one not in {first, "postmortem"})]
    return [(one, STEPS[one]) for one in names]
