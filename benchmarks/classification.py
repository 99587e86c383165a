"""How right the classification is on simulated incidents and ordinary hours, all of it synthetic.

``--seeds N`` seeds of each mechanism (3), ``--hours N`` two-hour runs of each kind of ordinary world (6), ``--table``
prints the tables of docs/classification.md instead of JSON lines. Two processes.
"""

import argparse
import math
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing import Pool
from pathlib import Path

from measure import Measure, emit, say

from tests.taxonomies import CLASSES, TAXONOMY

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the simulation is shared with the tests

from bot.incident.gathering import Gathered, gather
from bot.incident.statistics import quantile
from bot.incident.taxonomy import IncidentClass
from bot.incident.tree import classify
from tests.incident.agents_at_work import MINUTE, START, Fleet, Release, World, work
from tests.incident.faults import ONSET
from tests.incident.troubles import Level, Story, stories

ASKED = (3, 5, 8, 10, 12)  # minutes after the onset
PROCESSES = 2
TWO_HOURS, FIRST_LOOK, EVERY = 120, 30, 5  # minutes
LATE_MINUTES = 5.0
LOUD = frozenset({"HARD", "PROV", "TOOL", "LOOP"})
NOTHING = "none"
BARE = frozenset(
    [
        "outcome",
        "step_limit",
        "guardrails",
        "manifest",
        "claims",
        "approval",
        "destination",
        "turn",
        "locale",
        "versions",
        "side_effect",
        "trust",
    ]
)

ORDINARY: Mapping[str, World] = {
    "as published": World(),
    "three times the noise": World(
        noise={"tool_noise": 3, "model_error": 3, "escalates": 2, "policy": 3, "injection": 3, "wrong": 2, "crash": 3}
    ),
    "hardly any noise": World(noise={"tool_noise": 0.2, "model_error": 0.2, "policy": 0.2, "wrong": 0.3, "crash": 0.2}),
    "12 tasks a minute": World(per_minute=12),
    "1.5 tasks a minute": World(per_minute=1.5),
    "day and night": World(pace=lambda minute, _: 1 + 0.8 * math.sin(minute / 40)),
    "releases without effect": World(
        releases=(
            Release(45, "helpdesk-agent", "version", "4.13.0"),
            Release(60, "helpdesk-agent", "prompt", "p-119"),
            Release(70, "helpdesk-agent", "asked", "orion-large-2026-10-01"),
        )
    ),
    "one agent only": World(per_minute=4, shares={"helpdesk-agent": 1.0}),
    "nothing is judged": World(evaluations={}, probes=False),
    "plain spans only": World(untold=BARE, probes=False),
}
OTHER_WORLDS: Mapping[str, World] = {
    "10 tasks a minute": World(per_minute=10),
    "2.5 tasks a minute": World(per_minute=2.5),
    "one agent only": World(per_minute=4, shares={"helpdesk-agent": 1.0}),
    "three times the noise": ORDINARY["three times the noise"],
    "nothing is judged": ORDINARY["nothing is judged"],
    "plain spans only": ORDINARY["plain spans only"],
}


@dataclass(frozen=True)
class Look:
    """What was said at one moment."""

    minute: float
    given: str
    onset_error: float | None  # minutes
    seconds: float


@dataclass(frozen=True)
class Told:
    """One incident with its truth and what was said of it."""

    expected: str
    level: str
    mechanism: str
    looks: tuple[Look, ...]

    def at(self, minute: float) -> Look:
        """The look of that minute."""
        return next(look for look in self.looks if look.minute == minute)


def looked(fleet: Fleet, agent: str, minute: float, onset: float | None) -> Look:
    """One classification; only ``gather`` and ``classify`` are timed."""
    at_ns = START + int(minute * MINUTE)
    known = Gathered(*fleet.until(agent, at_ns))
    begun = time.process_time()
    bundle = gather(agent, at_ns, known, TAXONOMY)
    given = classify(bundle, TAXONOMY).incident_class
    seconds = time.process_time() - begun
    error = (bundle.onset.at_ns - START) / MINUTE - onset if bundle.onset and onset is not None else None
    return Look(minute - (onset or 0.0), given.value if given else NOTHING, error, seconds)


def told(story: Story) -> Told:
    """One incident, asked for some minutes after its onset."""
    fleet = story.fleet()
    looks = tuple(looked(fleet, story.trouble.agent, ONSET + minute, ONSET) for minute in ASKED)
    return Told(story.trouble.expected.value, story.level.value, story.trouble.name, looks)


def ordinary(name: str, seed: int) -> tuple[str, list[str]]:
    """Two hours without an incident: what was said of each agent every five minutes."""
    world = ORDINARY[name]
    fleet = work(seed, TWO_HOURS, world=world)
    moments = range(FIRST_LOOK, TWO_HOURS, EVERY)
    return name, [looked(fleet, agent, minute, None).given for agent in world.shares for minute in moments]


TODO: list[tuple[Story | None, str, int]] = []


def nth(place: int) -> Told | tuple[str, list[str]]:
    """The work is handed over by its place: faults are closures, which do not travel between processes."""
    story, name, seed = TODO[place]
    return told(story) if story else ordinary(name, seed)


def carried_out(work_list: Sequence[tuple[Story | None, str, int]]) -> Iterator[Told | tuple[str, list[str]]]:
    TODO[:] = work_list
    with Pool(PROCESSES) as pool:
        for done, found in enumerate(pool.imap(nth, range(len(TODO)), chunksize=4), 1):
            if done % 100 == 0:
                say(f"{done} of {len(TODO)}")
            yield found


def incidents(seeds: int, world: World | None = None) -> list[Told]:
    """Each mechanism at each level, ``seeds`` times; in another world, each at one level."""
    chosen = list(stories(range(seeds), world)) if world else list(stories(range(seeds)))
    if world:  # elsewhere, each mechanism at one level
        chosen = [story for place, story in enumerate(chosen) if place // len(Level) % len(Level) == place % len(Level)]
    return [found for found in carried_out([(story, "", 0) for story in chosen]) if isinstance(found, Told)]


def hours(runs: int) -> dict[str, list[str]]:
    """What was said in ordinary hours, by kind of world."""
    todo = [(None, name, seed) for name in ORDINARY for seed in range(1000, 1000 + runs)]
    found: dict[str, list[str]] = {name: [] for name in ORDINARY}
    for one in carried_out(todo):
        if not isinstance(one, Told):
            found[one[0]] += one[1]
    return found


def right(found: Sequence[Told], minute: float) -> float:
    return sum(one.at(minute).given == one.expected for one in found) / len(found)


def confused(found: Sequence[Told], minute: float) -> int:
    """A quiet class called loud, or the reverse."""
    given = [(one.expected, one.at(minute).given) for one in found]
    return sum((a in LOUD) != (b in LOUD) for a, b in given if b not in {NOTHING, "UNKN"})


def misplaced(found: Sequence[Told], minute: float) -> tuple[int, int]:
    """Onsets more than five minutes off or missing, of those whose class is right."""
    errors = [one.at(minute).onset_error for one in found if one.at(minute).given == one.expected]
    return sum(error is None or abs(error) > LATE_MINUTES for error in errors), len(errors)


def tables(found: Sequence[Told], quiet: Mapping[str, Sequence[str]], other: Mapping[str, Sequence[Told]]) -> str:
    """The tables of the documentation, in Markdown."""
    names = [name.value for name in CLASSES if name is not IncidentClass.UNKN]
    counts = Counter((one.expected, one.at(12).given) for one in found)
    columns = [*names, NOTHING, "UNKN"]
    lines = ["|truth \\ given|" + "|".join(columns) + "|", "|-|" + "-:|" * len(columns)]
    lines += [f"|**{row}**|" + "|".join(str(counts[row, name] or "") for name in columns) + "|" for row in names]
    lines += ["", "|minutes after the onset|" + "|".join(map(str, ASKED)) + "|", "|-|" + "-:|" * len(ASKED)]
    for level in Level:
        mine = [one for one in found if one.level == level.value]
        lines.append(f"|right, {level.value}|" + "|".join(f"{right(mine, minute):.0%}" for minute in ASKED) + "|")
    lines.append("|another class|" + "|".join(f"{wrong(found, minute):.1%}" for minute in ASKED) + "|")
    lines.append("|quiet called loud or the reverse|" + "|".join(str(confused(found, m)) for m in ASKED) + "|")
    off = [misplaced(found, minute) for minute in ASKED]
    lines.append("|onset over 5 min off|" + "|".join(f"{k} of {n}" for k, n in off) + "|")
    lines += ["", "|ordinary hours|windows|with a class|per 200|", "|-|-:|-:|-:|"]
    for name, given in quiet.items():
        bad = sum(one != NOTHING for one in given)
        lines.append(f"|{name}|{len(given)}|{bad}|{200 * bad / len(given):.2f}|")
    lines += [
        "",
        "|incidents elsewhere|incidents|right after 12 min|another class|quiet and loud confused|",
        "|-|-:|-:|-:|-:|",
    ]
    for name, theirs in other.items():
        shares = f"{right(theirs, 12):.0%}|{wrong(theirs, 12):.1%}|{confused(theirs, 12)}"
        lines.append(f"|{name}|{len(theirs)}|{shares}|")
    return "\n".join(lines)


def wrong(found: Sequence[Told], minute: float) -> float:
    """The share that was given another class."""
    return sum(one.at(minute).given not in {one.expected, NOTHING, "UNKN"} for one in found) / len(found)


def measures(found: Sequence[Told], quiet: Mapping[str, Sequence[str]]) -> Iterator[Measure]:
    """The JSON lines."""
    note, n = "synthetic, from definitions of the classes", len(found)
    for level in Level:
        mine = [one for one in found if one.level == level.value]
        share, goal = right(mine, 12), 0.96 if level is Level.CLEAR else None
        met = None if goal is None else share >= goal
        yield Measure(
            f"right class, {level.value}",
            round(share, 3),
            "share",
            goal=">= 0.96" if goal else "",
            met=met,
            n=len(mine),
            note=note,
        )
    yield Measure("another class than the right one", round(wrong(found, 12), 4), "share", n=n, note=note)
    yield Measure(
        "quiet and loud confused",
        confused(found, 12),
        "incidents",
        goal="0",
        met=not confused(found, 12),
        n=n,
        note=note,
    )
    errors = [
        abs(error)
        for one in found
        if (error := one.at(12).onset_error) is not None and one.at(12).given == one.expected
    ]
    off, of = misplaced(found, 12)
    yield Measure(
        "error of the onset, P95",
        round(quantile(errors, 0.95), 2),
        "minutes",
        goal="<= 5",
        met=quantile(errors, 0.95) <= LATE_MINUTES,
        n=len(errors),
        note=f"{off} of {of} further off or missing",
    )
    given = [one for windows in quiet.values() for one in windows]
    false = 200 * sum(one != NOTHING for one in given) / len(given)
    yield Measure(
        "classes in 200 ordinary windows",
        round(false, 2),
        "classes",
        goal="< 1",
        met=false < 1,
        n=len(given),
        note=note,
    )
    spent = [look.seconds for one in found for look in one.looks]
    yield Measure(
        "gather and classify, P95",
        round(1000 * quantile(spent, 0.95), 1),
        "ms CPU",
        n=len(spent),
        note="about 370 tasks",
    )


def main() -> None:
    """Measure, and print the lines or the tables."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--seeds", type=int, default=3)
    asked.add_argument("--hours", type=int, default=6)
    asked.add_argument("--table", action="store_true")
    given = asked.parse_args()
    found = incidents(given.seeds)
    quiet = hours(given.hours)
    if given.table:
        other = {name: incidents(1, world) for name, world in OTHER_WORLDS.items()}
        print(tables(found, quiet, other))
        return
    for measure in measures(found, quiet):
        emit(measure)


if __name__ == "__main__":
    main()
