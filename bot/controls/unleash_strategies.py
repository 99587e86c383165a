"""Mitigations as Unleash's strategies: what one looks like, which comes first, and whether agents are under it.

Unleash joins strategies by "or" and takes values from the first that matches, so the safest is put first.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from bot.controls.entry import SCOPES, Options, account, scope_of
from bot.incident.composition import Controls
from bot.incident.control_values import at_least_as_safe, figure_of
from bot.incident.driving import Plan
from bot.incident.kinds import HANDOFFS, LEVERS, Joining, MitigationKind, Value
from bot.incident.mitigation import Mitigation

MARK, BEFORE = "firstfive", "firstfive.before"  # parameters of our strategies: whose they are, what was before them
AHEAD = -1_000_000_000  # of the strategies of others, which start from 0


@dataclass(frozen=True, slots=True)
class Place:
    """One feature in one environment of Unleash."""

    project: str
    feature: str
    environment: str

    @property
    def features(self) -> str:
        """The features of the project, at the admin API."""
        return f"/api/admin/projects/{quote(self.project, safe='')}/features"

    @property
    def at(self) -> str:
        """The feature in its environment, at the admin API."""
        return f"{self.features}/{quote(self.feature, safe='')}/environments/{quote(self.environment, safe='')}"

    def __str__(self) -> str:
        return f"{self.feature} in {self.environment}"


def serving(mitigation: Mitigation) -> str:
    """The variant it is served with, in words; empty for kinds that are on or off."""
    kind = mitigation.kind
    plain = LEVERS[kind].is_switch or kind is MitigationKind.DISABLE_TOOLS
    return "" if plain else f" with the variant {figure_of(mitigation.value)}"


def strategy_for(place: Place, plan: Plan, before: str, options: Options) -> dict[str, Any]:
    """The strategy of a mitigation; ``before`` says whether the feature was "on" or "off" when it came."""
    mitigation = plan.mitigation
    named = zip(SCOPES, scope_of(mitigation), strict=True)
    return {
        "name": "flexibleRollout",
        "title": account(mitigation, plan.by, lifts=False)[:200],
        "sortOrder": AHEAD + _order(mitigation),
        "parameters": {
            "rollout": "100",
            "stickiness": "default",
            "groupId": place.feature,
            MARK: mitigation.id,
            BEFORE: before,
        },
        "constraints": [
            {"contextName": options.get(name, name), "operator": "IN", "values": [value]}
            for name, value in named
            if value
        ],
        "variants": _variants(mitigation),
    }


def _variants(mitigation: Mitigation) -> list[dict[str, Any]]:
    if not serving(mitigation):
        return []
    value = figure_of(mitigation.value)
    payload = {"type": "number" if LEVERS[mitigation.kind].is_number else "string", "value": value}
    return [{"name": value, "weight": 1000, "weightType": "variable", "stickiness": "default", "payload": payload}]


def _order(mitigation: Mitigation) -> int:
    """The safer, the further ahead; where no value is safer, the newer."""
    value = mitigation.value
    match LEVERS[mitigation.kind].joining:
        case Joining.LEAST if isinstance(value, int | float):
            return int(value * 1000)
        case Joining.MOST if isinstance(value, int | float):
            return -int(value * 1000)
        case Joining.WIDEST:
            return -HANDOFFS.index(str(value))
        case Joining.ALONE:
            return -int(mitigation.applied_at.timestamp()) // 10
        case _:
            return 0


def mark_of(strategy: Mapping[str, Any]) -> str:
    """The id of the mitigation that a strategy belongs to; empty where it is not ours."""
    return str((strategy.get("parameters") or {}).get(MARK) or "")


def before_of(strategy: Mapping[str, Any]) -> str:
    """Whether the feature was "on" or "off" before the first strategy of ours."""
    return str((strategy.get("parameters") or {}).get(BEFORE) or "on")


def wrong_with(feature: Mapping[str, Any], mitigation: Mitigation, after: Controls) -> str:
    """Why an agent that reads this feature is not under the mitigation, or still is; empty when all is as planned."""
    strategies = [one for one in feature.get("strategies") or () if isinstance(one, dict)]
    place = next((index for index, one in enumerate(strategies) if mark_of(one) == mitigation.id), None)
    if mitigation.id not in after.mitigations:
        still = place is not None and feature.get("enabled")
        return "this mitigation's strategy is still in force" if still else ""
    if not feature.get("enabled"):
        return "it is off" if feature else "there is no such feature"
    if place is None:
        return "this mitigation's strategy is not there"
    if not serving(mitigation):
        return ""
    served = [(_value(one, mitigation.kind), one) for one in strategies[: place + 1]]
    weaker = [
        one for value, one in served if value is None or not at_least_as_safe(mitigation.kind, value, mitigation.value)
    ]
    return "another strategy stands before this mitigation's" if weaker else ""


def _value(strategy: Mapping[str, Any], kind: MitigationKind) -> Value | None:
    try:
        said = strategy["variants"][0]["payload"]["value"]
        return float(json.loads(said)) if LEVERS[kind].is_number else str(said)
    except (KeyError, IndexError, TypeError, ValueError):
        return None
