"""Declare: the incident exists in the database before anything else happens."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.incident.environments import wanted_of
from bot.incident.errors import BadInput
from bot.incident.facts.declaring import Declared
from bot.incident.model import Agent, Catalogue, IncidentKey, Person, Via
from bot.incident.state import IncidentState
from bot.incident.taxonomy import Severity
from bot.ports import Background, Clock, Job, JobName, NewIncident, Records, Work
from bot.response.freeze import FreezeEvidence
from bot.response.recording import record, state_of

REMIND_AFTER = timedelta(minutes=3)
NUDGE_AFTER = timedelta(minutes=5)  # the time there is to name a class
RAISE_AFTER = timedelta(minutes=30)
TITLE_LIMIT = 200
JOINERS = "\u200c\u200d\u200e\u200f"  # invisible, and part of how emoji, Persian and right-to-left text read


@dataclass(frozen=True, slots=True)
class Declaration:
    """What the declarer said. ``environment`` empty means the first one that the catalogue lists; of an unlisted agent all."""

    title: str
    agent: str
    environment: str = ""
    harm_now: bool = False
    severity: Severity = Severity.SEV3
    via: Via = Via.SLACK
    detection: str = ""
    test: bool = False
    private: bool = False


@dataclass(frozen=True, slots=True)
class Declare:
    """Open an incident, start its clocks, and have the evidence of this moment frozen."""

    records: Records
    clock: Clock
    catalogue: Catalogue
    freeze: FreezeEvidence
    background: Background

    async def __call__(self, declaration: Declaration, by: Person, idem: str) -> tuple[IncidentState, bool]:
        """The new incident's state and True; for a key used before, that incident's and False.

        Raises:
            BadInput: no title, one that is too long, or no agent.
        """
        title = checked_title(declaration.title)
        agent = checked_agent(self.catalogue, declaration.agent)
        async with self.records.begin() as work:
            state, new = await self._open(work, declaration, title, agent, by, idem)
        if new:
            self.background.start(self.freeze(state.incident.key))
        return state, new

    async def _open(
        self, work: Work, said: Declaration, title: str, agent: Agent, by: Person, idem: str
    ) -> tuple[IncidentState, bool]:
        at = self.clock.now()
        environment = said.environment or wanted_of(agent).name
        wanted = NewIncident(title, agent.name, environment, at, by, said.private, said.test)
        incident, new = await work.incidents.open(wanted, idem)
        if new:
            fact = Declared(
                title,
                agent.name,
                environment,
                said.severity,
                said.harm_now,
                said.via,
                said.detection.strip(),
                said.test,
                said.private,
            )
            await record(work, incident.key, fact, by, at, "declared")
            for job in clocks(incident.key, at):
                await work.jobs.schedule(job)
        return await state_of(work, incident.key), new


def clocks(key: IncidentKey, declared_at: datetime) -> tuple[Job, ...]:
    """The durable timers that start with a declaration."""
    return (
        Job(JobName.FREEZE_EVIDENCE, f"freeze:{key}", key, declared_at),
        Job(JobName.CLASSIFICATION_REMINDER, f"remind:{key}", key, declared_at + REMIND_AFTER),
        Job(JobName.CLASSIFICATION_NUDGE, f"nudge:{key}", key, declared_at + NUDGE_AFTER),
        Job(JobName.CLASSIFICATION_RAISE, f"raise:{key}", key, declared_at + RAISE_AFTER),
    )


def checked_title(text: str) -> str:
    """The title on one line without control characters.

    Raises:
        BadInput: it is empty or longer than 200 characters.
    """
    title = " ".join("".join(c if c.isprintable() or c in JOINERS else " " for c in text).split())
    if not title:
        raise BadInput("title", "Say in a few words what is going wrong.")
    if len(title) > TITLE_LIMIT:
        raise BadInput(
            "title", f"The title has {len(title)} characters; keep it under {TITLE_LIMIT} and put the rest in a note."
        )
    return title


def checked_agent(catalogue: Catalogue, name: str) -> Agent:
    """The agent that is meant, listed or only known by its telemetry.

    Raises:
        BadInput: no name was given, or it cannot be one.
    """
    name = name.strip()
    if not name:
        raise BadInput("agent", "Choose the agent that is in trouble.")
    if len(name) > TITLE_LIMIT:
        raise BadInput("agent", "An agent's name has at most 200 characters.")
    return catalogue.agent(name)
