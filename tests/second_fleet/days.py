"""Puts a day together: ordinary tasks, a misleading signal, an incident."""

from dataclasses import replace
from random import Random

from tests.second_fleet.folders import PROBES, Hour, onset_of
from tests.second_fleet.herrings import Herring
from tests.second_fleet.incidents import Incident
from tests.second_fleet.tasks import FLEET, Task, ordinary

MINUTES_BEFORE, MINUTES_AFTER = 60.0, 11.9
GAP = 0.2
"""Minutes from one task of the fleet to the next."""


def traffic(agent: str, minute: float, incident: Incident | None, herring: Herring | None) -> float:
    """How much of the usual work arrives."""
    share = 1.0
    if herring is not None and herring.agent == agent and herring.since <= minute < herring.until:
        share *= herring.traffic
    if incident is not None and agent in incident.agents and minute >= 0:
        share *= incident.traffic
    return share


def released(task: Task, incident: Incident | None, herring: Herring | None) -> None:
    """The prompt and version that were live at the task's minute."""
    if herring is not None and herring.agent == task.agent.name and task.minute >= herring.since:
        task.prompt, task.version = herring.prompt or task.prompt, herring.version or task.version
    if incident is not None and task.agent.name in incident.agents and task.minute >= -incident.change_minutes_before:
        task.prompt, task.version = incident.prompt or task.prompt, incident.version or task.version


def worked(
    minute: float, chance: Random, incident: Incident | None, herring: Herring | None, touched: float
) -> Task | None:
    """The task that starts in this minute, if its agent got one."""
    agent = chance.choices(FLEET, [agent.share for agent in FLEET])[0]
    if chance.random() >= traffic(agent.name, minute, incident, herring) / 2:
        return None
    kinds = None
    if (
        herring is not None
        and herring.kinds
        and herring.agent == agent.name
        and herring.since <= minute < herring.until
    ):
        kinds = herring.kinds
    if incident is not None and incident.kinds and agent.name in incident.agents and minute >= 0:
        kinds = incident.kinds
    task = ordinary(agent, minute, chance, kinds)
    released(task, incident, herring)
    if (
        herring is not None
        and agent.name == herring.agent
        and herring.since <= minute < herring.until
        and chance.random() < herring.share
    ):
        herring.rewrite(task, chance)
    hit = incident is not None and agent.name in incident.agents and minute >= 0 and incident.where(task)
    if incident is not None and hit and chance.random() < touched:
        incident.happens(task, chance)
    return task


def simulate(
    seed: int,
    incident: Incident | None = None,
    herring: Herring | None = None,
    *,
    subtle: bool = False,
    before: float = MINUTES_BEFORE,
    after: float = MINUTES_AFTER,
) -> tuple[Hour, Random]:
    """An hour of ordinary work and what comes after the onset; without an incident, `after` is ordinary too."""
    chance = Random(f"{seed}/{incident and incident.name}/{herring and herring.name}/{subtle}")  # noqa: S311  a simulation, reproducible on purpose
    touched = 0.0 if incident is None else incident.subtle if subtle else incident.clear
    hour = Hour(onset_of(seed), [], after, -before)
    minute = -before
    while minute < after:  # tasks are drawn twice as often as they arrive, so that traffic can double
        task = worked(minute, chance, incident, herring, touched)
        if task is not None:
            hour.tasks.append(task)
        minute += chance.gauss(GAP / 2, GAP / 6) if chance.random() < 0.9 else GAP / 2
    if incident is not None:
        worse = 0.95 - (0.95 - incident.probes) * (touched / incident.clear)
        hour.probe_passes = dict.fromkeys(PROBES, worse)
    if herring is not None and herring.judges_out:
        hour.blind_judges = (herring.since, herring.until)
    return hour, chance


def subtle_traffic(incident: Incident) -> Incident:
    """A queue that stands still has no share of touched tasks: subtly, a third of the work is lost."""
    return replace(incident, traffic=0.35) if incident.traffic < 1 else incident


def truth(hour: Hour, incident: Incident | None, herring: Herring | None, variant: str) -> dict[str, object]:
    return {
        "synthetic": True,
        "class": incident.of if incident else None,
        "variant": variant,
        "onset": hour.onset.isoformat(),
        "cause": incident.cause if incident else None,
        "affected_agents": list(incident.agents) if incident else [],
        "red_herring": {"class": herring.toward, "description": herring.name} if herring else None,
        "explanation": incident.name if incident else "an ordinary day",
        "traces_before_onset": sum(task.minute < 0 for task in hour.tasks),
        "traces_after_onset": sum(task.minute >= 0 for task in hour.tasks),
    }
