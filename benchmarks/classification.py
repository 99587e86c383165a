"""How right the classification is on simulated incidents and ordinary hours, all of it synthetic.

``--seeds N`` seeds of each mechanism (3), ``--hours N`` two-hour runs of each kind of ordinary world (6), ``--table``
prints the tables of docs/classification.md instead of JSON lines. Two processes.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from multiprocessing import Pool
from pathlib import Path

from measure import Measure, emit, say

from tests.taxonomies import CLASSES, TAXONOMY

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the simulation is shared with the tests

from judgement import LATE_MINUTES, NOTHING, Look, Told, confused, confusion, misplaced, right, wrong
from worlds import ORDINARY, OTHER_WORLDS

from bot.incident.gathering import Gathered, gather
from bot.incident.statistics import quantile
from bot.incident.taxonomy import IncidentClass
from bot.incident.tree import classify
from tests.incident.agents_at_work import MINUTE, START, Fleet, World, work
from tests.incident.faults import ONSET
from tests.incident.troubles import Level, Story, stories

ASKED = (3, 5, 8, 10, 12)  # minutes after the onset
PROCESSES = 2
CLEARLY_RIGHT = 0.96  # the goal for clear incidents
SYNTHETIC = "synthetic, from definitions of the classes"
TWO_HOURS, FIRST_LOOK, EVERY = 120, 30, 5  # minutes


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


def tables(found: Sequence[Told], quiet: Mapping[str, Sequence[str]], other: Mapping[str, Sequence[Told]]) -> str:
    """The tables of the documentation, in Markdown."""
    names = [name.value for name in CLASSES if name is not IncidentClass.UNKN]
    lines = confusion(((one.expected, one.at(12).given) for one in found), names)
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


def measures(found: Sequence[Told], quiet: Mapping[str, Sequence[str]]) -> Iterator[Measure]:
    """The JSON lines."""
    yield from of_classes(found)
    yield of_onsets(found)
    yield of_ordinary_hours([one for windows in quiet.values() for one in windows])
    spent = [look.seconds for one in found for look in one.looks]
    p95 = round(1000 * quantile(spent, 0.95), 1)
    yield Measure("gather and classify, P95", p95, "ms CPU", n=len(spent), note="about 370 tasks")


def of_classes(found: Sequence[Told]) -> Iterator[Measure]:
    """How many got the right class after twelve minutes, how many another, and how badly wrong that was."""
    n = len(found)
    for level in Level:
        mine = [one for one in found if one.level == level.value]
        share, clear = right(mine, 12), level is Level.CLEAR
        goal, met = (">= 0.96", share >= CLEARLY_RIGHT) if clear else ("", None)
        yield Measure(
            f"right class, {level.value}", round(share, 3), "share", goal=goal, met=met, n=len(mine), note=SYNTHETIC
        )
    yield Measure("another class than the right one", round(wrong(found, 12), 4), "share", n=n, note=SYNTHETIC)
    mixed = confused(found, 12)
    yield Measure("quiet and loud confused", mixed, "incidents", goal="0", met=not mixed, n=n, note=SYNTHETIC)


def of_onsets(found: Sequence[Told]) -> Measure:
    """How far off the onset is where the class is right."""
    errors = [
        abs(error)
        for one in found
        if (error := one.at(12).onset_error) is not None and one.at(12).given == one.expected
    ]
    off, of = misplaced(found, 12)
    p95, note = quantile(errors, 0.95), f"{off} of {of} further off or missing"
    met = p95 <= LATE_MINUTES
    return Measure("error of the onset, P95", round(p95, 2), "minutes", goal="<= 5", met=met, n=len(errors), note=note)


def of_ordinary_hours(given: Sequence[str]) -> Measure:
    """How often something was said where nothing is wrong."""
    false = 200 * sum(one != NOTHING for one in given) / len(given)
    what = "classes in 200 ordinary windows"
    return Measure(what, round(false, 2), "classes", goal="< 1", met=false < 1, n=len(given), note=SYNTHETIC)


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
