"""Loops: the same step again with the same outcome.

A tool's name alone proves nothing: ordinary tasks call one tool many times with other arguments.
Every step is first reduced to what it is like, by (tool, arguments, result) or by its words; then a
step that comes back counts, unless what lies between shows progress. See ``docs/loops.md``.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from bot.incident.detectors.asked_again import asked_again_in
from bot.incident.detectors.counters import without_counters
from bot.incident.detectors.kinds import kinds_of
from bot.incident.detectors.likeness import complains
from bot.incident.detectors.refrains import Refrain, refrain_in
from bot.incident.detectors.retries import RETRIES, came_round, slip, worked_between, works_again
from bot.incident.detectors.rows import row_in
from bot.incident.detectors.stretches import Row
from bot.incident.detectors.task_steps import Step, steps_of
from bot.incident.telemetry import Span, Trace

REPEATS = 3  # like steps with like outcomes
APART = 4  # the same where the outcome is not known, and other steps stand between
SHORT_REPEATS = 4  # the same few words, which courtesies also are
DIALOGUE_REPEATS = 5  # like calls, although the agent talks with someone in between
STUCK_REPEATS = 5  # one failure again after every change
STUCK_TURN = 3  # steps from one such failure to the next, on average at most
GUESSED_REPEATS = 5  # calls that are alike because the model thought the same
PATIENT_REPEATS = 6  # waiting, and turning pages that nobody recorded
NOVEL = 0.4  # share of new steps from the first to the last repetition above which the task moves on
NOVEL_UNKNOWN = 1 / 3  # the same where nobody recorded what came of the steps that come back
NOVEL_OVERDUE = 0.5  # the same for a task far beyond its usual length
OVERDUE = 2.0  # times the agent's usual number of steps
WRITE_WEIGHT = 3  # a new write changes what is read next: it counts as so many new steps
CYCLE_LENGTHS = (2, 3, 4)
MOST_STEPS = 400  # a longer task is judged by its last steps


@dataclass(frozen=True, slots=True)
class Loop:
    """One repetition: what repeats, how often, and the spans that show it."""

    what: str
    times: int
    span_ids: tuple[str, ...]
    tool: str | None = None
    failing: bool = False  # the repeated call errs or answers nothing: the tool is the cause
    writes: bool = False


@dataclass(frozen=True, slots=True)
class _Limits:
    """How much may be new between repetitions, and how many are needed at least."""

    novel: float
    repeats: int = REPEATS


@dataclass(frozen=True, slots=True)
class _Run:
    """Places of the repeated steps in the list of steps, and how often the most frequent stands there."""

    places: tuple[int, ...]
    times: int


def loop_in(trace: Trace, *, usual_steps: float | None = None) -> Loop | None:
    """The longest repetition in one task, or None.

    ``usual_steps`` is how many steps 95 of 100 tasks of this agent stay below. Length alone is no loop;
    a task far beyond it, or at its own step limit, needs less repetition to count.
    """
    steps = steps_of(trace)[-MOST_STEPS:]
    novel = NOVEL_OVERDUE if _overdue(trace, len(steps), usual_steps) else NOVEL
    found = [
        _of_steps(steps, novel),
        _of_refrain(refrain_in(trace, eager=novel > NOVEL)),
        _of_message(asked_again_in(trace)),
    ]
    return max((loop for loop in found if loop), key=lambda loop: len(loop.span_ids), default=None)


def _overdue(trace: Trace, steps: int, usual_steps: float | None) -> bool:
    limit = trace.task.step_limit
    calls = sum(span.tool is not None for span in trace.spans) if limit else 0
    return bool((usual_steps and steps > OVERDUE * usual_steps) or (limit and calls >= limit))


def _of_steps(steps: Sequence[Step], novel: float) -> Loop | None:
    if len(steps) < REPEATS:
        return None
    without_counters(steps)
    kinds = kinds_of(steps)
    if len(set(kinds)) > len(kinds) - REPEATS + 1:
        return _of_row(row_in(steps))  # nothing stands there three times
    run = _run_in(steps, kinds, _Limits(novel))
    if run is not None:
        return _loop([steps[place] for place in run.places], [kinds[place] for place in run.places], run.times)
    calls = [(step, kind) for step, kind in zip(steps, kinds, strict=True) if not step.words]
    run = _run_in([step for step, _ in calls], [kind for _, kind in calls], _Limits(novel, DIALOGUE_REPEATS))
    if run is None:
        return _of_row(row_in(steps))
    return _loop([calls[place][0] for place in run.places], [calls[place][1] for place in run.places], run.times)


def _run_in(steps: Sequence[Step], kinds: Sequence[int], limits: _Limits) -> _Run | None:
    """The longest stretch in which one kind of step comes back and little is new."""
    places: dict[int, list[int]] = {}
    news = [0]  # what was new up to each place
    for place, kind in enumerate(kinds):
        fresh = kind not in places
        weight = WRITE_WEIGHT if steps[place].wrote else 1
        news.append(news[-1] + (weight if fresh else 0))
        places.setdefault(kind, []).append(place)
    best: tuple[int, int] | None = None
    times = 0
    for stood in places.values():
        if len(stood) < REPEATS:
            continue
        for first in range(len(stood) - REPEATS + 1):
            last = _furthest(steps, kinds, stood, first, news, limits)
            if last is not None and last - first + 1 > times:
                best, times = (stood[first], stood[last]), last - first + 1
            if len(stood) - first <= times:
                break
    if best is None:
        return None
    around = Counter(kinds[best[0] : best[1] + 1])
    repeated = {kind for kind, count in around.items() if count > 1}
    end = best[1] + 1
    while end < len(kinds) and kinds[end] in repeated:  # the turn under way belongs to it
        end += 1
    return _Run(tuple(place for place in range(best[0], end) if kinds[place] in repeated), times)


def _furthest(
    steps: Sequence[Step],
    kinds: Sequence[int],
    stood: Sequence[int],
    first: int,
    news: Sequence[int],
    limits: _Limits,
) -> int | None:
    """The last place up to which the step at ``stood[first]`` repeats without progress."""
    begin, turn = stood[first], stood[first + 1] - stood[first]
    for last in range(len(stood) - 1, first + REPEATS - 2, -1):
        end = stood[last]
        times, length = last - first + 1, end - begin
        if times < max(limits.repeats, REPEATS):
            return None
        vain = not steps[begin].waits and all(steps[place].in_vain for place in stood[first:last])
        novel = limits.novel if vain or steps[begin].known else NOVEL_UNKNOWN
        moves = news[end + 1] - news[begin + 1] > novel * length
        if moves and not (times >= STUCK_REPEATS and length <= STUCK_TURN * (times - 1) and complains(steps[end])):
            continue
        even = length == turn * (times - 1) and turn <= CYCLE_LENGTHS[-1] and _cyclic(kinds[begin : end + 1], turn)
        if times <= RETRIES:
            if works_again(steps, end) or came_round(steps, end) or worked_between(steps[begin : end + 1]):
                return None  # fewer of them were retries or waiting as well
            if slip(steps, end):
                continue
        if times >= (REPEATS if vain else _needed(steps[begin : end + 1], times, even=even)):
            return last
    return None


def _needed(stretch: Sequence[Step], times: int, *, even: bool) -> int:
    """How often the first step of the stretch must stand in it."""
    step = stretch[0]
    if step.patient or (step.hands_over and not even) or (step.under_way and any(other.waits for other in stretch)):
        return PATIENT_REPEATS
    if step.guessed:
        return APART if even and len(stretch) > times else GUESSED_REPEATS
    if step.short:
        return SHORT_REPEATS
    return REPEATS if step.known or even else APART


def _loop(steps: Sequence[Step], kinds: Sequence[int], times: int) -> Loop:
    cycle = next((length for length in CYCLE_LENGTHS if _cyclic(kinds, length)), None)
    names = [step.name for step in steps]
    if len(set(kinds)) == 1:
        what, tool = _one(steps), names[0] or None
    else:
        block = names[:cycle] if cycle else list(dict.fromkeys(names))[: CYCLE_LENGTHS[-1]]
        what = " → ".join(name or "the same words" for name in block)
        tool = names[0] if len(set(names)) == 1 and names[0] else None
    failing = sum(step.failing for step in steps) * 2 > len(steps)
    return Loop(what, times, tuple(step.span_id for step in steps), tool, failing, any(step.writes for step in steps))


def _one(steps: Sequence[Step]) -> str:
    """What a single repeated step is, with what is the same about it."""
    first = steps[0]
    if not first.name:
        return "nearly the same text"
    given = "the same arguments" if len({step.given for step in steps}) == 1 else "nearly the same arguments"
    if not first.known:
        return f"{first.name} with {given}"
    same = len({step.outcome for step in steps}) == 1
    return f"{first.name} with {given} and {'the same' if same else 'nearly the same'} result"


def _cyclic(kinds: Sequence[int], length: int) -> bool:
    return len(kinds) > length and all(kinds[place] == kinds[place - length] for place in range(length, len(kinds)))


def _of_row(row: Row | None) -> Loop | None:
    if row is None:
        return None
    ids, writes = tuple(step.span_id for step in row.steps), any(step.writes for step in row.steps)
    failing = sum(step.failing for step in row.steps) * 2 > len(row.steps)
    return Loop(row.what, len(row.steps), ids, row.tool, failing, writes)


def _of_message(calls: Sequence[Span]) -> Loop | None:
    if not calls:
        return None
    times = max(len(calls), *(call.model.heard.times for call in calls if call.model and call.model.heard))
    return Loop("answers to the same message", times, tuple(call.span_id for call in calls))


def _of_refrain(refrain: Refrain | None) -> Loop | None:
    if refrain is None:
        return None
    what = "instruction" if refrain.instructs else "text"
    who = f" by {refrain.agent}" if refrain.agent else ""
    return Loop(f"nearly the same {what}{who}", refrain.times, refrain.span_ids)
