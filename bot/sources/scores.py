"""Evaluation results: events of spans and among log records, and attributes that are numbered; pass or fail by their label."""

from bot.incident.telemetry import EvalScore
from bot.incident.verdicts import in_words
from bot.sources import attributes as names
from bot.sources.raw_spans import LATEST_NS, RawEvent, RawSpan
from bot.sources.redaction import PRIVATE, Privacy
from bot.sources.values import PREVIEW, Values, as_number, first, text, word

NUMBERED_EVALUATIONS = ("evaluations.", "annotations.")  # OpenInference: evaluations.0.evaluation.score
NUMBERED_FIRST = ("evaluations.0.evaluation.name", "annotations.0.annotation.name")
NUMBERED_PARTS = {
    "name": "gen_ai.evaluation.name",
    "score": "gen_ai.evaluation.score.value",
    "label": "gen_ai.evaluation.score.label",
    "explanation": "gen_ai.evaluation.explanation",
}


def scores_of_span(raw: RawSpan, privacy: Privacy = PRIVATE, latest_ns: int = LATEST_NS) -> list[EvalScore]:
    """Evaluation results that ride on a span: as events, or as numbered attributes in OpenInference's way.

    One that claims to be later than ``latest_ns`` counts from the end of its span.
    """
    events = [event for event in raw.events if event.name == names.EVALUATION_EVENT]
    events += _numbered(raw)
    if not events:
        return []
    identity = _identity({**raw.resource, **raw.attributes})
    return [
        score_from(
            RawEvent(event.name, _moment(event, raw, latest_ns), {**identity, **event.attributes}),
            raw.trace_id,
            raw.span_id,
            privacy,
        )
        for event in events
    ]


def _numbered(raw: RawSpan) -> list[RawEvent]:
    """``evaluations.0.evaluation.name`` and its like, as events."""
    if raw.attributes.keys().isdisjoint(NUMBERED_FIRST):
        return []
    found: dict[str, dict[str, object]] = {}
    for name, value in raw.attributes.items():
        if name.startswith(NUMBERED_EVALUATIONS):
            _, number_of_it, *rest = name.split(".")
            canonical = NUMBERED_PARTS.get(rest[-1]) if rest else None
            if canonical:
                found.setdefault(number_of_it, {})[canonical] = value
    return [RawEvent(names.EVALUATION_EVENT, raw.end_ns, values) for values in found.values()]


def _moment(event: RawEvent, raw: RawSpan, latest_ns: int) -> int:
    return event.at_ns if 0 < event.at_ns <= latest_ns else raw.end_ns


def _identity(values: Values) -> dict[str, object]:
    wanted = (*names.AGENT, *names.TASK_TYPE, *names.PROBE, *names.SERVICE)
    return {name: values[name] for name in wanted if name in values}


def score_from(event: RawEvent, trace_id: str, span_id: str, privacy: Privacy = PRIVATE) -> EvalScore:
    """One evaluation result. Pass or fail follows from the label, else from a score of 0..1."""
    values = event.attributes
    label, told = word(values, names.EVALUATION_LABEL), first(values, names.EVALUATION_VALUE)
    value = float(told) if isinstance(told, bool) else as_number(told)  # yes and no are the numbers of a check
    agent = word(values, names.AGENT)
    return EvalScore(
        name=word(values, names.EVALUATION_NAME) or "unnamed",
        at_ns=event.at_ns,
        agent=agent or word(values, names.SERVICE),
        value=value,
        label=label,
        passed=verdict(label, value),
        trace_id=trace_id or None,
        span_id=span_id or None,
        task_type=word(values, names.TASK_TYPE),
        probe_id=word(values, names.PROBE),
        explanation=privacy.redaction.cut(text(values, names.EVALUATION_EXPLANATION), PREVIEW),
        agent_said=agent is not None,
    )


def verdict(label: str | None, value: float | None) -> bool | None:
    """Passed, failed, or None where neither label nor value decides."""
    said = in_words(label or "")
    if said is not None:
        return said
    if value is not None and 0 <= value <= 1:
        return value >= 0.5  # noqa: PLR2004 - the middle of 0..1
    return None
