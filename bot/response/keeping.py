"""Snapshot first: what a control can destroy is exported before it is applied, and linked."""

import asyncio
from dataclasses import dataclass

from bot.incident.codec import encode
from bot.incident.errors import FirstfiveError
from bot.incident.facts.control import EvidenceKept
from bot.incident.kinds import MitigationKind
from bot.incident.mitigation import Mitigation
from bot.incident.model import Agent, Person
from bot.incident.quantities import duration
from bot.incident.telemetry import Trace
from bot.ports import Traces, Work
from bot.response.recording import record

DESTROYS = frozenset({MitigationKind.HALT, MitigationKind.QUEUE_PAUSE})
"""A halt ends running tasks with what they hold in memory; what waits in a paused queue can run out there."""
MOST_TRACES = 50
PATIENCE = 1.5  # seconds; containment does not wait longer for its evidence


@dataclass(frozen=True, slots=True)
class Kept:
    """What goes into the snapshot. ``missing`` says why there are no traces, where they could not be read."""

    traces: tuple[Trace, ...]
    references: tuple[str, ...]
    missing: str = ""


async def keep(traces: Traces, agent: Agent, kind: MitigationKind) -> Kept | None:
    """The newest tasks of the agent, whole, and where the rest is; None for a control that destroys nothing."""
    if kind not in DESTROYS:
        return None
    try:
        async with asyncio.timeout(PATIENCE):
            found = await traces.listed(sorted(agent.telemetry_names), MOST_TRACES)
    except (TimeoutError, FirstfiveError) as error:
        return Kept((), agent.kept_elsewhere, str(error) or f"traces could not be read within {duration(PATIENCE)}")
    return Kept(found, agent.kept_elsewhere)


async def freeze(work: Work, mitigation: Mitigation, kept: Kept, by: Person) -> None:
    """Keep it in the transaction that applies the control, under its own name and hash."""
    at = mitigation.applied_at
    body = {
        "before": mitigation.label,
        "traces": encode(kept.traces),
        "references": list(kept.references),
        "missing": kept.missing,
    }
    snapshot, sha256 = await work.snapshots.freeze(mitigation.incident, f"before:{mitigation.id}", at, body)
    fact = EvidenceKept(mitigation.id, snapshot, sha256, len(kept.traces), kept.references, kept.missing)
    await record(work, mitigation.incident, fact, by, at, f"kept:{mitigation.id}")
