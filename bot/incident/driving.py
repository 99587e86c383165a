"""What passes between us and a control plane: a plan in words, a receipt, and what could not be told.

A driver's life with one mitigation is ``plan -> apply -> read_back -> delivery -> revert``; see
:class:`bot.ports.Driver`. A write that may or may not have happened raises
:class:`bot.incident.errors.Uncertain`, and reading back decides.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.incident.composition import Controls
from bot.incident.mitigation import Mitigation
from bot.incident.model import Person


@dataclass(frozen=True, slots=True)
class Plan:
    """What a driver is going to write, before anything is written.

    ``after`` is what the agent must obey in the mitigation's scope once it is written: with the
    mitigation in it to apply, without it to revert. ``words`` tell people, one sentence for each
    write ("Unleash: turn helpdesk-halt on in production"); ``writes`` is the driver's own.
    """

    mitigation: Mitigation
    after: Controls
    words: tuple[str, ...]
    writes: Mapping[str, object] = field(default_factory=dict)
    asked_by: Person | None = None  # who undoes it, where that is another than who applied it

    @property
    def by(self) -> Person:
        """Who asks for the write; goes along where the control plane has a field for it."""
        return self.asked_by or self.mitigation.applied_by

    @property
    def lifts(self) -> bool:
        """It takes the mitigation out of force."""
        return self.mitigation.id not in self.after.mitigations


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a control plane answered to a write; not yet proof of anything.

    ``requests`` are the ids under which the vendor knows the writes, for the audit.
    """

    detail: str = ""
    requests: tuple[str, ...] = ()
