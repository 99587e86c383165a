"""What every listener works with, and the questions they share: which incident, which agents."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from difflib import get_close_matches
from typing import Any

from bot.incident.classification import Classification
from bot.incident.errors import FirstfiveError, NotFound
from bot.incident.model import Catalogue
from bot.incident.runbook import Runbook
from bot.incident.state import IncidentState
from bot.incident.taxonomy import IncidentClass
from bot.ports import Clock, Ids, Records, RoomTask, RoomTaskKind, Traces
from bot.response.verbs import Verbs
from bot.slack.answers import Answers
from bot.slack.opening import Opening
from bot.slack.people import People
from bot.slack.telling import ANNOUNCE
from bot.slack.views.declare import AgentChoice
from bot.slack.workspace import Workspace

SEEN_WITHIN = timedelta(hours=2)  # agents heard of in this time can be chosen without being listed
ASKED_WITHIN = timedelta(days=1)  # agents heard of in this time can be asked about
HEALTH_SECONDS = 1.5  # a declarer does not wait longer for figures
MOST_JUDGED = 12  # agents whose health is looked at for the list


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything a listener needs."""

    verbs: Verbs
    records: Records
    traces: Traces
    clock: Clock
    ids: Ids
    catalogue: Catalogue
    runbooks: Mapping[IncidentClass, Runbook]
    public_url: str
    workspace: Workspace
    answers: Answers
    opening: Opening
    people: People
    wake: Callable[[], None] = lambda: None  # tells the room that there is something to do

    async def incident(self, key: str, channel: str) -> IncidentState:
        """The incident of that key or, without one, of that channel.

        Raises:
            NotFound: neither leads to one.
        """
        if key:
            return await self.verbs.look.state(key)
        state = await self.verbs.look.in_channel(channel) if channel else None
        if state is None:
            raise NotFound(
                "This channel has no incident. Put its key first, as in `/incident INC-7 evidence`, "
                "or type it in the incident's channel. `/incident list` shows the open ones."
            )
        return state

    async def agents(self) -> list[AgentChoice]:
        """The agents that can be declared about, worst health first."""
        names = dict.fromkeys(agent.name for agent in self.catalogue.agents)
        now = self.clock.now()
        start, end = now - SEEN_WITHIN, now
        for name in await self.traces.agents(int(start.timestamp() * 1e9), int(end.timestamp() * 1e9)):
            names[self.catalogue.agent(name).name] = None
        judged = await asyncio.gather(*(self._health(name) for name in list(names)[:MOST_JUDGED]))
        rest = [(1, AgentChoice(name)) for name in list(names)[MOST_JUDGED:]]
        return [choice for _, choice in sorted([*judged, *rest], key=lambda found: (found[0], found[1].name))]

    async def known_agent(self, name: str) -> str:
        """The name of the agent that the catalogue or telemetry of today knows so.

        Raises:
            NotFound: neither does.
        """
        agent = self.catalogue.agent(name)
        if agent.listed:
            return agent.name
        now = self.clock.now()
        sent = await self.traces.agents(int((now - ASKED_WITHIN).timestamp() * 1e9), int(now.timestamp() * 1e9))
        if name not in sent:
            known = [one.name for one in self.catalogue.agents] + list(sent)
            close = get_close_matches(name, known, n=1)
            meant = f" Did you mean {close[0]}?" if close else ""
            raise NotFound(f"No agent {name[:100]} is listed, and none has sent telemetry within a day.{meant}")
        return name

    @property
    def environments(self) -> tuple[str, ...]:
        """Those that can be chosen for an incident, where the catalogue lists several for some agent."""
        several = any(len(agent.environments) > 1 for agent in self.catalogue.agents)
        names = dict.fromkeys(name for agent in self.catalogue.agents for name in agent.environments)
        return tuple(names) if several else ()

    async def _health(self, name: str) -> tuple[int, AgentChoice]:
        """(rank, choice): 0 in trouble, 1 nobody can tell, 2 nothing unusual."""
        try:
            async with asyncio.timeout(HEALTH_SECONDS):
                _, tree = await self.verbs.suggest(name)
        except (FirstfiveError, TimeoutError):
            return 1, AgentChoice(name, "can't tell")
        return _judged(name, tree)

    async def announce(self, state: IncidentState, channel: str) -> None:
        """Have the incident announced in the channel where it was declared, once."""
        if not channel or state.incident.private:
            return
        key = state.incident.key
        payload = {ANNOUNCE: "yes", "channel": channel}
        async with self.records.begin() as work:
            await work.outbox.put(RoomTask(RoomTaskKind.POST, key, f"announce:{key}:{channel}", payload))


def _judged(name: str, tree: Classification) -> tuple[int, AgentChoice]:
    if tree.incident_class is None:
        return 2, AgentChoice(name, "nothing unusual")
    if tree.incident_class is IncidentClass.UNKN:
        return 1, AgentChoice(name, "can't tell")
    because = f": {tree.because[0]}" if tree.because else ""
    return 0, AgentChoice(name, f"looks like {tree.incident_class.value}{because}")


def action_of(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """The button or menu that was used."""
    used: list[Mapping[str, Any]] = payload.get("actions") or [{}]
    return used[0]
