"""What a release of our own explains: destinations and tool descriptions that came with a new version of the agent.

A new version explains something new when it does it from its first tasks on. An attack begins at a moment of its own.
"""

from collections.abc import Callable, Iterable, Sequence

from bot.incident.reading import Reading
from bot.incident.signals.changes import SETTLED
from bot.incident.tool_use import MANIFEST_SEPARATOR

SOON_NS = 15 * 60 * 1_000_000_000  # after a release; what appears later has another reason
IMPLAUSIBLE = 0.05  # chance that a version which does it would not have done it so long
MOST_NEW = 20  # values; where more are new, new ones are the rule and no release has to explain them

Uses = Callable[[Reading], frozenset[str]]


def shipped(
    readings: Sequence[Reading], uses: Uses, known: Iterable[str], about: Callable[[str], Uses]
) -> frozenset[str]:
    """Those values beyond ``known`` that a new version brought, of the values that ``uses`` finds in a task.

    ``readings`` are in order of start. ``about(value)`` finds in a task what could have been that value: only such tasks
    count. Nothing is explained that tasks of an earlier version have, too.
    """
    new = frozenset().union(*set(map(uses, readings))).difference(known)
    moments = released(readings) if 0 < len(new) <= MOST_NEW else []
    return frozenset(
        value for value in new if any(_brought(value, readings, uses, about(value), since) for since in moments)
    )


def released(readings: Sequence[Reading]) -> list[int]:
    """When the first task of a version of the agent started that was not there from the start."""
    first: dict[str, int] = {}
    for reading in readings:
        if reading.agent_version:
            first.setdefault(reading.agent_version, reading.at_ns)
    return [at_ns for at_ns in first.values() if at_ns > readings[0].at_ns + SETTLED]


def _brought(value: str, readings: Sequence[Reading], uses: Uses, relevant: Uses, since: int) -> bool:
    having = [reading for reading in readings if value in uses(reading)]
    old = {reading.agent_version for reading in readings if reading.at_ns < since}
    if any(reading.agent_version in old for reading in having):
        return False
    chances = [one for one in readings if one.agent_version not in old and relevant(one)]
    first = having[0].at_ns
    if not chances or first - chances[0].at_ns > SOON_NS:
        return False
    missed = sum(reading.at_ns < first for reading in chances)
    return (1 - len(having) / (len(chances) - missed)) ** missed >= IMPLAUSIBLE


def descriptions(reading: Reading) -> frozenset[str]:
    """The task's tools with the hash of their description, as "name@hash"."""
    return reading.use.described


def redescribed(readings: Sequence[Reading], known: Iterable[str]) -> frozenset[str]:
    """Descriptions beyond the known that a new version of the agent brought."""

    def of_that_tool(described: str) -> Uses:
        tool = described.split(MANIFEST_SEPARATOR, maxsplit=1)[0]
        return lambda reading: frozenset({tool}.intersection(reading.use.calls))

    return shipped(readings, descriptions, known, of_that_tool)
