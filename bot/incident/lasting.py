"""How long a control of one kind may be in force without a second look, however often it is ordered anew.

A mitigation lasts 72 hours at most; past that a second person extends it. A new order of the same kind would be a way
around that, so the hours count for as long as one of the kind has been in force there without a break. A new order is
never kept waiting for it: it ends sooner. Ending is what two people can put off.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from bot.incident.composition import compose
from bot.incident.direction import Direction, direction, exposed
from bot.incident.errors import NeedsSecondPerson
from bot.incident.mitigation import DEFAULT_TTL, MAX_TTL, Mitigation, MitigationState, Scope

HOURS = int(MAX_TTL.total_seconds() // 3600)


def within_maximum(live: Iterable[Mitigation], wanted: Mitigation, now: datetime) -> tuple[Mitigation, str]:
    """The order with its count and, where that would be too long, a sooner end; and a sentence that says so, or "".

    What makes the agent safer than it is now gets 60 minutes in any case.

    Raises:
        NeedsSecondPerson: the hours are over and it changes nothing, so extending is what is wanted.
    """
    there = [m for m in live if m.agent == wanted.agent and m.state.is_live]
    same = [m for m in there if m.kind is wanted.kind and m.id != wanted.id and covers(m.scope, wanted.scope)]
    if not same:
        return wanted, ""
    since = min(m.unbroken for m in same)
    latest = max(since + MAX_TTL, *(m.expires_at for m in same))
    if _is_safer(there, wanted):
        latest = max(latest, now + DEFAULT_TTL)
    counted = replace(wanted, in_force_since=since)
    if wanted.expires_at <= latest:
        return counted, ""
    kind = wanted.kind.label
    if latest <= now:
        longest = max(same, key=lambda m: m.expires_at)
        raise NeedsSecondPerson(
            f"{kind} has been in force on {wanted.agent} for more than {HOURS} h without a break. Extend {longest.label} "
            f"({longest.id}) instead of applying it anew: a second person then has to agree."
        )
    return replace(counted, expires_at=latest), (
        f"it ends at {latest:%Y-%m-%d %H:%M} UTC and not later: {kind.lower()} has been in force there since "
        f"{since:%Y-%m-%d %H:%M} without a break, and past {HOURS} h a second person has to extend it"
    )


def covers(scope: Scope, other: Scope) -> bool:
    """Whatever ``other`` binds, ``scope`` binds too."""
    return all(
        not wide or wide == narrow
        for wide, narrow in (
            (scope.environment, other.environment),
            (scope.tenant, other.tenant),
            (scope.channel, other.channel),
            (scope.version, other.version),
        )
    )


def _is_safer(live: list[Mitigation], wanted: Mitigation) -> bool:
    scope = exposed(wanted.scope)
    applied = replace(wanted, state=MitigationState.APPLIED)
    before = compose(wanted.agent, scope, live, 0)
    after = compose(wanted.agent, scope, [*live, applied], 0)
    return direction(before, after).direction is Direction.SAFER
