"""What the verbs need from outside. Each docstring states the promise, not the mechanism."""

from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol, TypeVar

from bot.incident.composition import Controls
from bot.incident.driving import Plan, Receipt
from bot.incident.evidence import Change
from bot.incident.metrics import Metric
from bot.incident.mitigation import Delivery, Mitigation, ReadBack, Scope
from bot.incident.model import Incident, IncidentKey, Person
from bot.incident.outline import Outline
from bot.incident.reading import Reading
from bot.incident.review import Postmortem
from bot.incident.state import IncidentState
from bot.incident.telemetry import EvalScore, Span, Trace
from bot.incident.timeline import Event, Fact


@dataclass(frozen=True, slots=True)
class NewIncident:
    """A declaration before it has a number."""

    title: str
    agent: str
    environment: str
    declared_at: datetime
    declared_by: Person
    private: bool = False
    test: bool = False


T = TypeVar("T")


class RoomTaskKind(StrEnum):
    """What the room can be asked to do."""

    CONVERGE = "converge"  # channel, card, topic, pins: make them what the timeline says
    POST = "post"  # a message in the room: payload text
    TELL = "tell"  # a message only one person sees: payload person, channel, text
    POSTMORTEM = "postmortem"  # render the draft, upload it as a file and link its page
    EVIDENCE = "evidence"  # draw the frozen evidence and upload the pictures, once; best effort


@dataclass(frozen=True, slots=True)
class RoomTask:
    """One thing for the room. ``key`` makes it happen once; an empty key may be queued again and again."""

    kind: RoomTaskKind
    incident: IncidentKey
    key: str = ""
    payload: Mapping[str, str] = field(default_factory=dict)


class JobName(StrEnum):
    """The durable jobs there are."""

    FREEZE_EVIDENCE = "freeze_evidence"  # argument: incident key
    CLASSIFICATION_REMINDER = "classification_reminder"  # argument: incident key
    CLASSIFICATION_NUDGE = "classification_nudge"  # argument: incident key
    CLASSIFICATION_RAISE = "classification_raise"  # argument: incident key
    MITIGATION_EXPIRY = "mitigation_expiry"  # argument: mitigation id
    MITIGATION_WARNING = "mitigation_warning"  # argument: mitigation id
    MITIGATION_DRIVE = "mitigation_drive"  # argument: mitigation id
    APPROVAL_EXPIRY = "approval_expiry"  # argument: approval id
    EXIT_STEP = "exit_step"  # argument: mitigation id


@dataclass(frozen=True, slots=True)
class Job:
    """A durable job; ``id`` makes it scheduled once."""

    name: JobName
    id: str
    argument: str
    run_at: datetime


class Clock(Protocol):
    """The time."""

    def now(self) -> datetime:
        """The current moment, aware, in UTC."""
        ...


class Ids(Protocol):
    """Identifiers nobody can guess or meet twice."""

    def new(self) -> str:
        """A fresh identifier, 20 lower-case letters and digits."""
        ...


class Background(Protocol):
    """Something to start now without waiting for it. A durable job stands behind it, so a crash loses nothing."""

    def start(self, work: Coroutine[object, object, object]) -> None:
        """Run it on the event loop; failures are logged, not raised."""
        ...


class TelemetryStore(Protocol):
    """Spans and scores, kept durably. Adding the same span or score again changes no count."""

    async def add(self, spans: Sequence[Span], scores: Sequence[EvalScore]) -> None:
        """Store all, or raise and store none. Returns after the commit."""
        ...


class TelemetryRetention(Protocol):
    """Telemetry that can be forgotten."""

    async def delete_before(self, arrived_ns: int) -> int:
        """Forget what arrived before that moment without holding writers up; returns how many traces went."""
        ...

    async def delete_beyond(self, most_bytes: int) -> int:
        """Forget what arrived first until telemetry takes no more than that; returns how many traces went."""
        ...


class Traces(Protocol):
    """Traces and evaluation scores of the recent past."""

    async def traces(self, agent: str, start_ns: int, end_ns: int, limit: int = 2000) -> tuple[Trace, ...]:
        """Traces of ``agent`` that start in [start, end), newest ``limit`` of them, in order of start, with spans."""
        ...

    async def readings(
        self, agents: Collection[str], start_ns: int, end_ns: int, limit: int = 4000
    ) -> tuple[Reading, ...]:
        """Tasks of these agents that started in [start, end), newest ``limit`` of them, in order of start."""
        ...

    async def sampled(
        self, agents: Collection[str], start_ns: int, end_ns: int, limit: int, *, models_only: bool = False
    ) -> Mapping[str, tuple[Reading, ...]]:
        """By agent, its tasks that started in [start, end); of more than ``limit`` the newest half and a draw of the others.

        With ``models_only`` they need tell no more than when they were and what their models did.
        """
        ...

    async def usual(self, agents: Collection[str], hours: Collection[int]) -> Mapping[str, tuple[int, int]]:
        """How many (bad, all) there were in these hours (hours since the epoch), by the name of the signal.

        Also of hours whose traces are forgotten already. Empty where nothing is known.
        """
        ...

    async def scores(self, agent: str, start_ns: int, end_ns: int) -> tuple[EvalScore, ...]:
        """Scores of ``agent`` in [start, end), in order of time."""
        ...

    async def trace(self, trace_id: str) -> Trace | None:
        """One trace with its spans, or None."""
        ...

    async def listed(
        self, agents: Collection[str], limit: int, *, failed: bool = False, before_ns: int | None = None
    ) -> tuple[Trace, ...]:
        """The newest traces of these agents, in order of start; only failed or only earlier ones, where wanted."""
        ...

    async def outlines(
        self,
        agents: Collection[str],
        limit: int,
        make: Callable[[Outline], T],
        *,
        failed: bool = False,
        before_ns: int | None = None,
        steps: bool = True,
    ) -> Sequence[T]:
        """What ``make`` makes of each trace of :meth:`listed` with its scores, newest first.

        For those who only hand them on: quick, and never more than one of them is in memory. ``make`` may be called
        in another thread.
        """
        ...

    async def scores_of(self, trace_ids: Sequence[str]) -> tuple[EvalScore, ...]:
        """Every score of these traces, in order of time."""
        ...

    async def agents(self, start_ns: int, end_ns: int) -> tuple[str, ...]:
        """Names of the agents that sent anything in [start, end), sorted."""
        ...


@dataclass(frozen=True, slots=True)
class SourceAsk:
    """What a source is asked for: one agent's traces, scores and figures in [start, end)."""

    agent: str  # its name in the catalogue
    names: frozenset[str]  # every name under which telemetry may speak of it, the first included
    start_ns: int
    end_ns: int
    recent_ns: int  # where "now" begins; what lies before it is the baseline
    seconds: float = 2.5  # the source ends by then with what it has
    most_traces: int = 500  # the newest
    project: str | None = None  # the agent's project, experiment or service there, where the catalogue names one


@dataclass(frozen=True, slots=True)
class SourceFound:
    """What a source gave. ``missing`` says what it left out, one sentence each; empty when nothing."""

    traces: tuple[Trace, ...] = ()  # in order of start, with spans
    scores: tuple[EvalScore, ...] = ()  # in order of time
    metrics: tuple[Metric, ...] = ()
    links: Mapping[str, str] = field(default_factory=dict)  # trace id -> its page in the vendor's own tool
    missing: tuple[str, ...] = ()


class TelemetrySource(Protocol):
    """A place where a team already keeps traces, scores or figures."""

    @property
    def name(self) -> str:
        """What people call it."""
        ...

    async def find(self, ask: SourceAsk) -> SourceFound:
        """Everything it has of that agent and time, within ``ask.seconds``; partial with the missing part named.

        Raises:
            Unavailable: it gave nothing at all; the sentence says why.
        """
        ...

    async def close(self) -> None:
        """Let go of its connections."""
        ...


class Announcements(Protocol):
    """Changes that pipelines told us of: deploys, flags, prompts."""

    async def announce(self, agent: str, environment: str, change: Change, key: str) -> None:
        """Keep it; a second one with the same key changes nothing. An empty agent means every agent."""
        ...

    async def about(self, agents: Collection[str], start_ns: int, end_ns: int) -> tuple[Change, ...]:
        """Changes to these agents, or to all, in [start, end), oldest first."""
        ...


class Incidents(Protocol):
    """Incidents, as fixed at declaration."""

    async def open(self, incident: NewIncident, idempotency_key: str) -> tuple[Incident, bool]:
        """Give it the next number and keep it; False when the key was used before (then: that one, unchanged)."""
        ...

    async def get(self, key: IncidentKey) -> Incident | None:
        """The incident of that key, or None."""
        ...

    async def recent(self, limit: int, before: int | None = None) -> tuple[Incident, ...]:
        """Newest first; with ``before``, only numbers below it."""
        ...

    async def in_channel(self, channel_id: str) -> Incident | None:
        """The incident whose room is that channel, or None."""
        ...


class Timelines(Protocol):
    """Immutable events, in order."""

    async def append(
        self, key: IncidentKey, fact: Fact, by: Person, at: datetime, idempotency_key: str | None = None
    ) -> Event | None:
        """Add one event; None when the idempotency key was used on this incident before."""
        ...

    async def read(self, key: IncidentKey) -> tuple[Event, ...]:
        """All events, oldest first."""
        ...

    async def state(self, incident: Incident) -> IncidentState:
        """The incident as its events tell it."""
        ...

    async def with_event(self, kind: type[Fact], since: datetime) -> tuple[IncidentKey, ...]:
        """Incidents that have an event of that kind since then."""
        ...


class Mitigations(Protocol):
    """Mitigations of all agents, with one growing revision per agent."""

    async def put(self, mitigation: Mitigation) -> Mitigation:
        """Insert or replace by id; returns it with the agent's new revision."""
        ...

    async def get(self, mitigation_id: str) -> Mitigation | None:
        """One mitigation, or None."""
        ...

    async def live(self) -> tuple[tuple[Mitigation, ...], Mapping[str, int]]:
        """All mitigations that have not ended, oldest first, and every agent's current revision.

        Among them are those that wait for approval and are not in force yet.
        """
        ...

    async def decided_since(self, agent: str, revision: int, mitigation: str = "") -> bool:
        """Anything but proof has come to the agent's controls after that revision, or to the one mitigation named."""
        ...

    async def revisions(self) -> Mapping[str, int]:
        """Every agent's current revision: cheap, and the same as long as none of its mitigations has changed."""
        ...


class Snapshots(Protocol):
    """Frozen evidence, kept beside later looks and never overwritten."""

    async def freeze(self, key: IncidentKey, kind: str, at: datetime, body: Mapping[str, object]) -> tuple[str, str]:
        """Keep ``body`` (JSON values) under a new id; returns the id and the SHA-256 of its canonical JSON.

        A second snapshot of kind "T0" returns the first one's id and hash and keeps the first.
        """
        ...

    async def frozen(self, snapshot_id: str) -> Mapping[str, object] | None:
        """The body kept under that id, or None."""
        ...


class Outbox(Protocol):
    """What the room still has to be told. Survives crashes; consumed in order per incident."""

    async def put(self, task: RoomTask) -> None:
        """Queue it; a task whose ``key`` was queued before is dropped, unless that key is empty."""
        ...


class Jobs(Protocol):
    """Durable timers: a job runs once its time has come, even if every process died in between."""

    async def schedule(self, job: Job) -> None:
        """Run it at ``job.run_at``, at least once; a job with the same id is scheduled only once."""
        ...


@dataclass(frozen=True, slots=True)
class Remembered:
    """What is known of an idempotency key: SHA-256 of its request, until when somebody works on it, and the answer."""

    fingerprint: str
    until: datetime | None = None
    answer: Mapping[str, object] | None = None


class Requests(Protocol):
    """Idempotency keys, in the transaction of what they changed."""

    async def claim(self, key: str, fingerprint: str, at: datetime, until: datetime | None = None) -> Remembered | None:
        """Remember it; None when it is new, else what is known of it. Other claims of the key wait for this transaction."""
        ...

    async def settle(self, key: str, answer: Mapping[str, object] | None = None, until: datetime | None = None) -> None:
        """Keep its answer (JSON values), or until when somebody works on it."""
        ...

    async def forget(self, key: str) -> None:
        """It was never used."""
        ...

    async def prune(self, before: datetime) -> int:
        """Forget those remembered before that moment; returns how many."""
        ...


class Turns(Protocol):
    """Who writes to a lane now: one at a time, across processes, and nobody forever."""

    async def take(self, lane: str, now: datetime, until: datetime) -> int | None:
        """The number of the turn, which lasts until then at most; None while another one lasts."""
        ...

    async def is_mine(self, lane: str, number: int) -> bool:
        """No later turn has begun. None begins before this transaction ends."""
        ...

    async def leave(self, lane: str, number: int) -> None:
        """End the turn, if it is still that one."""
        ...


class Work(Protocol):
    """One transaction over everything we keep."""

    @property
    def incidents(self) -> Incidents:
        """What is fixed at declaration."""
        ...

    @property
    def timelines(self) -> Timelines:
        """Everything that happened."""
        ...

    @property
    def mitigations(self) -> Mitigations:
        """The levers pulled."""
        ...

    @property
    def snapshots(self) -> Snapshots:
        """Frozen evidence."""
        ...

    @property
    def outbox(self) -> Outbox:
        """What the room must be told."""
        ...

    @property
    def jobs(self) -> Jobs:
        """Durable timers."""
        ...

    @property
    def turns(self) -> Turns:
        """Who writes to control planes now."""
        ...

    @property
    def requests(self) -> Requests:
        """The idempotency keys that were used."""
        ...


class Records(Protocol):
    """The database, one transaction at a time."""

    def begin(self) -> AbstractAsyncContextManager[Work]:
        """A writing transaction: committed when the block ends well, undone when it raises.

        Nothing slow happens inside: no network, no waiting for people.
        """
        ...

    def look(self) -> AbstractAsyncContextManager[Work]:
        """A reading view; writing through it raises."""
        ...


class Control(Protocol):
    """The built-in control plane, which serves every mitigation in force, whoever else carries it out."""

    async def publish(self) -> None:
        """Make committed mitigations visible to every reader of this process now, and to others within a second."""
        ...


@dataclass(frozen=True, slots=True)
class Sighting:
    """An instance of an agent as one process of ours heard of it last, and since when it has each mitigation."""

    agent: str
    instance: str
    scope: Scope
    last_at: datetime
    since: Mapping[str, datetime]  # by id of the mitigation


class Sightings(Protocol):
    """What all our processes have heard of agents' instances, so that each counts the same ones."""

    async def note(self, sightings: Sequence[Sighting]) -> None:
        """Keep this process's newest word on each of these instances."""
        ...

    async def of_others(self, agent: str, mitigation_id: str, after: datetime) -> tuple[Sighting, ...]:
        """What other processes have heard of the agent's instances after that moment, and of that mitigation in them."""
        ...

    async def counts(self, after: datetime) -> Mapping[str, int]:
        """By agent, how many instances any process has heard of after that moment."""
        ...

    async def forget(self, before: datetime) -> None:
        """Drop what was heard before that moment."""
        ...


class Driver(Protocol):
    """A control plane that carries mitigations out: ``plan -> apply -> read_back -> delivery -> revert``.

    ``after`` is what the agent must obey in the mitigation's scope once the change is made. Overlapping
    mitigations are composed in it already, so a driver writes its values and never computes or restores one.
    """

    @property
    def name(self) -> str:
        """What the catalogue and people call it: ``unleash``."""
        ...

    def plan(self, mitigation: Mitigation, after: Controls) -> Plan:
        """What will be written, where, in words. No I/O. Where the mitigation is not in ``after``, it lifts it.

        Raises:
            Unsupported: it cannot do this kind, value or scope; the sentence says what it can.
        """
        ...

    async def apply(self, plan: Plan, idem: str) -> Receipt:
        """Write it. The same ``idem`` again changes nothing more; actor and incident go along where there is a field.

        Raises:
            Uncertain: the write was sent and may have happened.
            Unavailable: nothing was written; ask again later.
            Refused: the control plane declined for good; nothing was written.
        """
        ...

    async def revert(self, plan: Plan, idem: str) -> Receipt:
        """Write what remains in force without the mitigation; otherwise as :meth:`apply`."""
        ...

    async def read_back(self, mitigation: Mitigation, after: Controls) -> ReadBack:
        """Ask the control plane, as an agent would, whether what it answers is as safe as ``after``.

        A control plane that cannot be asked is not confirmed, and the detail says so; nothing is raised.
        """
        ...

    async def delivery(self, mitigation: Mitigation) -> Delivery:
        """How many of the agent's instances have it; no instances where the control plane does not know them."""
        ...

    async def close(self) -> None:
        """Let go of its connections."""
        ...


@dataclass(frozen=True, slots=True)
class AuditBreak:
    """Where the audit of an agent's controls is not what was written: at that revision, and what is wrong there."""

    agent: str
    revision: int
    what: str

    @property
    def sentence(self) -> str:
        """In words: ``helpdesk-agent: revision 3 is missing.``."""
        return f"{self.agent}: revision {self.revision} {self.what}."


class AuditTrail(Protocol):
    """Who changed which control; append-only, each row chained to the one before by its hash."""

    async def entries(self, agent: str, after: int = 0, limit: int = 100) -> tuple[Mapping[str, object], ...]:
        """Rows of that agent beyond revision ``after``, in order."""
        ...

    async def breaks(self) -> tuple[tuple[AuditBreak, ...], int]:
        """The first break of every chain, none when nobody tampered with it, and how many rows were checked."""
        ...


class Groups(Protocol):
    """Groups of people that somebody else keeps, Slack's user groups for example."""

    async def members(self, group: str) -> frozenset[str]:
        """The ids of the people in it.

        Raises:
            Unavailable: it could not be looked up.
        """
        ...


class Renderer(Protocol):
    """Documents from typed values."""

    def postmortem(self, postmortem: Postmortem, form: str) -> str:
        """The document as "md" or "html"."""
        ...


class Charts(Protocol):
    """Pictures of figures."""

    async def draw(self, spec: Mapping[str, object], form: str) -> bytes:
        """A Vega-Lite spec as "png" or "svg"; off the request path.

        Raises:
            Unavailable: the drawing process did not answer in time.
        """
        ...


@dataclass(frozen=True, slots=True)
class QueuedTask:
    """A task taken from the outbox; it comes back by itself when its lease runs out."""

    id: int
    task: RoomTask
    attempts: int


class OutboxQueue(Protocol):
    """The consuming end of the outbox."""

    async def claim(self, now: datetime, limit: int) -> tuple[QueuedTask, ...]:
        """Due tasks, oldest first, at most one per incident, leased to the caller for 30 s."""
        ...

    async def done(self, task_id: int) -> None:
        """The task is finished and never comes back."""
        ...

    async def again(self, task_id: int, at: datetime, why: str) -> None:
        """Try it again at ``at``; later tasks of the same incident wait behind it."""
        ...


@dataclass(frozen=True, slots=True)
class RoomRecord:
    """What we know we have made in Slack for an incident. Empty fields are still to be made."""

    incident: IncidentKey
    channel_id: str = ""
    channel_name: str = ""
    card_ts: str = ""
    card_digest: str = ""  # of the last card sent, so that an unchanged one is not sent again
    steps: Mapping[str, str] = field(default_factory=dict)  # optional step -> "ok" or what failed
    checklist_ts: str = ""  # the message with the runbook's steps, once there is a class
    checklist_digest: str = ""
    questions: Mapping[str, str] = field(default_factory=dict)  # open question to a second person -> its message


class RoomRecords(Protocol):
    """Where rooms are remembered."""

    async def room(self, key: IncidentKey) -> RoomRecord:
        """The record of that incident, empty when nothing was made yet."""
        ...

    async def save(self, record: RoomRecord) -> None:
        """Remember it. Also makes :meth:`Incidents.in_channel` find the incident by its channel."""
        ...


class Deliveries(Protocol):
    """Requests from outside, each remembered durably before it is acknowledged."""

    async def first(self, key: str, body: str, at: datetime) -> bool:
        """True the first time this key is seen; returns after the commit. Concurrent calls share commits."""
        ...

    async def handled(self, key: str) -> None:
        """The request has been worked off; cheap, may be committed a moment later."""
        ...

    async def unhandled(self, before: datetime) -> tuple[tuple[str, str], ...]:
        """(key, body) of requests received before that moment and never worked off, oldest first."""
        ...
