"""A mitigation as a targeting rule of a LaunchDarkly flag: what adds it, what removes it, and whether it is served."""

from collections.abc import Callable
from dataclasses import dataclass

from bot.controls.entry import SCOPES, Options, account, scope_of
from bot.controls.launchdarkly_flags import WAS_OFF, Flag, Json, said_of, same, shown, was_off
from bot.incident.control_values import at_least_as_safe
from bot.incident.errors import Refused
from bot.incident.kinds import LEVERS, Value
from bot.incident.mitigation import Mitigation
from bot.incident.model import Person


@dataclass(frozen=True, slots=True)
class Rule:
    """The rule of one mitigation, by the options of its control; ``refused`` makes the failure to raise."""

    mitigation: Mitigation
    options: Options
    refused: Callable[[str], Refused]

    @property
    def wanted(self) -> Value:
        """The value to be served; of a switch the variation that means in force."""
        if LEVERS[self.mitigation.kind].is_switch:
            return self.options.get("in_force", "false").lower() == "true"
        return self.mitigation.value

    @property
    def who(self) -> str:
        """Whom it is served, in words."""
        return " of ".join(f"{name} {value}" for name, value in self._bound) or "everybody"

    @property
    def _bound(self) -> list[tuple[str, str]]:
        """What the scope names."""
        return [(name, value) for name, value in zip(SCOPES, scope_of(self.mitigation), strict=True) if value]

    def to_apply(self, flag: Flag, by: Person) -> list[Json]:
        """What puts it in force there; empty when it is already.

        Raises:
            Refused: no variation serves its value, or turning the flag on would change what others get.
        """
        place = flag.serving(self.wanted)
        if place is None:
            raise self.refused(
                f"serves only the variations of a flag, and {flag.key} has none with {shown(self.wanted)}; add one."
            )
        added = flag.rule_of(self.mitigation.id) is None
        instructions = [self._added(flag, place, by)] if added else []
        by_off = not self._bound and place == flag.here.get("offVariation")
        if by_off and flag.on:
            instructions.append({"kind": "turnFlagOff"})
        if not by_off and not flag.on:
            instructions.append(self._turned_on(flag))
        return instructions

    def to_revert(self, flag: Flag, by: Person) -> list[Json]:
        """What lifts it there; empty when it is lifted already. Removing names nobody."""
        del by
        rule = flag.rule_of(self.mitigation.id)
        if rule is None:
            return []
        others = [one for one in flag.ours if one is not rule]
        on = not any(flag.turned_off_by(one) for one in others) and (bool(others) or WAS_OFF not in said_of(rule))
        instructions: list[Json] = [{"kind": "removeRule", "ruleId": rule.get("_id")}]
        if on is not flag.on:
            instructions.append({"kind": "turnFlagOn" if on else "turnFlagOff"})
        return instructions

    def wrong(self, flag: Flag, *, lifts: bool) -> str:
        """Why what the flag serves is not as planned; empty when it is."""
        rule, wanted = flag.rule_of(self.mitigation.id), self.wanted
        if lifts:
            return "" if rule is None else "this mitigation's rule is still there"
        if rule is None:
            return "this mitigation's rule is not there"
        if not same(flag.value(rule.get("variation")), wanted):
            return f"its rule does not serve {shown(wanted)}"
        if not flag.on:
            served = flag.value(flag.here.get("offVariation"))
            return "" if same(served, wanted) else f"it is off and serves {shown(served)} to everybody"
        ahead = flag.rules[: flag.rules.index(rule)]
        if any(one not in flag.ours for one in ahead):
            return "another rule stands before this mitigation's"
        missed = [one for one in flag.here.get("targets") or () if one.get("variation") != rule.get("variation")]
        return "it serves some individual targets another variation" if missed else ""

    def _added(self, flag: Flag, place: int, by: Person) -> Json:
        before = WAS_OFF if was_off(flag) else ""
        return {
            "kind": "addRule",
            "description": f"{account(self.mitigation, by, lifts=False).partition('. ')[0]}{before}",
            "clauses": self._clauses(),
            "variationId": flag.body["variations"][place].get("_id"),
            **self._ahead_of(flag),
        }

    def _turned_on(self, flag: Flag) -> Json:
        """Turning it on must change nothing for those whom the mitigation does not bind."""
        fallthrough = (flag.here.get("fallthrough") or {}).get("variation")
        others = fallthrough != flag.here.get("offVariation") or any(rule not in flag.ours for rule in flag.rules)
        if others and self._bound:
            raise self.refused(
                f"has {flag} turned off, and turning it on for this mitigation would change what everybody else gets."
            )
        return {"kind": "turnFlagOn"}

    def _clauses(self) -> list[Json]:
        context = self.options.get("context_kind", "user")
        named = [(self.options.get(name, name), "in", value) for name, value in self._bound]
        return [
            {"contextKind": context, "attribute": attribute, "op": op, "negate": False, "values": [value]}
            for attribute, op, value in named or [("key", "matches", ".*")]
        ]

    def _ahead_of(self, flag: Flag) -> Json:
        """Before the first rule that is not one of ours with a safer value."""
        mitigation = self.mitigation
        switch, ours = LEVERS[mitigation.kind].is_switch, flag.ours
        for rule in flag.rules:
            served = flag.value(rule.get("variation"))
            safer = not switch and served is not None and at_least_as_safe(mitigation.kind, served, mitigation.value)
            if rule not in ours or not safer:
                return {"beforeRuleId": rule.get("_id")}
        return {}
