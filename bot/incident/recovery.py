"""The recovery gate: has what went wrong come back inside its baseline, over enough observations and time?

It never stops anybody from resolving; it says what is not met, with the figures.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from bot.incident.evidence import ENOUGH, Direction, EvidenceBundle, Signal, Unit
from bot.incident.gathering import Gathered, gather
from bot.incident.kinds import MitigationKind
from bot.incident.quantities import in_minutes, percents, quantity
from bot.incident.rules import Taxonomy
from bot.incident.state import MitigationStatus
from bot.incident.statistics import newcombe, wilson
from bot.incident.wording import figure

NEAR_SHARE = 0.05  # of all observations: that near the baseline counts as back, where chance explains the rest
NEAR_RATIO = 0.25  # of the baseline: the same for quantities
SLACK_SECONDS = 1.0  # windows end on whole moments
NS = 1_000_000_000

SOMETIMES = frozenset(
    {"task_mix", "quality_evaluator", "quality_slice", "breaches_slice"}
)  # measured where there is something to compare
FAMILIES = ("eval:", "guardrail:", "tool:", "empty:", "slow:", "metric:")  # one signal per evaluator, tool, …


class Trouble(StrEnum):
    """The direction of a signal that means trouble."""

    UP = "up"
    DOWN = "down"
    EITHER = "either"


@dataclass(frozen=True, slots=True)
class Watch:
    """One condition: ``signal`` is back over ``at_least`` observations in ``minutes``.

    Back means inside its baseline interval, or with ``at_most`` that at most so many observations are bad.
    """

    signal: str
    trouble: Trouble = Trouble.UP
    at_least: int = 50
    minutes: int = 20
    at_most: int | None = None


@dataclass(frozen=True, slots=True)
class Gate:
    """When it is over: in words for people, and as conditions where telemetry can tell.

    ``lifted``: measured only while no mitigation is in force, because a mitigation would hide the trouble.
    """

    text: str
    watches: tuple[Watch, ...] = ()
    lifted: bool = False

    @property
    def minutes(self) -> int:
        """How long the longest condition looks back."""
        return max((watch.minutes for watch in self.watches), default=0)


@dataclass(frozen=True, slots=True)
class Recovery:
    """``met`` is None where telemetry cannot tell. ``because`` has one sentence each, what is not met first."""

    met: bool | None
    because: tuple[str, ...]


_Judged = tuple[bool | None, str]


@cache
def signal_names() -> frozenset[str]:
    """The names that any look may measure, without those of single tools, evaluators and the like."""
    return SOMETIMES | {signal.name for signal in gather("", 0, Gathered(), Taxonomy()).signals}


def known_signal(name: str) -> bool:
    """Whether a bundle may hold a signal of that name."""
    return name in signal_names() or any(name.startswith(family) and name != family for family in FAMILIES)


def recovered(
    gate: Gate,
    bundle: EvidenceBundle,
    mitigations: Sequence[MitigationStatus],
    before: EvidenceBundle | None = None,
) -> Recovery:
    """Whether the gate is met by what ``bundle`` measured; its window is the time looked at.

    ``mitigations`` are all of the incident, ended ones too. ``before`` is the evidence frozen at the
    declaration: its baseline is older than the trouble, while that of ``bundle`` may hold some of it.
    """
    said = [*_hidden(gate, bundle, mitigations)]
    if stale := _stale(bundle):
        said.append((None, stale))
    said += [_watched(watch, bundle, before) for watch in gate.watches]
    if not gate.watches:
        said.append((None, f"people decide this one: {gate.text}"))
    order: tuple[bool | None, ...] = (False, None, True)
    verdict = next((one for one in order if any(met is one for met, _ in said)), True)
    return Recovery(verdict, tuple(text for one in order for met, text in said if met is one))


def _hidden(gate: Gate, bundle: EvidenceBundle, mitigations: Sequence[MitigationStatus]) -> list[_Judged]:
    """What mitigations may hide."""
    said: list[_Judged] = []
    for status in mitigations:
        label = status.mitigation.label
        if status.mitigation.state.is_live and status.mitigation.kind is MitigationKind.HALT:
            said.append((None, f"{label} is in force: no task runs, so nothing can show recovery"))
        elif status.mitigation.state.is_live and gate.lifted:
            said.append((False, f"{label} is in force and may hide the trouble; lift it and measure again"))
        elif status.ended_at and gate.lifted:
            free = bundle.at_ns / NS - status.ended_at.timestamp()
            if free < 60 * gate.minutes - SLACK_SECONDS:
                since, wanted = in_minutes(max(0.0, free) / 60), in_minutes(gate.minutes)
                said.append(
                    (False, f"{label} was lifted {since} ago, it takes {wanted}; the time before does not count")
                )
    return said


def _stale(bundle: EvidenceBundle) -> str:
    newest = bundle.signal("span_age")
    if newest is not None and newest.direction is Direction.UP:
        return "telemetry is stale, so silence shows nothing"
    return ""


def _watched(watch: Watch, bundle: EvidenceBundle, before: EvidenceBundle | None) -> _Judged:
    signal = bundle.signal(watch.signal)
    if signal is None or signal.value is None or not signal.n:
        return None, f"{signal.label if signal else watch.signal}: not measured in these {in_minutes(watch.minutes)}"
    said = figure(signal)
    if bundle.window.seconds < 60 * watch.minutes - SLACK_SECONDS:
        return False, f"{said}: {in_minutes(bundle.window.seconds / 60)} of {in_minutes(watch.minutes)} measured"
    if signal.n < watch.at_least:
        return False, f"{said}: {signal.n} of {watch.at_least} observations"
    if watch.at_most is not None:
        return _counted(watch, signal, said)
    frozen = before.signal(watch.signal) if before else None
    base = frozen if frozen and frozen.baseline is not None and frozen.baseline_n >= ENOUGH else signal
    if base.baseline is None or base.baseline_n < ENOUGH:
        return None, f"{said}: no baseline to compare with"
    return _compared(watch, signal, base, said)


def _counted(watch: Watch, signal: Signal, said: str) -> _Judged:
    if signal.k is None:
        return None, f"{said}: cannot be counted"
    return signal.k <= (watch.at_most or 0), f"{said}: at most {watch.at_most} allowed over {in_minutes(watch.minutes)}"


def _compared(watch: Watch, signal: Signal, base: Signal, said: str) -> _Judged:
    above, below, usual = _share(signal, base) if signal.unit is Unit.SHARE else _quantity(signal, base)
    if above and watch.trouble is not Trouble.DOWN:
        return False, f"{said}: still above its baseline, {usual}"
    if below and watch.trouble is not Trouble.UP:
        return False, f"{said}: still below its baseline, {usual}"
    return True, f"{said}: back inside its baseline, {usual}"


def _share(signal: Signal, base: Signal) -> tuple[bool, bool, str]:
    """Above or below its baseline: by more than chance (Newcombe), or outside the baseline's own interval (Wilson)."""
    k, k0, n0 = signal.k or 0, base.baseline_k or 0, base.baseline_n
    usual, known = k0 / n0, wilson(k0, n0)
    apart = newcombe(k, signal.n, k0, n0)
    value = k / signal.n
    above = apart.low > 0 or value > max(known.high, usual + NEAR_SHARE)
    below = apart.high < 0 or value < min(known.low, usual - NEAR_SHARE)
    return above, below, f"{percents(known)} of {n0}"


def _quantity(signal: Signal, base: Signal) -> tuple[bool, bool, str]:
    usual, value = base.baseline or 0.0, signal.value or 0.0
    above, below = value > usual * (1 + NEAR_RATIO), value < usual * (1 - NEAR_RATIO)
    if signal.interval is not None:  # where chance alone explains the distance, it is none
        above, below = above and signal.interval.low > usual, below and signal.interval.high < usual
    return above, below, f"{quantity(usual, signal.unit)}, n = {base.baseline_n}"
