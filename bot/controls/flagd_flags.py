"""Controls as a flagd flag configuration, with targeting for those that bind a part of the calls only.

Format: https://flagd.dev/reference/flag-definitions/. The default variant is what binds a call that says
nothing about itself, so targeting can only ever make a call freer.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

from bot.incident.codec import encode
from bot.incident.composition import Controls
from bot.incident.control_values import to_flag
from bot.incident.kinds import LEVERS, MitigationKind
from bot.incident.mitigation import Scope

DIMENSIONS = {"environment": "env", "tenant": "tenant", "channel": "channel", "version": "version"}
"""Parts of a scope, and what an evaluation context calls them."""
OTHER = "\0other"  # stands for every value that no mitigation names
MOST_BRANCHES = 256  # beyond it every call is bound by everything, which is the safe side


@dataclass(frozen=True, slots=True)
class Branch:
    """Calls of one sort: what has to be true of their context, and what they have to obey."""

    condition: Mapping[str, Any]
    controls: Controls


def configuration(controls: Callable[[Scope], Controls], own: Scope) -> dict[str, Any]:
    """The flags of an agent for a provider that is bound to ``own``; ``controls`` composes for a scope."""
    bound = controls(own)
    branches = tuple(_branches(controls, own, bound))
    flags = {kind.flag_key: _flag(partial(_value, kind), bound, branches) for kind in LEVERS}
    return {"flags": {"agent.controls": _flag(_whole, bound, branches), **flags}}


def _branches(controls: Callable[[Scope], Controls], own: Scope, bound: Controls) -> Iterator[Branch]:
    named = {
        dimension: sorted({getattr(rule.scope, dimension) for rule in bound.rules} - {""})
        for dimension in DIMENSIONS
        if not getattr(own, dimension)
    }
    choices = {dimension: ("", *values, OTHER) for dimension, values in named.items() if values}
    count = 1
    for values in choices.values():
        count *= len(values)
    if not choices or count > MOST_BRANCHES:
        return
    for values in product(*choices.values()):
        said = dict(zip(choices, values, strict=True))
        if any(said.values()):
            conditions = [_says(DIMENSIONS[name], value, named[name]) for name, value in said.items()]
            yield Branch({"and": conditions}, controls(Scope(**{**encode(own), **said})))


def _says(name: str, value: str, named: list[str]) -> dict[str, Any]:
    said = {"var": name}
    if not value:
        return {"!": [said]}
    if value == OTHER:
        return {"and": [{"!!": [said]}, {"!": [{"in": [said, named]}]}]}
    return {"==": [said, value]}


def _flag(value: Callable[[Controls], Any], bound: Controls, branches: tuple[Branch, ...]) -> dict[str, Any]:
    variants = {"bound": value(bound)}
    targeting: list[Any] = []
    for branch in branches:
        wanted = value(branch.controls)
        variant = next((name for name, known in variants.items() if known == wanted), None)
        if variant is None:
            variant = f"freer-{len(variants)}"
            variants[variant] = wanted
        if variant != "bound":
            targeting += [branch.condition, variant]
    flag: dict[str, Any] = {"state": "ENABLED", "variants": variants, "defaultVariant": "bound"}
    if targeting:
        flag["targeting"] = {"if": [*targeting, "bound"]}
    flag["metadata"] = {
        "incident": ",".join(bound.incidents),
        "mitigation_id": ",".join(bound.mitigations),
        "revision": bound.revision,
    }
    return flag


def _value(kind: MitigationKind, controls: Controls) -> object:
    return to_flag(kind, controls.read(kind))


def _whole(controls: Controls) -> dict[str, Any]:
    said: dict[str, Any] = encode(controls)
    said.pop("agent")
    return said
