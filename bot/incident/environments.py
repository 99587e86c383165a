"""Whose tasks the evidence of one environment counts: those that name it, and those that name none."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import TypeVar

from bot.incident.draw import Draw
from bot.incident.evidence import Change, EvidenceBundle
from bot.incident.model import Agent
from bot.incident.reading import Reading
from bot.incident.telemetry import EvalScore

ALL = "all"  # the wish for every environment together
MOST_NAMED = 3
LONGEST_NAME = 40  # characters; names come from telemetry
SPELLINGS = {
    "prod": "production",
    "prd": "production",
    "stage": "staging",
    "stg": "staging",
    "dev": "development",
    "testing": "test",
}
"""One team's short form is another's word. A region or a stage in between (``prod-eu``, ``preprod``) is its own."""
UNSAID = frozenset({"", "default", "none", "unknown"})
"""What tools write where nobody set an environment: Langfuse ``default``, Datadog ``none``."""

_named_by = attrgetter("environment")


def spelled(name: str | None) -> str:
    """The name as it is compared: in lower case and written out; empty where none is named."""
    bare = (name or "").strip().lower()
    return "" if bare in UNSAID else SPELLINGS.get(bare, bare)


def same_environment(one: str | None, other: str | None) -> bool:
    """Both name the same environment."""
    return bool(spelled(one)) and spelled(one) == spelled(other)


def as_wanted(named: str | None, wanted: str) -> str:
    """The name a task gives, in the spelling of the one that is wanted where both are the same; empty if it gives none."""
    return wanted if same_environment(named, wanted) else (named or "") if spelled(named) else ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The environment that evidence is of, empty for all; ``listed`` are those the catalogue has for the agent."""

    name: str = ""
    listed: tuple[str, ...] = ()

    def foreign(self, named: Iterable[str | None]) -> frozenset[str | None]:
        """Which of the named environments are other ones, whose tasks are not counted.

        Where none of them is the wanted one, only those are that the catalogue lists beside it: another name may be
        the same place under a name that nobody told us.
        """
        ours, listed = spelled(self.name), {spelled(name) for name in self.listed}
        if not ours:
            return frozenset()
        others = {name: said for name in named if (said := spelled(name)) and said != ours}
        if any(spelled(name) == ours for name in named):
            return frozenset(others)
        return frozenset(name for name, said in others.items() if ours in listed and said in listed)


EVERY_ONE = Wanted()


def wanted_of(agent: Agent, wish: str = "") -> Wanted:
    """The environment that is wished for; without a wish the first that the catalogue lists, of an unlisted agent all."""
    named = wish.strip() or (agent.environments[0] if agent.listed and agent.environments else "")
    return Wanted("" if named.lower() == ALL else named, agent.environments if agent.listed else ())


@dataclass(frozen=True, slots=True)
class Kept:
    """Tasks of one environment. ``seen`` and ``left_out`` count all and the others by the environment they name ("": none)."""

    readings: Sequence[Reading]
    seen: Mapping[str, int]
    left_out: Mapping[str, int]
    foreign: frozenset[str | None] = frozenset()


def kept(readings: Sequence[Reading], wanted: Wanted, draw: Draw | None = None) -> Kept:
    """The tasks of the wanted environment and those that name none, in their order; and what was left out.

    Beside a draw the counts are about those of all tasks, not only of those that were read.
    """
    named = Counter(map(_named_by, readings)) if draw is None else _of_all(readings, draw)
    foreign = wanted.foreign(named)
    if foreign:
        readings = [reading for reading in readings if reading.environment not in foreign]
    return Kept(readings, _counted(named), _counted({name: named[name] for name in foreign}), foreign)


def counting(readings: Iterable[Reading], wanted: Wanted) -> Callable[[Reading], bool]:
    """Whether a task counts beside these, which tell what environments there are: one that is not among them, too."""
    seen = set(map(_named_by, readings))
    return lambda reading: reading.environment not in wanted.foreign({*seen, reading.environment})


def without_scores_of(
    scores: Sequence[EvalScore], readings: Sequence[Reading], foreign: frozenset[str | None], *, cut: bool = False
) -> Sequence[EvalScore]:
    """The scores without those of tasks that are left out; a score of no task that is known stays.

    Where not all tasks were read (``cut``), one of a task that was not may be of either environment, and goes.
    """
    if not foreign:
        return scores
    ours = {reading.id for reading in readings if reading.environment not in foreign} if cut else set()
    gone = {reading.id for reading in readings if reading.environment in foreign}
    return [
        score
        for score in scores
        if score.trace_id is None or (score.trace_id in ours if cut else score.trace_id not in gone)
    ]


T = TypeVar("T", Reading, Change)


def others_of(groups: Mapping[str, Sequence[T]], own: Mapping[str, int], wanted: Wanted) -> dict[str, Sequence[T]]:
    """What happened to others in the wanted environment, by their name; ``own`` are the agent's :attr:`Kept.seen`.

    Where the agent's tasks only go by another name, so may theirs, and nothing is left out.
    """
    if astray(wanted.name, own, wanted.foreign(own)):
        return dict(groups)
    foreign = wanted.foreign({*own, *(one.environment for group in groups.values() for one in group)})
    if not foreign:
        return dict(groups)
    found = {name: [one for one in group if one.environment not in foreign] for name, group in groups.items()}
    return {name: group for name, group in found.items() if group}


def astray(wanted: str, seen: Mapping[str, int], left_out: Iterable[str | None]) -> Mapping[str, int]:
    """Tasks that are counted although they name another environment, by it, where no task names the wanted one."""
    gone = set(left_out)
    if not spelled(wanted) or any(same_environment(name, wanted) for name in seen):
        return {}
    return {name: count for name, count in seen.items() if spelled(name) and name not in gone}


def is_named(bundle: EvidenceBundle) -> bool:
    """A task names the environment that the evidence is of."""
    return any(same_environment(name, bundle.environment) for name in bundle.environments)


def said_of(bundle: EvidenceBundle) -> tuple[str, ...]:
    """What readers of the evidence must know of its environment, a sentence each; nothing where all is plain."""
    wanted, seen, left_out = bundle.environment, bundle.environments, bundle.left_out
    about = "About " if any(source.drawn_from for source in bundle.sources) else ""
    said = []
    if left_out:
        are = "is" if sum(left_out.values()) == 1 else "are"
        said.append(f"{about}{_in_words(left_out)} {are} not counted")
        if (nowhere := seen.get("", 0)) and is_named(bundle):
            name, count = ("task names", "counts") if nowhere == 1 else ("tasks name", "count")
            said.append(f"{about}{nowhere} {name} no environment and {count} too")
    elif not spelled(wanted) and len(several := {name: count for name, count in seen.items() if name}) > 1:
        said.append(f"{about}{_in_words(several)} are counted together: ask for one of these to see it alone")
    if elsewhere := astray(wanted, seen, left_out):
        said.append(
            f"No task names the environment {wanted[:LONGEST_NAME]}, so {_in_words(elsewhere)} count too: "
            "correct the agent's environments in the catalogue, or ask for one of these"
        )
    elif spelled(wanted) and left_out and not is_named(bundle):
        said.append(f"No task names the environment {wanted[:LONGEST_NAME]}")
    return tuple(said)


def _of_all(readings: Sequence[Reading], draw: Draw) -> Counter[str | None]:
    """How many of all tasks name each environment, as the tasks that were read tell."""
    found: Counter[str | None] = Counter()
    for reading in readings:
        found[reading.environment] += draw.stands_for(reading)
    told = sum(found.values())
    times = len(draw.starts) / told if draw.starts and told else 1.0
    return Counter({name: max(1, round(count * times)) for name, count in found.items()})


def _in_words(counts: Mapping[str, int]) -> str:
    """``412 tasks of staging and 3 of dev``, the most first."""
    most = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    parts = [f"{count} of {name[:LONGEST_NAME]}" for name, count in most[:MOST_NAMED]]
    if len(most) > MOST_NAMED:
        parts.append(f"{sum(count for _, count in most[MOST_NAMED:])} of {len(most) - MOST_NAMED} more")
    first = most[0][1]
    parts[0] = parts[0].replace(" of ", " task of " if first == 1 else " tasks of ", 1)
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _counted(named: Mapping[str | None, int]) -> dict[str, int]:
    """By the spelling that most tasks use, the most first; those that name none together under ""."""
    names: dict[str, str] = {}
    found: Counter[str] = Counter()
    for name, count in sorted(named.items(), key=lambda one: -one[1]):
        key = spelled(name)
        found[names.setdefault(key, (name or "").strip() if key else "")] += count
    return dict(found.most_common())
