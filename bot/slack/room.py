"""The room of an incident: its channel, its card and the small things around them, made what the timeline says.

Every step may be repeated: what was made is found again, what is missing is made, what has
changed is edited. Channel and card are needed; the rest is best effort, and its outcome is recorded.
"""

import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256

from bot.incident.facts.declaring import RoomPrepared, RoomStep
from bot.incident.model import FIRSTFIVE, IncidentKey
from bot.incident.runbook import Runbook
from bot.incident.state import IncidentState
from bot.incident.taxonomy import IncidentClass
from bot.ports import Clock, Records, RoomRecord, RoomRecords
from bot.response.verbs import Verbs
from bot.slack.blocks import Card
from bot.slack.card import incident_card
from bot.slack.channel import Channels
from bot.slack.checklist import checklist_message
from bot.slack.furnishing import Furnishing
from bot.slack.posting import CARD, CHECKLIST, Message, Posting
from bot.slack.telling import answered
from bot.slack.workspace import Declined

log = logging.getLogger(__name__)

GONE = frozenset({"is_archived", "channel_not_found", "not_in_channel", "channel_is_archived"})
CHANNEL, CARD_STEP = "channel", "card"  # steps that are only named while they fail


@dataclass(frozen=True, slots=True)
class CardMaker:
    """The card of an incident as of now."""

    verbs: Verbs
    clock: Clock
    runbooks: Mapping[IncidentClass, Runbook]
    public_url: str

    async def __call__(self, state: IncidentState) -> Card:
        """The card, read fresh."""
        key = state.incident.key
        events = await self.verbs.look.timeline(key)
        offers = await self.verbs.offers(key, every=True) if state.status.is_open else ()
        runbook = self.runbooks.get(state.incident_class) if state.incident_class else None
        bundle = await self.verbs.look.bundle(state) if state.resolution is None else None
        return incident_card(
            state, events, self.clock.now(), self.public_url, self.verbs.taxonomy, runbook, offers, bundle
        )


@dataclass(frozen=True, slots=True)
class Room:
    """Makes rooms what they should be."""

    verbs: Verbs
    records: Records
    rooms: RoomRecords
    clock: Clock
    channels: Channels
    posting: Posting
    furnishing: Furnishing
    card_of: Callable[[IncidentState], Awaitable[Card]]
    public_url: str = ""

    async def ready(self, key: IncidentKey) -> RoomRecord:
        """The room as it is; made first where there is none yet.

        Raises:
            Declined, Unavailable, Refused: it could not be made; try again later.
        """
        record = await self.rooms.room(key)
        return record if record.channel_id else await self.converge(key)

    async def converge(self, key: IncidentKey) -> RoomRecord:
        """Bring channel, card and steps up to date; calling it again changes nothing.

        Raises:
            Declined, Unavailable, Refused: channel or card could not be made; try again later.
        """
        await self.posting.workspace.known()
        state = await self.verbs.look.state(key)
        record, fresh = await self._channel(await self.rooms.room(key), state)
        try:
            record = await self._inside(record, state, fresh=fresh)
        except Declined as error:
            gone = error.code in GONE
            if not gone and not record.card_ts:
                raise
            # People archived or left it, or Slack refuses this edit: messages behind it must not wait for ever.
            log.warning("the room of %s was not brought up to date: %s", key, error)
            return await self._saved(
                replace(record, steps={**record.steps, CHANNEL if gone else CARD_STEP: error.code})
            )
        healed = {step: said for step, said in record.steps.items() if step not in {CHANNEL, CARD_STEP}}
        return record if healed == record.steps else await self._saved(replace(record, steps=healed))

    async def _inside(self, record: RoomRecord, state: IncidentState, *, fresh: bool) -> RoomRecord:
        record = await self._card(record, state, fresh=fresh)
        if state.channel_id is None:
            record = await self._furnished(record, state)
            record = await self._card(record, await self.verbs.look.state(record.incident), fresh=False)
        return await self._checklist(await self._answered(record, state), state)

    async def remember(self, key: IncidentKey, question: str, ts: str) -> None:
        """A question to a second person was posted; once it is answered, its message says so."""
        record = await self.rooms.room(key)
        await self._saved(replace(record, questions={**record.questions, question: ts}))

    async def _answered(self, record: RoomRecord, state: IncidentState) -> RoomRecord:
        """Questions that are over lose their buttons and say who answered; one that Slack does not let us edit stays."""
        over = [asked for asked in state.approvals.values() if asked.id in record.questions and not asked.is_pending]
        for asked in over:
            card = answered(asked, record.incident)
            try:
                message = Message(card.text, card.blocks, name=f"ask:{asked.id}")
                await self.posting.edit(record.channel_id, record.questions[asked.id], message)
            except Declined as error:
                if error.code in GONE:
                    raise
                log.warning("the answer to %s is not shown at its question: %s", asked.id, error)
        left = {one: ts for one, ts in record.questions.items() if one not in {asked.id for asked in over}}
        return record if left == record.questions else await self._saved(replace(record, questions=left))

    async def _channel(self, record: RoomRecord, state: IncidentState) -> tuple[RoomRecord, bool]:
        if record.channel_id:
            return record, False
        channel = await self.channels.for_incident(state.incident)
        made = replace(record, channel_id=channel.id, channel_name=channel.name)
        return await self._saved(made), channel.fresh

    async def _card(self, record: RoomRecord, state: IncidentState, *, fresh: bool) -> RoomRecord:
        """Post the card once, then edit it in place; post it again only when somebody deleted it."""
        card = await self.card_of(state)
        message = Message(card.text, card.blocks, CARD, str(record.incident))
        digest = digest_of(card)
        if record.card_ts and digest == record.card_digest:
            return record
        ts = await self._shown(record.channel_id, message, record.card_ts, fresh=fresh)
        return await self._saved(replace(record, card_ts=ts, card_digest=digest))

    async def _checklist(self, record: RoomRecord, state: IncidentState) -> RoomRecord:
        """The runbook's steps under the card, as soon as there is a class; another class swaps them."""
        checklist = self.verbs.runbook.of(state) if state.classified else None
        if checklist is None:
            return record
        card = checklist_message(state, checklist, self.public_url)
        digest = digest_of(card)
        if record.checklist_ts and digest == record.checklist_digest:
            return record
        message = Message(card.text, card.blocks, CHECKLIST, str(record.incident))
        try:
            ts = await self._shown(record.channel_id, message, record.checklist_ts, fresh=False)
        except Declined as error:
            if error.code in GONE:
                raise
            log.warning("the runbook of %s is not in its room: %s", record.incident, error)
            return await self._saved(replace(record, checklist_digest=digest))  # the page has it; the card goes on
        return await self._saved(replace(record, checklist_ts=ts, checklist_digest=digest))

    async def _shown(self, channel: str, message: Message, ts: str, *, fresh: bool) -> str:
        """The message in the channel: edited in place, found again, or posted; returns its timestamp."""
        if not ts and not fresh:
            ts = await self.posting.found(channel, message) or ""
        if not ts or not await self.posting.edit(channel, ts, message):
            ts = await self.posting.post(channel, message)
        return ts

    async def _furnished(self, record: RoomRecord, state: IncidentState) -> RoomRecord:
        """The optional steps, and the event that says what became of them."""
        outcome = await self.furnishing.furnish(state, record)
        record = await self._saved(replace(record, steps={**record.steps, **outcome}))
        steps = tuple(RoomStep(step, None if said == "ok" else said) for step, said in outcome.items())
        fact = RoomPrepared(record.channel_id, record.channel_name, steps)
        async with self.records.begin() as work:
            await work.timelines.append(record.incident, fact, FIRSTFIVE, self.clock.now(), "room")
        return record

    async def _saved(self, record: RoomRecord) -> RoomRecord:
        await self.rooms.save(record)
        return record


def digest_of(card: Card) -> str:
    """A short fingerprint of what the card shows."""
    return sha256(json.dumps([card.text, card.blocks], sort_keys=True).encode()).hexdigest()[:32]
