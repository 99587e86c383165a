"""The control object as JSON, read with care: what cannot be understood is never taken for nothing in force.

The object is the value of ``agent.controls``: ``revision`` and ``rules``, each
``{id, incident, kind, value, scope: {environment, tenant, channel, version}, expires_at}``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from firstfive_client.controls import HANDOFF_WIDTH, Kind, Rule, Scope

MOST_GUARDRAIL = 3
WHOLE = 100


class NotControls(ValueError):
    """This is no control object; the last known one stays in force."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything in force for an agent at one revision.

    ``not_understood`` names rules that this version of the client cannot enforce; they are not
    reported as applied.
    """

    revision: int
    rules: tuple[Rule, ...] = ()
    not_understood: tuple[str, ...] = ()
    raw: Mapping[str, Any] | None = None  # as received, for the last-known-good file

    @property
    def applied(self) -> tuple[str, ...]:
        """Ids of the mitigations that are enforced."""
        return tuple(rule.id for rule in self.rules)


def read_snapshot(value: object) -> Snapshot:
    """The snapshot in a control object.

    Raises:
        NotControls: it has no whole revision or no list of rules.
    """
    if not isinstance(value, Mapping):
        raise NotControls("The control object is no object.")
    revision, rules = value.get("revision"), value.get("rules")
    if not isinstance(revision, int) or isinstance(revision, bool) or not isinstance(rules, list):
        raise NotControls("The control object has no revision or no rules.")
    read, odd = [], []
    for item in rules:
        rule = _rule(item)
        if rule is None:
            odd.append(str(item.get("id", "?")) if isinstance(item, Mapping) else "?")
        else:
            read.append(rule)
    return Snapshot(revision, tuple(read), tuple(odd), dict(value))


def _rule(item: object) -> Rule | None:
    if not isinstance(item, Mapping) or not isinstance(item.get("id"), str):
        return None
    try:
        kind = Kind(str(item.get("kind")))
    except ValueError:
        return None
    scope = item.get("scope") or {}
    value: Any = item.get("value")
    if not isinstance(scope, Mapping) or not _FITS[kind](value):
        return None
    if _FITS[kind] is _switch:
        value = True
    elif kind is Kind.DISABLE_TOOLS:
        value = frozenset(value if isinstance(value, list) else value["tools"])
    named = {name: str(scope.get(name) or "") for name in ("environment", "tenant", "channel", "version")}
    return Rule(
        item["id"], str(item.get("incident") or ""), kind, value, Scope(**named), str(item.get("expires_at") or "")
    )


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _switch(value: object) -> bool:
    return value is True or value is None  # a live switch may come without a value: it is on


def _limit(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0


def _count(value: object) -> bool:
    return _is_int(value) and _limit(value)


def _within(most: int) -> Callable[[Any], bool]:
    return lambda value: _count(value) and value <= most


def _name(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _tools(value: object) -> bool:
    names = value.get("tools") if isinstance(value, Mapping) else value
    return isinstance(names, list) and all(isinstance(name, str) for name in names)


_FITS: Mapping[Kind, Callable[[Any], bool]] = {
    Kind.HALT: _switch,
    Kind.DRAIN: _switch,
    Kind.QUEUE_PAUSE: _switch,
    Kind.READ_ONLY: _switch,
    Kind.EGRESS_CUT: _switch,
    Kind.TURN_LIMIT: _count,
    Kind.STEP_CAP: _count,
    Kind.COST_CAP: _limit,
    Kind.RATE_CAP: _count,
    Kind.DISABLE_TOOLS: _tools,
    Kind.GUARDRAIL_LEVEL: _within(MOST_GUARDRAIL),
    Kind.HANDOFF: lambda value: value in HANDOFF_WIDTH,
    Kind.MODEL_PIN: _name,
    Kind.PROMPT_PIN: _name,
    Kind.CANARY_SHARE: _within(WHOLE),
}
