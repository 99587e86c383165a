"""Figures that a metrics store already keeps of an agent, now and before."""

from dataclasses import dataclass

from bot.incident.evidence import Unit, Window


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure over ``window`` and, as baseline, over ``before``.

    ``n`` and ``baseline_n`` count the observations behind it (tasks, verdicts, calls), as far as the store
    tells; a counter's increase is an estimate and need not be whole. ``value`` is None where the store has
    nothing: a missing series is unknown, never zero. ``sampled_ns`` is the newest sample's time.
    """

    name: str  # task_completion, eval_pass, escalations, model_latency_p95, steps_p95
    label: str
    unit: Unit
    window: Window
    before: Window
    value: float | None = None
    n: float | None = None
    baseline: float | None = None
    baseline_n: float | None = None
    sampled_ns: int | None = None
