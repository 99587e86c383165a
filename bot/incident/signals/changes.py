"""Changes: versions, models and tool descriptions that were not there before."""

from collections import Counter
from collections.abc import Iterable, Sequence

from bot.incident.evidence import Change, ChangeKind
from bot.incident.reading import Reading

SECOND = 1_000_000_000
SETTLED = 10 * 60 * SECOND  # what is first seen this soon after the first trace was probably there before
MANIFEST_SEPARATOR = "@"
TOLD_BY_TRACES = (
    ChangeKind.AGENT_VERSION,
    ChangeKind.PROMPT_VERSION,
    ChangeKind.MODEL_REQUESTED,
    ChangeKind.MODEL_ANSWERING,
    ChangeKind.TOOL_MANIFEST,
)  # the others are announced


def changes_in(readings: Sequence[Reading]) -> tuple[Change, ...]:
    """What first appeared during the tasks (in order of start), oldest first.

    ``k`` of ``n`` counts the tasks since the change that carry it, among those that say anything about it.
    """
    if not readings:
        return ()
    found: list[Change] = []
    for kind in TOLD_BY_TRACES:
        found += _of_kind(kind, readings)
    return tuple(sorted(found, key=lambda change: change.first_seen_ns))


def _of_kind(kind: ChangeKind, readings: Sequence[Reading]) -> list[Change]:
    said = [(reading.at_ns, values) for reading in readings if (values := _values(kind, reading))]
    first: dict[str, int] = {}
    for at_ns, values in said:
        for value in values:
            first.setdefault(value, at_ns)
    settled = readings[0].at_ns + SETTLED
    found = []
    for value, at_ns in first.items():
        subject, before = _before(value, at_ns, said)
        if at_ns <= settled or before is None:
            continue
        since = [values for time, values in said if time >= at_ns and _speaks_of(subject, values)]
        carrying = sum(value in values for values in since)
        found.append(Change(kind, before, value, at_ns, carrying, len(since)))
    return found


def _before(value: str, at_ns: int, said: Sequence[tuple[int, frozenset[str]]]) -> tuple[str, str | None]:
    """What the value is about (a tool, or nothing in particular) and the commonest value before it."""
    subject = value.split(MANIFEST_SEPARATOR, maxsplit=1)[0] if MANIFEST_SEPARATOR in value else ""
    earlier = Counter(
        other for time, values in said if time < at_ns for other in values if _about(subject, other) and other != value
    )
    return subject, earlier.most_common(1)[0][0] if earlier else None


def _speaks_of(subject: str, values: Iterable[str]) -> bool:
    return any(_about(subject, value) for value in values)


def _about(subject: str, value: str) -> bool:
    return not subject or value.startswith(subject + MANIFEST_SEPARATOR)


def _values(kind: ChangeKind, reading: Reading) -> frozenset[str]:
    match kind:
        case ChangeKind.AGENT_VERSION:
            return _present(reading.agent_version)
        case ChangeKind.PROMPT_VERSION:
            return _present(reading.prompt_version)
        case ChangeKind.MODEL_REQUESTED:
            return _present(*(step.requested for step in reading.models))
        case ChangeKind.MODEL_ANSWERING:
            return _present(*(step.answering for step in reading.models))
        case ChangeKind.TOOL_MANIFEST:
            return _present(*(manifest(step.name, step.manifest) for step in reading.tools))
        case _:  # announced, not read from traces
            return frozenset()


def manifest(tool: str, digest: str | None) -> str | None:
    """A tool's description as one value: "name@hash"."""
    return f"{tool}{MANIFEST_SEPARATOR}{digest}" if digest else None


def _present(*values: str | None) -> frozenset[str]:
    return frozenset(value for value in values if value)
