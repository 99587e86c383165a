"""Changes: versions, models and tool descriptions that were not there before."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from bot.incident.evidence import Change, ChangeKind
from bot.incident.reading import Reading
from bot.incident.tool_use import MANIFEST_SEPARATOR

SECOND = 1_000_000_000
SETTLED = 10 * 60 * SECOND  # what is first seen this soon after the first trace was probably there before


def changes_in(readings: Sequence[Reading]) -> tuple[Change, ...]:
    """What first appeared during the tasks (in order of start), oldest first.

    ``k`` of ``n`` counts the tasks since the change that carry it, among those that say anything about it.
    """
    if not readings:
        return ()
    found: list[Change] = []
    for kind in NAMED:
        found += _of_kind(kind, readings)
    return tuple(sorted(found, key=lambda change: (change.first_seen_ns, change.after)))


def _of_kind(kind: ChangeKind, readings: Sequence[Reading]) -> list[Change]:
    named, first = NAMED[kind], {}
    for reading in readings:
        for value in named(reading):
            if value and value not in first:
                first[value] = reading.at_ns
    settled = readings[0].at_ns + SETTLED
    new = {value: at_ns for value, at_ns in first.items() if at_ns > settled}
    said = [(one.at_ns, values) for one in readings if (values := _present(named(one)))] if new else []
    found = []
    for value, at_ns in new.items():
        subject, before = _before(value, at_ns, said)
        if before is None:
            continue
        since = [values for time, values in said if time >= at_ns and _speaks_of(subject, values)]
        carrying = sum(value in values for values in since)
        found.append(Change(kind, before, value, at_ns, carrying, len(since)))
    return found


def _before(value: str, at_ns: int, said: Sequence[tuple[int, frozenset[str]]]) -> tuple[str, str | None]:
    """What the value is about (a tool, or nothing in particular) and the commonest value before it."""
    subject = value.split(MANIFEST_SEPARATOR, maxsplit=1)[0] if MANIFEST_SEPARATOR in value else ""
    earlier = Counter(
        other
        for time, values in said
        if time < at_ns
        for other in sorted(values)
        if _about(subject, other) and other != value
    )
    return subject, earlier.most_common(1)[0][0] if earlier else None


def _speaks_of(subject: str, values: Iterable[str]) -> bool:
    return any(_about(subject, value) for value in values)


def _about(subject: str, value: str) -> bool:
    return not subject or value.startswith(subject + MANIFEST_SEPARATOR)


def _present(values: Iterable[str | None]) -> frozenset[str]:
    return frozenset(value for value in values if value)


NAMED: Mapping[ChangeKind, Callable[[Reading], Iterable[str | None]]] = {
    ChangeKind.AGENT_VERSION: lambda reading: (reading.agent_version,),
    ChangeKind.PROMPT_VERSION: lambda reading: (reading.prompt_version,),
    ChangeKind.MODEL_REQUESTED: lambda reading: [step.requested for step in reading.models],
    ChangeKind.MODEL_ANSWERING: lambda reading: [step.answering for step in reading.models],
    ChangeKind.TOOL_MANIFEST: lambda reading: reading.use.described,
}  # what a task says by itself; the others are announced
