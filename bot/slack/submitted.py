"""One submitted dialog: its words, and what Slack is answered: close it, show another one, or what is wrong in its fields."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from bot.incident.errors import BadInput, FirstfiveError
from bot.incident.model import Person
from bot.slack.blocks import View
from bot.slack.requests import Payload
from bot.slack.views import declare, lever_value, preview, reading, remediate, severity, undo, verdict
from bot.slack.views.loading import notice
from bot.slack.views.reading import InputErrors

Answer = Mapping[str, Any]
CLEAR: Answer = {}  # an empty acknowledgement closes the dialog
FIELDS: Mapping[tuple[str, str], str] = {  # (dialog, field of the error) -> the block it stands under
    (declare.CALLBACK, "title"): declare.TITLE,
    (declare.CALLBACK, "agent"): declare.AGENT,
    (verdict.CALLBACK, "severity"): verdict.SEVERITY,
    (verdict.CALLBACK, "comment"): verdict.COMMENT,
    (severity.CALLBACK, "severity"): severity.SEVERITY,
    (remediate.CALLBACK, "reason"): remediate.REASON,
    (preview.CALLBACK, "minutes"): lever_value.MINUTES,
    (preview.CALLBACK, "value"): lever_value.VALUE,
    (preview.CALLBACK, "reason"): preview.REASON,
    (preview.CALLBACK, "override"): preview.OVERRIDE,
    (undo.CALLBACK, "reason"): undo.REASON,
    (undo.CALLBACK, "value"): undo.VALUES,
    (undo.CALLBACK, "steps"): undo.VALUES,
    (undo.CALLBACK, "minutes"): undo.PACE,
}


@dataclass(frozen=True, slots=True)
class Submitted:
    """One submission: the dialog, who sent it, and its idempotency key."""

    payload: Payload
    view: Mapping[str, Any]
    by: Person
    idem: str


Form = TypeVar("Form")
Work = Callable[[Submitted], Awaitable[Answer]]


def filled(
    read: Callable[[Mapping[str, Any]], Form | InputErrors], work: Callable[[Form, Submitted], Awaitable[Answer]]
) -> Work:
    """The work on a dialog whose words are read first; what is wrong with them is said under their fields."""

    async def answered(said: Submitted) -> Answer:
        words = read(said.view)
        if isinstance(words, dict):
            return errors({reading.field_name(said.view, name): wrong for name, wrong in words.items()})
        return await work(words, said)

    return answered


def shown(view: View) -> Answer:
    """The dialog gives way to another one."""
    return {"response_action": "update", "view": view}


def errors(found: Mapping[str, str]) -> Answer:
    """The dialog stays, with a sentence under each of these fields."""
    return {"response_action": "errors", "errors": dict(found)}


def refused(view: Mapping[str, Any], error: FirstfiveError) -> Answer:
    """What the verb said, under the field it is about, so that nothing typed is lost; else in place of the dialog."""
    inputs = [str(block.get("block_id")) for block in view.get("blocks") or () if block.get("type") == "input"]
    about = error.field if isinstance(error, BadInput) else ""
    field_block = reading.field_name(view, FIELDS.get((str(view.get("callback_id", "")), about), about))
    if field_block in inputs:
        return errors({field_block: str(error)})
    if inputs:
        return errors({inputs[0]: str(error)})
    return shown(notice("Not possible", str(error)))
