"""Control planes, the instances that obey them, and the audit of both."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.incident.composition import Controls
from bot.incident.driving import Plan, Receipt
from bot.incident.mitigation import Mitigation, Scope
from bot.incident.proof import Delivery, ReadBack


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
