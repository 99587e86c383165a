"""Undo, extend, adjust, plan the way out: what happens to a mitigation after it was applied."""

import json
from dataclasses import dataclass, replace
from hashlib import sha256

from bot.incident.approval import Ask, Loosening
from bot.incident.codec import encode
from bot.incident.control_values import at_least_as_safe
from bot.incident.errors import BadInput
from bot.incident.kinds import LEVERS, Joining, Value
from bot.incident.mitigation import Mitigation
from bot.incident.model import Person
from bot.incident.wishes import reason_of, value_of
from bot.response.changes import Changes
from bot.response.in_force import live_mitigation
from bot.response.recording import used_before

MAX_MINUTES = 72 * 60  # of one extension
MOST_STEPS = 10  # of an exit plan
LEAST_PACE, MOST_PACE = 5, 24 * 60  # minutes between two steps


async def _asked(
    changes: Changes, mitigation_id: str, ask: Ask, by: Person, idem: str, expected: int | None, alone: str
) -> Mitigation:
    alone = reason_of(alone, "reason for doing it alone")
    async with changes.records.begin() as work:
        known = await work.mitigations.get(mitigation_id)
        asked = sha256(json.dumps(encode(ask), sort_keys=True).encode()).hexdigest()
        again = await used_before(work, f"{mitigation_id}:{idem}", asked, changes.clock.now())
        if known is not None and again:
            return known  # the same click again
        mitigation = await live_mitigation(work, mitigation_id, expected)
        changed = await changes.ask(work, replace(mitigation, last_key=idem), ask, by, idem, alone)
    return await changes.finish(changed)


@dataclass(frozen=True, slots=True)
class Revert:
    """Undo a mitigation. What remains is composed from the others."""

    changes: Changes

    async def __call__(
        self, mitigation_id: str, reason: str, by: Person, idem: str, *, expected: int | None = None, alone: str = ""
    ) -> Mitigation:
        """The mitigation, reverted; or with ``approval`` naming the question that a second person has to answer.

        ``alone`` is the reason for breaking the glass: it is undone now and falls back after 30 minutes
        unless somebody approves.

        Raises:
            NotFound, Closed, Stale: no such mitigation, it has ended, or it has changed since ``expected``.
        """
        ask = Ask(Loosening.REVERT, mitigation_id, reason_of(reason))
        return await _asked(self.changes, mitigation_id, ask, by, idem, expected, alone)


@dataclass(frozen=True, slots=True)
class Extend:
    """Give a mitigation more time; past 72 hours from its start a second person has to agree."""

    changes: Changes

    async def __call__(
        self, mitigation_id: str, minutes: int, by: Person, idem: str, *, expected: int | None = None
    ) -> Mitigation:
        """The mitigation with its new end, or with ``approval`` set.

        Raises:
            NotFound, Closed, Stale: no such mitigation, it has ended, or it has changed since ``expected``.
            BadInput: the minutes cannot be used.
        """
        if not 1 <= minutes <= MAX_MINUTES:
            raise BadInput("minutes", f"Extend it by 1 to {MAX_MINUTES} minutes.")
        ask = Ask(Loosening.EXTEND, mitigation_id, minutes=minutes)
        return await _asked(self.changes, mitigation_id, ask, by, idem, expected, "")


@dataclass(frozen=True, slots=True)
class Adjust:
    """Another value for a mitigation in force: tighter at once, looser with a second person."""

    changes: Changes

    async def __call__(
        self,
        mitigation_id: str,
        value: object,
        reason: str,
        by: Person,
        idem: str,
        *,
        expected: int | None = None,
        alone: str = "",
    ) -> Mitigation:
        """The mitigation with its new value, or with ``approval`` set.

        Raises:
            NotFound, Closed, Stale: no such mitigation, it has ended, or it has changed since ``expected``.
            BadInput: the value cannot be used.
        """
        async with self.changes.records.look() as work:
            kind = (await live_mitigation(work, mitigation_id)).kind
        if LEVERS[kind].is_switch:
            raise BadInput("value", f"{kind.label} is on or off; undo it instead.")
        ask = Ask(Loosening.ADJUST, mitigation_id, reason_of(reason), value_of(kind, value))
        return await _asked(self.changes, mitigation_id, ask, by, idem, expected, alone)


@dataclass(frozen=True, slots=True)
class PlanExit:
    """The way out in steps: approved once, then each step waits for its time and for the recovery gate."""

    changes: Changes

    async def __call__(
        self, mitigation_id: str, steps: tuple[object, ...], minutes: int, reason: str, by: Person, idem: str
    ) -> Mitigation:
        """The mitigation with its plan, or with ``approval`` set.

        Raises:
            NotFound, Closed: no such mitigation, or it has ended.
            BadInput: a step is no value, not looser than the one before, or the pace is out of range.
        """
        async with self.changes.records.look() as work:
            m = await live_mitigation(work, mitigation_id)
        ask = Ask(Loosening.EXIT_PLAN, m.id, reason_of(reason), minutes=minutes, steps=checked_steps(m, steps, minutes))
        return await _asked(self.changes, mitigation_id, ask, by, idem, None, "")


def checked_steps(m: Mitigation, steps: tuple[object, ...], minutes: int) -> tuple[Value, ...]:
    """The steps of an exit plan as values, each looser than the one before.

    Raises:
        BadInput: they are not.
    """
    if not LEAST_PACE <= minutes <= MOST_PACE:
        raise BadInput("minutes", f"Give {LEAST_PACE} to {MOST_PACE} minutes between two steps.")
    if LEVERS[m.kind].joining in {Joining.ANY, Joining.ALONE} and steps:
        raise BadInput("steps", f"{m.kind.label} has no values between on and off; plan it without steps.")
    if len(steps) > MOST_STEPS:
        raise BadInput("steps", f"Plan {MOST_STEPS} steps at most.")
    values = tuple(value_of(m.kind, step) for step in steps)
    for before, after in zip((m.value, *values), values, strict=False):
        if not at_least_as_safe(m.kind, before, after) or before == after:
            raise BadInput("steps", "Each step has to be looser than the one before, like 8, 15 after 5.")
    return values
