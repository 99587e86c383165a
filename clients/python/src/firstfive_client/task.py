"""One task of an agent: its scope, and what it has used of its turns, steps and dollars."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from threading import Lock
from typing import Self

from firstfive_client import bites
from firstfive_client.controls import Controls, Kind, Scope
from firstfive_client.decisions import of_budget, of_call
from firstfive_client.now import Now
from firstfive_client.refusals import Refused
from firstfive_client.unknown import Tool

CURRENT: ContextVar["Task | None"] = ContextVar("firstfive_task", default=None)


class Task:
    """Counts what a task uses and refuses what goes beyond. Made by :meth:`Client.task`; safe in threads."""

    def __init__(self, now: Callable[[], Now], described: Callable[[str], Tool], scope: Scope, key: str) -> None:
        self.scope = scope
        self.key = key
        self.turns = 0
        self.steps = 0
        self.cost_usd = 0.0
        self._now = now
        self._described = described
        self._lock = Lock()
        self._composed: tuple[Now, Controls] | None = None
        self._token: Token[Task | None] | None = None

    @property
    def controls(self) -> Controls:
        """What this task has to obey now."""
        return self._at(self._now())

    def check(self, tool: str | None = None) -> None:
        """Raise why a model call, or a call of ``tool``, may not be made now. Counts nothing.

        Raises:
            Refused: with the control and the incident.
        """
        self._raise(self._refusal(tool, turn=False, step=False))

    @contextmanager
    def turn(self) -> Iterator["Task"]:
        """Around one model call: refused when over a limit, else counted.

        Raises:
            Refused: Halted, HandedOff, TurnLimitReached or CostCapReached.
        """
        with self._lock:
            self._raise(self._refusal(None, turn=True, step=False))
            self.turns += 1
        yield self

    @contextmanager
    def tool(self, name: str) -> Iterator["Task"]:
        """Around one tool call: refused when not allowed, else counted.

        Raises:
            Refused: Halted, HandedOff, ToolDisabled, ReadOnly, EgressCut, StepCapReached or CostCapReached.
        """
        with self._lock:
            self._raise(self._refusal(name, turn=False, step=True))
            self.steps += 1
        yield self

    def spent(self, usd: float) -> None:
        """Add what a call cost, in US dollars; the next call is refused once the cap is reached."""
        if usd > 0:
            with self._lock:
                self.cost_usd += usd

    def model(self, own: str) -> str:
        """The model to ask: the pinned one, else the agent's ``own``."""
        return pinned(self.controls, Kind.MODEL_PIN, own)

    def prompt_version(self, own: str) -> str:
        """The prompt version to use: the pinned one, else the agent's ``own``."""
        return pinned(self.controls, Kind.PROMPT_PIN, own)

    def _refusal(self, tool: str | None, *, turn: bool, step: bool) -> Refused | None:
        now = self._now()
        if now.calm:
            return None
        controls = self._at(now)
        if tool is None:
            refusal = of_call(controls, None)
        else:
            does = self._described(tool)
            refusal = now.closed(tool, does) or of_call(controls, tool, does)
        if refusal is None:
            refusal = of_budget(controls, self.turns if turn else None, self.steps if step else None, self.cost_usd)
        return refusal

    def _at(self, now: Now) -> Controls:
        composed = self._composed  # one read: another thread may replace it
        if composed is None or composed[0] is not now:
            self._composed = composed = (now, now.controls(self.scope))
        return composed[1]

    @staticmethod
    def _raise(refusal: Refused | None) -> None:
        if refusal is not None:
            bites.refused(refusal)
            raise refusal

    def __enter__(self) -> Self:
        self._token = CURRENT.set(self)
        return self

    def __exit__(self, *error: object) -> None:
        if self._token is not None:
            CURRENT.reset(self._token)


def pinned(controls: Controls, kind: Kind, own: str) -> str:
    """What is pinned, told to the current span where it differs from the agent's ``own``."""
    rule = controls.because.get(kind)
    if rule is None:
        return own
    if rule.value != own:
        bites.replaced(rule)
    return str(rule.value)
