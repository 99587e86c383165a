"""A LaunchDarkly flag in one environment, as its API tells it: what it serves, and which of its rules are ours."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.incident.control_values import figure_of
from bot.incident.kinds import Value

WAS_OFF = "; the flag was off before"
Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Flag:
    """One flag in one environment, as LaunchDarkly tells it."""

    project: str
    key: str
    environment: str
    body: Json

    @property
    def here(self) -> Json:
        """Its targeting in the environment."""
        found: Json = (self.body.get("environments") or {}).get(self.environment) or {}
        return found

    @property
    def on(self) -> bool:
        """Its targeting is on; otherwise everybody gets the off variation."""
        return self.here.get("on") is True

    @property
    def rules(self) -> Sequence[Json]:
        """The targeting rules in order; the first that matches decides."""
        return [rule for rule in self.here.get("rules") or () if isinstance(rule, dict)]

    def value(self, variation: object) -> Value | None:
        """What that variation, given by its place, serves."""
        variations = self.body.get("variations") or ()
        place = variation if isinstance(variation, int) and 0 <= variation < len(variations) else None
        value: Value | None = None if place is None else variations[place].get("value")
        return value

    def serving(self, wanted: Value) -> int | None:
        """The place of the variation that serves this value."""
        variations = self.body.get("variations") or ()
        return next((place for place, one in enumerate(variations) if same(one.get("value"), wanted)), None)

    def rule_of(self, mitigation_id: str) -> Json | None:
        """The rule of that mitigation."""
        return next((rule for rule in self.rules if f"(firstfive {mitigation_id})" in said_of(rule)), None)

    @property
    def ours(self) -> Sequence[Json]:
        """The rules of all mitigations."""
        return [rule for rule in self.rules if "(firstfive " in said_of(rule)]

    def turned_off_by(self, rule: Json) -> bool:
        """That rule is for everybody and serves what the flag serves when it is off."""
        for_all = any(clause.get("op") == "matches" for clause in rule.get("clauses") or ())
        return for_all and rule.get("variation") == self.here.get("offVariation")

    def __str__(self) -> str:
        return f"{self.key} in {self.environment}"


def said_of(rule: Json) -> str:
    """A rule's description."""
    return str(rule.get("description") or "")


def was_off(flag: Flag) -> bool:
    """Whether the flag was off before the first of our rules came."""
    return WAS_OFF in said_of(flag.ours[0]) if flag.ours else not flag.on


def same(one: object, other: Value) -> bool:
    """Equal, and of one type: a number is no switch."""
    return one == other and isinstance(one, bool) is isinstance(other, bool)


def shown(value: Value | None) -> str:
    """A value as people read it."""
    return str(value).lower() if isinstance(value, bool) or value is None else figure_of(value)
