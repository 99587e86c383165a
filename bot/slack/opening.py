"""Opening a dialog. A trigger lives 3 seconds, so the dialog opens empty and is filled once data is there."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.incident.errors import FirstfiveError, Unavailable
from bot.slack.answers import Answers
from bot.slack.blocks import View
from bot.slack.intake import REPLAYED
from bot.slack.requests import Payload
from bot.slack.text import shorten
from bot.slack.views.loading import notice
from bot.slack.workspace import Declined, Workspace, asked

log = logging.getLogger(__name__)

EXPIRED = "Slack's 3 seconds were over before the dialog could open. Nothing is lost; try it again."
INTERRUPTED = "This was interrupted by a restart. Nothing is lost; try it again."
_TOO_LATE = frozenset(
    {
        "expired_trigger_id",
        "exchanged_trigger_id",
        "trigger_expired",
        "trigger_exchanged",
        "invalid_trigger_id",
        "invalid_trigger",
    }
)
_OVERTAKEN = frozenset({"hash_conflict", "not_found", "view_not_found"})


@dataclass(frozen=True, slots=True)
class Opening:
    """Opens dialogs for people."""

    workspace: Workspace
    answers: Answers

    async def open(self, payload: Payload, first: View, gather: Callable[[], Awaitable[View]]) -> None:
        """Show ``first`` at once, then what ``gather`` makes. Its errors are shown in the dialog."""
        shown = await self._show(payload, first)
        if shown is None:
            return
        try:
            view = await gather()
        except FirstfiveError as error:
            view = notice(str(first["title"]["text"]), str(error))
        try:
            await asked(
                self.workspace.client.views_update(
                    view=self.workspace.shown(view), view_id=shown["id"], hash=shown.get("hash")
                )
            )
        except Declined as error:
            if error.code not in _OVERTAKEN:  # overtaken: the person closed the dialog or went on meanwhile
                raise

    async def _show(self, payload: Payload, view: View) -> Mapping[str, Any] | None:
        """The view as Slack shows it, or None when it could not be shown; the person has been told then."""
        inside = (payload.get("container") or {}).get("view_id")
        client = self.workspace.client
        view = self.workspace.shown(view)
        try:
            if inside:
                answer = await asked(client.views_update(view=view, view_id=inside))
            else:
                answer = await asked(client.views_open(trigger_id=payload.get("trigger_id", ""), view=view))
        except Declined as error:
            if error.code not in _TOO_LATE:
                raise
            await self.answers.tell(payload, _again(payload))
            return None
        except Unavailable:
            await self.answers.tell(payload, "Slack did not open the dialog. Nothing is lost; try it again.")
            return None
        shown: Mapping[str, Any] = answer["view"]
        return shown


def _again(payload: Payload) -> str:
    if payload.get(REPLAYED):
        return (
            INTERRUPTED
            if "command" not in payload
            else f"{_typed(payload)} was interrupted by a restart; type it again."
        )
    return EXPIRED if "command" not in payload else f"Slack's 3 seconds were over; type {_typed(payload)} again."


def _typed(payload: Payload) -> str:
    """The command as the person typed it, in code marks."""
    words = f"{payload['command']} {payload.get('text', '')}".strip().replace("`", "'")
    return f"`{shorten(words, 200)}`"
