"""Other agents on the same provider, and which of them have this agent's trouble too."""

from collections.abc import Iterable, Mapping, Sequence

from bot.incident.reading import Reading
from bot.incident.signals import models
from bot.incident.signals.scope import Scope
from bot.incident.statistics import evidence

SHARED_TROUBLE = 2.0  # nats at which a neighbour on the same provider counts as affected
FEWEST_OF_A_NEIGHBOUR = 3  # tasks in the window; the first may have started before the trouble


def recent(start_ns: int, others: Mapping[str, Sequence[Reading]]) -> Mapping[str, Sequence[Reading]]:
    """Other agents' tasks of the window, where they are enough to say something about a provider."""
    found = {name: [one for one in theirs if one.at_ns >= start_ns] for name, theirs in others.items()}
    return {name: theirs for name, theirs in found.items() if len(theirs) >= FEWEST_OF_A_NEIGHBOUR}


def same_provider(readings: Sequence[Reading], others: Mapping[str, Sequence[Reading]]) -> tuple[str, ...]:
    """Other agents that use a provider of this one, by name."""
    mine = providers(readings)
    return tuple(sorted(name for name, found in others.items() if mine & providers(found)))


def providers(readings: Sequence[Reading]) -> frozenset[str]:
    """The providers that the tasks' model calls name."""
    named = {reading.provider for reading in readings}
    named.update([step.provider for reading in readings for step in reading.models])
    return frozenset(name for name in named if name)


def affected(scope: Scope, names: Sequence[str]) -> tuple[str, ...]:
    """Those of the named neighbours whose provider gives them the same trouble as this agent in the window, unlike before."""
    own = provider_troubles(scope.now, scope.before)
    if not own:
        return ()
    found = []
    for name in names:
        theirs = [one for one in scope.others[name] if one.at_ns < scope.at_ns]
        now = [one for one in theirs if one.at_ns >= scope.window.start_ns]
        before = [one for one in theirs if one.at_ns < scope.baseline.end_ns]
        if own & provider_troubles(now, before):
            found.append(name)
    return tuple(found)


def provider_troubles(lately: Iterable[Reading], earlier: Iterable[Reading]) -> frozenset[str]:
    """What a provider does worse than before: calls that fail or drag are one trouble, answers of another model are one."""
    now, before = ([one for one in tasks if one.models] for tasks in (lately, earlier))
    limit = models.slow_limit(before)
    pairs = (
        ("calls", [models.erring(one) for one in now], [models.erring(one) for one in before]),
        ("answers", [one.mismatched for one in now], [one.mismatched for one in before]),
        (
            "calls",
            [seen.bad for seen in models.slow_tasks(now, limit)],
            [seen.bad for seen in models.slow_tasks(before, limit)],
        ),
    )
    return frozenset(name for name, a, b in pairs if evidence(sum(a), len(a), sum(b), len(b)) > SHARED_TROUBLE)
