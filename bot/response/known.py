"""What is known of agents and tools, so that a control on something misspelt does not pass for protection."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from difflib import get_close_matches

from bot.incident.errors import NotFound
from bot.incident.kinds import MitigationKind
from bot.incident.mitigation import Scope
from bot.incident.model import Catalogue
from bot.incident.wishes import value_of
from bot.ports import Clock, Traces
from bot.response.gather import MOST_TASKS, nanoseconds

SEEN_WITHIN = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class KnownAgent:
    """Whether anybody has heard of an agent."""

    traces: Traces
    catalogue: Catalogue
    clock: Clock
    connected: Callable[[str], Awaitable[int]]  # how many instances of that name ask for controls now

    async def __call__(self, name: str) -> str:
        """The agent's name in the catalogue, or as telemetry of the last 24 hours or its connected instances have it.

        Raises:
            NotFound: nobody has; the sentence names those that are near.
        """
        found = self.catalogue.find(name)
        if found is not None:
            return found.name
        now = self.clock.now()
        sending = await self.traces.agents(nanoseconds(now - SEEN_WITHIN), nanoseconds(now) + 1)
        if name in sending or await self.connected(name):
            return name
        others = sorted({*(agent.name for agent in self.catalogue.agents), *sending})
        if not others:
            return name  # nobody is known at all, so nothing speaks against it
        near = get_close_matches(name, others, 3) or others[:5]
        hint = f"Did you mean {' or '.join(near)}?"
        raise NotFound(
            f"No agent {name[:80]!r} is in the catalogue, connected, or sent telemetry in the last 24 h. {hint}"
        )


async def warnings_for(
    traces: Traces, catalogue: Catalogue, agent: str, kind: MitigationKind, value: object, scope: Scope, now: datetime
) -> tuple[str, ...]:
    """What may keep a control from biting: an agent nobody has heard of, a place it is not in, a tool it never calls."""
    entry = catalogue.agent(agent)
    said = []
    if entry.listed and scope.environment not in {"", *entry.environments}:
        where = ", ".join(entry.environments)
        said.append(
            f"the catalogue has {agent} in {where} and not in {scope.environment}: check the environment's name"
        )
    if entry.listed and kind is not MitigationKind.DISABLE_TOOLS:
        return tuple(said)
    recent = await traces.readings(
        entry.telemetry_names, nanoseconds(now - SEEN_WITHIN), nanoseconds(now) + 1, MOST_TASKS
    )
    if not entry.listed and not recent:
        said.append(f"{agent} is not in the catalogue and sent no telemetry in 24 h: check its name")
    if kind is MitigationKind.DISABLE_TOOLS:
        wanted = value_of(kind, value)
        seen = {step.name for task in recent for step in task.tools} | {tool.name for tool in entry.tools}
        unseen = [name for name in (wanted if isinstance(wanted, tuple) else ()) if name not in seen]
        if unseen:
            near = sorted({match for name in unseen for match in get_close_matches(name, sorted(seen), 1)})
            hint = f"; seen were {', '.join(near or sorted(seen)[:5])}" if seen else ""
            said.append(f"nobody has seen {agent} call {', '.join(unseen)} in 24 h{hint}")
    return tuple(said)
