"""Answers only the person who acted can see. Each action gets one, also when it failed."""

import logging
from collections.abc import Mapping
from typing import Any

import aiohttp

from bot.incident.errors import Unavailable
from bot.slack.blocks import Card, section
from bot.slack.messages import answer_error
from bot.slack.people import actor
from bot.slack.workspace import Declined, Workspace, asked

log = logging.getLogger(__name__)


QUOTED_MARK = "\u02cb"  # what quoting makes of a code mark


def channel_of(payload: Mapping[str, Any]) -> str:
    """The channel in which somebody acted, or an empty string in a dialog."""
    container = payload.get("container") or {}
    channel = payload.get("channel") or {}
    return str(payload.get("channel_id") or channel.get("id") or container.get("channel_id") or "")


def failed(sentence: str) -> Card:
    """A sentence of ours that says what failed. Strangers' words in it are harmless; code marks stay code marks."""
    card = answer_error(sentence)
    words = str(card.blocks[0]["text"]["text"]).replace(QUOTED_MARK, "`")
    return Card([section(words)], card.text.replace(QUOTED_MARK, "`"))


class Answers:
    """Reaches the person through the request's own address, else in the channel, else directly."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    async def tell(self, payload: Mapping[str, Any], said: Card | str, channel: str = "") -> None:
        """Say it to whoever sent ``payload``, a bare sentence as what failed; ``channel`` is where, when the payload names none."""
        said = said if isinstance(said, Card) else failed(said)
        url = payload.get("response_url") or ""
        if url and await self._through(str(url), said):
            return
        await self.tell_person(actor(payload).id, channel_of(payload) or channel, said)

    async def tell_person(self, user: str, channel: str, said: Card) -> None:
        """Say it to ``user`` in ``channel``, or in a direct message where that is not possible."""
        client = self._workspace.client
        try:
            if channel:
                await asked(client.chat_postEphemeral(channel=channel, user=user, **self._body(said)))
                return
        except (Declined, Unavailable) as error:
            log.info("no answer in %s: %s", channel, error)
        try:
            await asked(client.chat_postMessage(channel=user, **self._body(said)))
        except (Declined, Unavailable) as error:
            log.warning("an answer did not reach %s: %s", user, error)

    def _body(self, said: Card) -> dict[str, Any]:
        shown: dict[str, Any] = self._workspace.shown({"text": said.text, "blocks": said.blocks})
        return shown

    async def _through(self, url: str, said: Card) -> bool:
        body = {"response_type": "ephemeral", "replace_original": False, **self._body(said)}
        try:
            async with self._workspace.session.post(url, json=body) as response:
                return response.ok
        except (aiohttp.ClientError, TimeoutError):
            return False
