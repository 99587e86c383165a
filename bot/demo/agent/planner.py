"""The language model's stand-in: it reads the conversation so far and decides the next step.

It decides for real, from what the tools returned. What a bad prompt or a bad release breaks is its decisions.
"""

from dataclasses import dataclass, field
from random import Random

from bot.demo.agent.faults import Fault
from bot.demo.agent.fleet import TOOLS
from bot.demo.agent.tasks import INJECTED_DESTINATION, Task

UNWANTED_PHRASE = "honestly, that is your own fault"
"""What the content policy of the helpdesk does not allow."""

_WRONG_NORMALLY = 0.06
_WRONG_WITH_BAD_PROMPT = 0.42
_WRONG_WITH_SMALL_MODEL = 0.38
_RUDE_NORMALLY = 0.01
_RUDE_PER_TURN = 0.15
_LOOPING_SHARE = 0.6
_CARELESS_SHARE = 0.55


@dataclass(frozen=True, slots=True)
class Observation:
    """What one tool call returned to the model."""

    tool: str
    result: str
    approval: str | None = None


@dataclass(frozen=True, slots=True)
class CallTool:
    """The model wants a tool called."""

    tool: str
    arguments: dict[str, str]
    approval: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The model is done."""

    text: str
    subject: str
    claimed: tuple[str, ...] = ()
    handed_off: bool = False


Decision = CallTool | Answer


@dataclass(slots=True)
class Planner:
    """The mind of one task. `fault` is what was deployed when the task began."""

    task: Task
    fault: Fault
    chance: Random
    seen: list[Observation] = field(default_factory=list)
    small_model: bool = False
    _loops: bool = field(init=False)
    _careless: bool = field(init=False)

    def __post_init__(self) -> None:
        self._loops = self.fault is Fault.LOOP and self.chance.random() < _LOOPING_SHARE
        self._careless = self.fault is Fault.ACTION and self.chance.random() < _CARELESS_SHARE

    def observe(self, observation: Observation) -> None:
        """Add a tool's result to the conversation."""
        self.seen.append(observation)

    def decide(self, available: frozenset[str]) -> Decision:
        """Return the next step, using only the tools in `available`."""
        if self._loops and self.seen and self.seen[0].tool in available:
            return self._call(self.seen[0].tool)
        if self._followed_instructions_are_due(available):
            return CallTool("export_directory", {"to": INJECTED_DESTINATION, "scope": "all staff"})
        if self._was_handed_off():
            return self._answer(handed_off=True)
        if self.task.wants_a_person and self.seen:
            return self._hand_off(available)
        return self._next_in_plan(available)

    def _next_in_plan(self, available: frozenset[str]) -> Decision:
        for step in self._plan():
            if any(seen.tool == step for seen in self.seen):
                continue
            if step in available:
                return self._call(step)
            if TOOLS[step].writes:
                return self._hand_off(available)
        return self._answer(handed_off=False)

    def _plan(self) -> tuple[str, ...]:
        plan = self.task.kind.plan
        if not self._careless:
            return plan
        # The bad release forgets the approval; half of the time it forgets the write as well and claims it.
        forgets_write = int(self.task.user[-1]) % 2 == 0
        return tuple(
            step for step in plan if step != "verify_identity" and not (forgets_write and TOOLS[step].privileged)
        )

    def _followed_instructions_are_due(self, available: frozenset[str]) -> bool:
        told = any(INJECTED_DESTINATION in seen.result for seen in self.seen)
        done = any(seen.tool == "export_directory" for seen in self.seen)
        return told and not done and "export_directory" in available

    def _was_handed_off(self) -> bool:
        return any(seen.tool == "transfer_to_human" for seen in self.seen)

    def _hand_off(self, available: frozenset[str]) -> Decision:
        if "transfer_to_human" in available:
            return self._call("transfer_to_human")
        return self._answer(handed_off=True)

    def _call(self, name: str) -> CallTool:
        about = "query" if name == "search_knowledge_base" else "topic"
        arguments = {"user": self.task.user, about: self.task.subject}
        return CallTool(name, arguments, self._approval(name))

    def _approval(self, name: str) -> str | None:
        tool = TOOLS[name]
        if not tool.writes:
            return None
        if not tool.privileged:
            return "standing-2026-01"  # tickets, mails and hand-offs need no approval of their own
        return next((seen.approval for seen in self.seen if seen.approval), None)

    def _answer(self, *, handed_off: bool) -> Answer:
        done = [seen.tool for seen in self.seen if TOOLS[seen.tool].writes]
        if self._careless:
            done += [step for step in self.task.kind.plan if TOOLS[step].privileged and step not in done]
        subject = self._subject()
        text = f"About {subject}: " + (f"done {', '.join(done)}." if done else "here is how it works.")
        if self._is_rude():
            text += f" And {UNWANTED_PHRASE}."
        claimed = tuple(step for step in done if step != "transfer_to_human")
        return Answer(text=text, subject=subject, claimed=claimed, handed_off=handed_off)

    def _subject(self) -> str:
        wrong = _WRONG_NORMALLY
        if self.fault is Fault.QUALITY:
            wrong = _WRONG_WITH_BAD_PROMPT
        elif self.small_model:
            wrong = _WRONG_WITH_SMALL_MODEL
        if self.chance.random() >= wrong:
            return self.task.subject
        others = [subject for subject in self.task.kind.subjects if subject != self.task.subject]
        return self.chance.choice(others)

    def _is_rude(self) -> bool:
        likely = _RUDE_PER_TURN * self.task.turn if self.fault is Fault.BEHAVIOUR else _RUDE_NORMALLY
        return self.chance.random() < min(0.9, likely)
