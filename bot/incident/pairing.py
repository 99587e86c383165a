"""A bad task beside the good one most like it: chosen among thousands, then aligned step by step."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import groupby

from bot.incident.evidence import FindingKind, Pair
from bot.incident.reading import Reading
from bot.incident.signals.scope import Scope
from bot.incident.step_time import step_name
from bot.incident.telemetry import Span, SpanKind, Trace

MOST_BAD = 5  # bad tasks that are tried
MOST_GOOD = 60  # good tasks that each is compared with, the newest of its kind
MOST_STEPS = 60  # of one task
_GOT_OVER = frozenset({FindingKind.TOOL_ERROR, FindingKind.MODEL_ERROR, FindingKind.SLOW_STEP})
SHOWN = frozenset({SpanKind.LLM, SpanKind.TOOL, SpanKind.GUARDRAIL, SpanKind.RETRIEVAL})


def pair_of(scope: Scope) -> Pair | None:
    """A bad task of the window with the good task nearest to it, or None when either is missing.

    Bad is an ended task; in this order, what a detector found something grave in, what failed, and what was judged wrong.
    Good is finished, unfailed, without a finding and never judged wrong; those before the window count too.
    """
    wrong = {score.trace_id for score in (*scope.scores_now, *scope.scores_before) if score.passed is False}
    ended = [reading for reading in reversed(scope.now) if reading.finished and reading.steps]
    bad = [(reading, why) for reading in ended if (why := _why(reading, wrong))]
    bad.sort(key=lambda item: (not _grave(item[0]), not item[0].failed))
    clean = (one for one in reversed((*scope.before, *scope.now)) if one.finished and one.steps and not one.findings)
    good = [one for one in clean if not (one.failed or one.id in wrong)]
    best: Pair | None = None
    for reading, why in bad[:MOST_BAD]:
        found = _nearest(reading, good, why)
        if found and (best is None or found.likeness > best.likeness):
            best = found
    return best


def _why(reading: Reading, wrong: set[str | None]) -> str:
    if _grave(reading):
        return reading.findings[0].detail
    if reading.failed:
        return f"the task failed; {reading.findings[0].detail}" if reading.findings else "the task failed"
    return "the answer was judged wrong" if reading.id in wrong else ""


def _grave(reading: Reading) -> bool:
    """A detector found something that is bad by itself; a failed or slow step that was got over is not."""
    return bool(reading.findings) and reading.findings[0].kind not in _GOT_OVER


def _nearest(bad: Reading, good: Sequence[Reading], why: str) -> Pair | None:
    alike = [one for one in good if one.task_type == bad.task_type] or list(good)
    mine = _steps(bad)
    best: tuple[float, Reading] | None = None
    for one in alike[:MOST_GOOD]:
        matcher = SequenceMatcher(None, mine, _steps(one), autojunk=False)
        if best is not None and matcher.real_quick_ratio() <= best[0]:
            continue
        likeness = matcher.ratio()
        if best is None or likeness > best[0]:
            best = likeness, one
    return Pair(bad.id, best[1].id, round(best[0], 3), why) if best else None


def _steps(reading: Reading) -> list[str]:
    """The tools in order; a run of the same one counts once, or a loop would be like nothing at all."""
    return [name for name, _ in groupby(step.name for step in reading.tools)][:MOST_STEPS]


@dataclass(frozen=True, slots=True)
class AlignedStep:
    """One row of the comparison; a side is None where the other task has an extra step."""

    bad: Span | None
    good: Span | None
    same: bool  # the same step with the same arguments and the same kind of outcome


@dataclass(frozen=True, slots=True)
class Alignment:
    """Two tasks side by side. ``diverges`` is the first row in which they differ, None when none does."""

    rows: tuple[AlignedStep, ...]
    diverges: int | None


def align(bad: Trace, good: Trace) -> Alignment:
    """The steps of two tasks matched by what they call, in order."""
    mine, theirs = steps_of(bad), steps_of(good)
    matcher = SequenceMatcher(None, [step_name(span) for span in mine], [step_name(span) for span in theirs], False)
    rows: list[AlignedStep] = []
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag == "equal":
            pairs = zip(mine[a:b], theirs[c:d], strict=True)
            rows += [AlignedStep(one, other, _same(one, other)) for one, other in pairs]
        else:
            rows += [AlignedStep(one, None, same=False) for one in mine[a:b]]
            rows += [AlignedStep(None, other, same=False) for other in theirs[c:d]]
    return Alignment(tuple(rows), next((at for at, row in enumerate(rows) if not row.same), None))


def steps_of(trace: Trace) -> tuple[Span, ...]:
    """The steps worth comparing: calls of models, tools, guardrails and indexes."""
    return tuple(span for span in trace.spans if span.kind in SHOWN)[: 2 * MOST_STEPS]


def _same(one: Span, other: Span) -> bool:
    """They end alike: both with an error or without, a tool with a like answer, a guardrail with the same verdict."""
    if one.error != other.error:
        return False
    if one.tool and other.tool:
        return one.tool.empty_result == other.tool.empty_result
    if one.guardrail and other.guardrail:
        return one.guardrail.triggered == other.guardrail.triggered
    if one.model and other.model:
        return (one.model.answering or one.model.requested) == (other.model.answering or other.model.requested)
    return True
