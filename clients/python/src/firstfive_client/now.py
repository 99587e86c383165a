"""What holds at one moment: rules, and controls composed per scope on first use. Replaced whole on every change."""

from dataclasses import dataclass, field

from firstfive_client.controls import Controls, Kind, Rule, Scope, compose
from firstfive_client.decisions import UNDESCRIBED, of_call
from firstfive_client.refusals import Halted, Refused
from firstfive_client.unknown import Tool, WhenUnknown
from firstfive_client.wire import Snapshot

MOST_SCOPES = 10_000  # callers choose tenants freely
NOTHING_KNOWN = "Nothing is known of the controls yet"


@dataclass(slots=True)
class Now:
    """The controls of a moment. ``calm`` means that no call anywhere can be refused."""

    own: Scope
    rules: tuple[Rule, ...] = ()
    revision: int = 0
    closed_for_risky: bool = False
    calm: bool = True
    composed: dict[Scope, Controls] = field(default_factory=dict)

    def controls(self, scope: Scope | None) -> Controls:
        """What a call in ``scope`` has to obey."""
        key = self.own if scope is None else scope
        found = self.composed.get(key)
        if found is None:
            found = compose(self.rules, key, self.revision)
            if len(self.composed) >= MOST_SCOPES:
                self.composed.clear()
            self.composed[key] = found
        return found

    def refusal(self, scope: Scope | None, tool: str | None, does: Tool = UNDESCRIBED) -> Refused | None:
        """Why the call may not be made, or None."""
        return (tool and self.closed(tool, does)) or of_call(self.controls(scope), tool, does)

    def closed(self, tool: str, does: Tool) -> Refused | None:
        """Why a tool may not be called while nothing is known, or None."""
        if self.closed_for_risky and does.risky:
            return Halted(f"{NOTHING_KNOWN}, and {tool} is risky", tool=tool)
        return None


def known(snapshot: Snapshot, own: Scope) -> Now:
    """What holds once something is known."""
    return Now(own, snapshot.rules, snapshot.revision, calm=not snapshot.rules)


def unknown(policy: WhenUnknown, own: Scope) -> Now:
    """What holds while nothing is known: the policy, as rules without an incident."""
    wanted = {
        Kind.HALT: True if policy.halt == "all" else None,
        Kind.READ_ONLY: True if policy.read_only else None,
        Kind.EGRESS_CUT: True if policy.egress_cut else None,
        Kind.TURN_LIMIT: policy.max_turns,
        Kind.STEP_CAP: policy.max_steps,
        Kind.COST_CAP: policy.max_cost_usd,
    }
    rules = tuple(Rule("", "", kind, value) for kind, value in wanted.items() if value is not None)
    risky = policy.halt == "risky"
    return Now(own, rules, closed_for_risky=risky, calm=not rules and not risky)
