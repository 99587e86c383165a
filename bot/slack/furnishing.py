"""What makes a channel a good room: people, topic, pin, bookmark, announcement. Each may fail; none stops the others."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

from bot.incident.errors import FirstfiveError, NotFound
from bot.incident.model import FIRSTFIVE, Catalogue
from bot.incident.state import IncidentState
from bot.ports import RoomRecord
from bot.response.invite import Invite
from bot.slack.answers import Answers
from bot.slack.messages import private_links
from bot.slack.people import People
from bot.slack.posting import Message, Posting
from bot.slack.telling import announcement
from bot.slack.workspace import Declined, Workspace, asked

Step = Callable[[], Awaitable[object]]
OK = "ok"
LINKS = "links for owners without Slack"
TOPIC_LIMIT = 250
_ALREADY = frozenset({"already_in_channel", "already_pinned", "cant_invite_self"})  # as good as done


@dataclass(frozen=True, slots=True)
class Furnishing:
    """Does the optional steps and says what became of each."""

    workspace: Workspace
    posting: Posting
    people: People
    catalogue: Catalogue
    public_url: str
    invite: Invite
    answers: Answers

    async def furnish(self, state: IncidentState, record: RoomRecord) -> Mapping[str, str]:
        """Step to "ok" or what failed. Raises nothing of Slack's."""
        outcome: dict[str, str] = {}
        for step, call in self._steps(state, record).items():
            outcome[step] = record.steps.get(step) or await outcome_of(call())
        return outcome

    def _steps(self, state: IncidentState, record: RoomRecord) -> Mapping[str, Step]:
        room, channel = self.workspace.room, record.channel_id
        key = state.incident.key
        page = f"{self.public_url}/incidents/{key}"
        topic = f"{key} · {state.severity.value} · {state.incident.agent} · {page}"[:TOPIC_LIMIT]
        steps: dict[str, Step] = {
            "invite": lambda: self._invite(state, channel),
            "topic": lambda: asked(room.conversations_setTopic(channel=channel, topic=topic)),
            "pin": lambda: asked(room.pins_add(channel=channel, timestamp=record.card_ts)),
            "bookmark": lambda: asked(
                room.bookmarks_add(channel_id=channel, title=f"{key} page", type="link", link=page)
            ),
        }
        home = self.catalogue.agent(state.incident.agent).slack_channel
        if self._outside(state):
            steps[LINKS] = lambda: self._links(state, channel)
        if home and not state.incident.private:
            steps[f"announce in {home}"] = lambda: self.announce(state, record, home)
        return steps

    async def announce(self, state: IncidentState, record: RoomRecord, channel: str) -> None:
        """One message in another channel that says where the incident is worked on."""
        known = replace(state, channel_id=record.channel_id, channel_name=record.channel_name)
        card = announcement(known, self.public_url)
        await self.posting.post(channel, Message(card.text, card.blocks, name=f"announce:{state.incident.key}"))

    async def _invite(self, state: IncidentState, channel: str) -> None:
        """Declarer and owners; owners nobody knows here are named as what failed."""
        owners = self.catalogue.agent(state.incident.agent).owners
        found = {owner: await self.people.owner(owner) for owner in owners}
        declarer = state.incident.declared_by.id
        ids = [declarer] if declarer[:1] in {"U", "W"} else []
        ids += [user for user in found.values() if user]
        if ids:
            users = ",".join(dict.fromkeys(ids))
            await asked(self.workspace.room.conversations_invite(channel=channel, users=users, force=True))
        unknown = [owner for owner, user in found.items() if user is None]
        if unknown:
            raise NotFound(f"nobody here is called {', '.join(unknown)}")

    def _outside(self, state: IncidentState) -> bool:
        """There may be owners without Slack, and somebody in Slack to pass their links on."""
        owners = self.catalogue.agent(state.incident.agent).owners
        return bool(owners) and not state.incident.test and state.incident.declared_by.id[:1] in {"U", "W"}

    async def _links(self, state: IncidentState, channel: str) -> None:
        """Private links for the owners nobody knows here, shown to the declarer alone, who may pass them on."""
        incident = state.incident
        shown = []
        for owner in self.catalogue.agent(incident.agent).owners:
            if await self.people.owner(owner) is None:
                for one in await self.invite(incident.key, FIRSTFIVE, "room", owner):
                    shown.append((one.owner, f"{self.public_url}{one.path}", one.expires_at))  # noqa: PERF401
        if shown:
            card = private_links(incident.key, incident.agent, shown)
            await self.answers.tell_person(incident.declared_by.id, channel, card)


async def outcome_of(call: Awaitable[object]) -> str:
    """Either "ok" or what failed."""
    try:
        await call
    except Declined as error:
        return OK if error.code in _ALREADY else error.code
    except FirstfiveError as error:
        return str(error)
    return OK
