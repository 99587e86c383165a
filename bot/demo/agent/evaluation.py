"""Online evaluation of finished tasks, and synthetic probes."""

import heapq
import threading
from dataclasses import dataclass, field
from random import Random

from opentelemetry.trace import SpanContext

from bot.demo.agent.clock import NANOSECONDS, Clock
from bot.demo.agent.fleet import TOOLS
from bot.demo.agent.outcome import Finished, Outcome
from bot.demo.agent.planner import UNWANTED_PHRASE, Answer
from bot.demo.agent.telemetry import Attributes, Telemetry

PROBE_EVALUATION = "synthetic_task_success"

_JUDGE_ERRORS = 0.04
_SHARES = {"answer_correctness": 0.6, "groundedness": 0.5, "policy_adherence": 0.5, "user_feedback": 0.3}


@dataclass(frozen=True, slots=True, order=True)
class Score:
    """One evaluation result, due at a moment (nanoseconds since the epoch)."""

    at_ns: int
    number: str
    name: str
    passed: bool = field(compare=False)
    value: float = field(compare=False)
    agent: str = field(compare=False)
    task_type: str = field(compare=False)
    about: SpanContext | None = field(compare=False, default=None)
    probe: str | None = field(compare=False, default=None)

    def emit(self, telemetry: Telemetry) -> None:
        """Send it as an OpenTelemetry evaluation event."""
        attributes: dict[str, str | float] = {
            "gen_ai.evaluation.name": self.name,
            "gen_ai.evaluation.score.value": self.value,
            "gen_ai.evaluation.score.label": "pass" if self.passed else "fail",
            "gen_ai.agent.name": self.agent,
            "task.type": self.task_type,
        }
        if self.probe is not None:
            attributes["probe.id"] = self.probe
        known: Attributes = attributes
        telemetry.score(self.agent, known, self.at_ns, self.about)


def is_right(finished: Finished) -> bool:
    """Whether the answer is about the right thing; a hand-off is right as well."""
    return finished.answer is not None and finished.answer.subject == finished.task.subject


def evaluate(finished: Finished, chance: Random) -> list[Score]:
    """Judge a share of the finished tasks, a few seconds after their end. Tasks without an answer are not judged."""
    answer = finished.answer
    if answer is None:
        return []
    verdicts = _verdicts(finished, answer, chance)
    return [
        _score(finished, name, passed, chance) for name, passed in verdicts.items() if chance.random() < _SHARES[name]
    ]


def probe_score(finished: Finished, probe: int, at_ns: int) -> Score | None:
    """Return the result of one probe; None while the agent is halted, which says nothing about quality."""
    if finished.outcome is Outcome.HALTED:
        return None
    passed = finished.outcome is Outcome.COMPLETED and is_right(finished)
    return Score(
        at_ns=at_ns,
        number=f"probe-{probe}",
        name=PROBE_EVALUATION,
        passed=passed,
        value=float(passed),
        agent=finished.agent,
        task_type=finished.task.kind.name,
        probe=f"probe-{probe}",
    )


def _verdicts(finished: Finished, answer: Answer, chance: Random) -> dict[str, bool]:
    correct = is_right(finished)
    grounded = any(answer.subject in seen.result for seen in finished.seen)
    polite = UNWANTED_PHRASE not in answer.text
    done = {seen.tool for seen in finished.seen if TOOLS[seen.tool].writes}
    honest = set(answer.claimed) <= done and finished.unapproved_writes == 0
    return {
        "answer_correctness": _judged(correct, chance),
        "groundedness": _judged(grounded, chance),
        "policy_adherence": _judged(polite and honest, chance),
        "user_feedback": chance.random() < (0.88 if correct else 0.35),
    }


def _judged(truth: bool, chance: Random) -> bool:  # noqa: FBT001  a verdict, not a switch
    return not truth if chance.random() < _JUDGE_ERRORS else truth


def _score(finished: Finished, name: str, passed: bool, chance: Random) -> Score:  # noqa: FBT001  a verdict
    late = chance.uniform(3.0, 8.0) if name == "user_feedback" else chance.uniform(1.0, 3.0)
    continuous = name in {"answer_correctness", "groundedness"}
    value = chance.uniform(0.75, 1.0) if passed else chance.uniform(0.05, 0.45)
    return Score(
        at_ns=finished.end_ns + int(late * NANOSECONDS),
        number=finished.task.number,
        name=name,
        passed=passed,
        value=round(value, 3) if continuous else float(passed),
        agent=finished.agent,
        task_type=finished.task.kind.name,
        about=finished.about,
    )


@dataclass(slots=True)
class ScoreQueue:
    """Scores waiting for their moment."""

    telemetry: Telemetry
    clock: Clock
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _waiting: list[Score] = field(default_factory=list)

    def add(self, scores: list[Score]) -> None:
        """Queue scores."""
        with self._lock:
            for score in scores:
                heapq.heappush(self._waiting, score)

    def emit_due(self) -> int:
        """Emit every score whose moment has come and return how many."""
        with self._lock:
            due = []
            while self._waiting and self._waiting[0].at_ns <= self.clock.now_ns():
                due.append(heapq.heappop(self._waiting))
        for score in due:
            score.emit(self.telemetry)
        return len(due)
