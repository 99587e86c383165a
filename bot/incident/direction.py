"""Which way a change of controls goes: safer is one click, riskier needs a second person."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from bot.incident.composition import Controls, compose
from bot.incident.control_values import at_least_as_safe, in_words
from bot.incident.kinds import LEVERS, Joining, MitigationKind
from bot.incident.mitigation import Mitigation, Scope

ELSEWHERE = "\x00"  # a name nobody gives: a call that no mitigation with a name in that place binds


class Direction(StrEnum):
    """Where a change leads."""

    SAFER = "safer"
    RISKIER = "riskier"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Way:
    """The direction of a change, with the reason in words."""

    direction: Direction
    reason: str

    @property
    def is_riskier(self) -> bool:
        """It lets the agent do more than before."""
        return self.direction is Direction.RISKIER


def direction(before: Controls, after: Controls) -> Way:
    """From ``before`` to ``after``; one control that lets the agent do more makes the whole change riskier.

    A pin that gives way to another pin is no riskier: no model is safer than another by itself.
    """
    looser = [kind for kind in LEVERS if _looser(kind, before, after)]
    if looser:
        return Way(Direction.RISKIER, f"it lets the agent do more: {_said(looser, before, after)}")
    tighter = [kind for kind in LEVERS if before.value(kind) != after.value(kind)]
    if tighter:
        return Way(Direction.SAFER, _said(tighter, before, after))
    return Way(Direction.NONE, "nothing changes for the agent")


def change(mitigations: Iterable[Mitigation], touched: Mitigation, after: Mitigation | None) -> Way:
    """The direction in which ``touched`` becomes ``after`` (None: it is no longer in force) among all live ones.

    Judged where it matters most: for a call that ``touched`` binds and as few others as possible do.
    To end something is never safer: where another pin comes to light below the one that ends, it is neither.
    """
    live = [m for m in mitigations if m.id != touched.id]
    scope = exposed(touched.scope)
    before = compose(touched.agent, scope, [*live, touched], 0)
    remaining = compose(touched.agent, scope, [*live, after] if after else live, 0)
    way = direction(before, remaining)
    return Way(Direction.NONE, way.reason) if after is None and way.direction is Direction.SAFER else way


def exposed(scope: Scope) -> Scope:
    """The calls of ``scope`` that name something nobody else names, wherever the scope leaves it open."""
    return Scope(
        scope.environment or ELSEWHERE,
        scope.tenant or ELSEWHERE,
        scope.channel or ELSEWHERE,
        scope.version or ELSEWHERE,
    )


def _looser(kind: MitigationKind, before: Controls, after: Controls) -> bool:
    if LEVERS[kind].joining is Joining.ALONE:
        return before.value(kind) is not None and after.value(kind) is None
    return not at_least_as_safe(kind, after.value(kind), before.value(kind))


def _said(kinds: list[MitigationKind], before: Controls, after: Controls) -> str:
    return "; ".join(f"{_words(kind, before)} → {_words(kind, after)}" for kind in kinds)


def _words(kind: MitigationKind, controls: Controls) -> str:
    value = controls.value(kind)
    return f"no {LEVERS[kind].label.lower()}" if value is None else in_words(kind, value)
