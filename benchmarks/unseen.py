"""How right the classification is on the second fleet: incidents written by somebody who had not seen the classifier. Synthetic.

``--seeds N`` of each mechanism in each variant (1), ``--days N`` days of each misleading signal alone (1), ``--table`` prints
the tables of docs/classification.md instead of JSON lines, ``--told`` every incident without its class. Two processes.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import Pool
from pathlib import Path
from random import Random

from judgement import LATE_MINUTES, NOTHING, UNKNOWN, confusion, mixed_up
from measure import Measure, emit, say

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the fleet is shared with the tests

from bot.incident.statistics import quantile
from tests.second_fleet.days import simulate, subtle_traffic
from tests.second_fleet.herrings import HERRINGS, Herring
from tests.second_fleet.incidents import INCIDENTS, Incident
from tests.second_fleet.looking import received

AGENTS = ("helpdesk-agent", "billing-agent", "field-agent")
VARIANTS = ("clear", "subtle", "red herring", "subtle, red herring")
ASKED = (5.0, 8.0, 11.9)
DAY = (-30, -20, -10, 0, 10, 20)
CLASSES = ("SECU", "ACTN", "BEHV", "HARD", "PROV", "TOOL", "LOOP", "QUAL")


@dataclass(frozen=True)
class Job:
    """One simulated hour: an incident in a variant, or (without one) a day."""

    seed: int
    incident: int | None
    variant: str = ""
    herring: int | None = None


@dataclass(frozen=True)
class Look:
    """What was said of one agent at one minute."""

    agent: str
    minute: float
    given: str
    cause: str
    off: float | None  # minutes between onset and truth


Told = tuple[Job, list[Look]]


def carried_out(job: Job) -> Told:
    """Simulate, send, ask."""
    story = None if job.incident is None else INCIDENTS[job.incident]
    subtle = job.variant.startswith("subtle")
    if story and subtle:
        story = subtle_traffic(story)
    herring = None if job.herring is None else HERRINGS[job.herring]
    found = received(*simulate(job.seed, story, herring, subtle=subtle, after=12 if story else 22))
    looks = []
    for agent in AGENTS:
        for minute in (-8.0, *ASKED) if story else DAY:
            bundle, said = found.look(agent, minute)
            given = said.incident_class.value if said.incident_class else NOTHING
            looks.append(Look(agent, minute, given, said.cause.value, found.off(bundle)))
    return job, looks


def herring_for(story: Incident, seed: int, variant: str) -> int:
    """A misleading signal that points at another class."""
    choice = [place for place, herring in enumerate(HERRINGS) if herring.toward != story.of]
    return Random(f"{story.name}/{seed}/{variant}").choice(choice)  # noqa: S311  reproducible on purpose


def jobs(seeds: int, days: int) -> Iterator[Job]:
    """All incidents, then all days."""
    for place, story in enumerate(INCIDENTS):
        for variant in VARIANTS:
            for seed in range(100, 100 + seeds):
                yield Job(seed, place, variant, herring_for(story, seed, variant) if "herring" in variant else None)
    for herring in (None, *range(len(HERRINGS))):
        for seed in range(200, 200 + days):
            yield Job(seed, None, "", herring)


def run(todo: Sequence[Job]) -> list[Told]:
    """Carry out all of it."""
    found = []
    with Pool(2) as pool:
        for done, told in enumerate(pool.imap(carried_out, todo, chunksize=4), 1):
            found.append(told)
            if done % 50 == 0:
                say(f"{done} of {len(todo)}")
    return found


def affected(told: Told, minute: float) -> Look:
    """What was said of the agent that the incident befell first."""
    job, looks = told
    agent = INCIDENTS[job.incident or 0].agents[0]
    return next(look for look in looks if (look.agent, look.minute) == (agent, minute))


def truth(told: Told) -> Incident:
    """The incident of an hour that has one."""
    return INCIDENTS[told[0].incident or 0]


def right(found: Sequence[Told], minute: float) -> float:
    """The share with the right class."""
    return sum(affected(told, minute).given == truth(told).of for told in found) / max(1, len(found))


def other(found: Sequence[Told], minute: float) -> int:
    """Incidents called another class."""
    return sum(affected(told, minute).given not in {truth(told).of, NOTHING, UNKNOWN} for told in found)


def confused(found: Sequence[Told], minute: float) -> int:
    """Quiet called loud or the reverse."""
    return mixed_up((truth(told).of, affected(told, minute).given) for told in found)


def onsets(found: Sequence[Told], minute: float) -> list[float | None]:
    """How far off the onsets are where the class is right."""
    return [look.off for told in found if (look := affected(told, minute)).given == truth(told).of]


def unaffected(found: Sequence[Told]) -> list[Look]:
    """Looks at which nothing was wrong with the agent: before an incident, or at one it does not concern; no herring."""
    plain = [(truth(told), told[1]) for told in found if told[0].herring is None]
    return [look for story, looks in plain for look in looks if look.minute < 0 or look.agent not in story.agents]


def quiet_days(found: Sequence[Told]) -> list[Look]:
    """Looks at days on which nothing is wrong, at most something misleading."""
    return [look for job, looks in found if job.herring is None or HERRINGS[job.herring].quiet_alone for look in looks]


def tables(incidents: Sequence[Told], days: Sequence[Told]) -> str:
    """The tables of the documentation, in Markdown."""
    lines = confusion(((truth(told).of, affected(told, ASKED[-1]).given) for told in incidents), CLASSES)
    lines += ["", "|minutes after the onset|5|8|12|", "|-|-:|-:|-:|"]
    for variant in VARIANTS:
        mine = [told for told in incidents if told[0].variant == variant]
        lines.append(f"|right, {variant}|" + "|".join(f"{right(mine, minute):.0%}" for minute in ASKED) + "|")
    lines.append("|another class|" + "|".join(f"{other(incidents, m)} of {len(incidents)}" for m in ASKED) + "|")
    lines.append("|quiet called loud or the reverse|" + "|".join(str(confused(incidents, m)) for m in ASKED) + "|")
    off = [onsets(incidents, minute) for minute in ASKED]
    lines.append("|onset over 5 min off|" + "|".join(f"{late(one)} of {len(one)}" for one in off) + "|")
    lines += ["", "|nothing is wrong|looks|with a class|per 200|", "|-|-:|-:|-:|"]
    for name, looks in (
        ("before an incident, and agents it does not concern", unaffected(incidents)),
        ("days with at most a misleading signal", quiet_days(days)),
    ):
        bad = sum(look.given not in {NOTHING, UNKNOWN} for look in looks)
        lines.append(f"|{name}|{len(looks)}|{bad}|{200 * bad / max(1, len(looks)):.2f}|")
    return "\n".join(lines)


def late(errors: Sequence[float | None]) -> int:
    """Onsets further off than they may be, or missing."""
    return sum(error is None or abs(error) > LATE_MINUTES for error in errors)


def measures(incidents: Sequence[Told], days: Sequence[Told]) -> Iterator[Measure]:
    """The JSON lines."""
    note, at = "synthetic, second fleet", ASKED[-1]
    for variant in VARIANTS:
        mine = [told for told in incidents if told[0].variant == variant]
        share = right(mine, at)
        yield Measure(
            f"right class, {variant}",
            round(share, 3),
            "share",
            goal=">= 0.96",
            met=share >= 0.96,
            n=len(mine),
            note=note,
        )
    mixed = confused(incidents, at)
    yield Measure("quiet and loud confused", mixed, "incidents", goal="0", met=not mixed, n=len(incidents), note=note)
    errors = [abs(error) for error in onsets(incidents, at) if error is not None]
    p95 = quantile(errors, 0.95)
    yield Measure(
        "error of the onset, P95",
        round(p95, 2),
        "minutes",
        goal="<= 5",
        met=p95 <= LATE_MINUTES,
        n=len(errors),
        note=note,
    )
    looks = [*unaffected(incidents), *quiet_days(days)]
    false = 200 * sum(look.given not in {NOTHING, UNKNOWN} for look in looks) / len(looks)
    yield Measure(
        "classes in 200 quiet looks", round(false, 2), "classes", goal="< 1", met=false < 1, n=len(looks), note=note
    )


def misses(incidents: Sequence[Told]) -> Iterator[str]:
    """Every incident that has not its class at the end, with what stood beside it."""
    for told in incidents:
        job, look, story = told[0], affected(told, ASKED[-1]), truth(told)
        if look.given != story.of:
            beside: Herring | None = None if job.herring is None else HERRINGS[job.herring]
            yield f"{story.of} -> {look.given}: {story.name}, {job.variant}, seed {job.seed}{f', beside {beside.name}' if beside else ''}"


def main() -> None:
    """Measure, and print the lines or the tables."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--seeds", type=int, default=1)
    asked.add_argument("--days", type=int, default=1)
    asked.add_argument("--table", action="store_true")
    asked.add_argument("--told", action="store_true")
    given = asked.parse_args()
    found = run(list(jobs(given.seeds, given.days)))
    incidents = [told for told in found if told[0].incident is not None]
    days = [told for told in found if told[0].incident is None]
    if given.told:
        for line in misses(incidents):
            say(line)
    if given.table:
        print(tables(incidents, days))
        return
    for measure in measures(incidents, days):
        emit(measure)


if __name__ == "__main__":
    main()
