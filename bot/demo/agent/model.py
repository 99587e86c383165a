"""The model provider's endpoint, simulated: latency, tokens, refusals, and which model really answers."""

from dataclasses import dataclass
from random import Random

from bot.demo.agent.clock import Clock
from bot.demo.agent.faults import Fault
from bot.demo.agent.planner import Answer, CallTool, Decision, Planner

_REFUSED_NORMALLY = 0.004
_REFUSED_UNDER_LOAD = 0.55
_SLOWER_UNDER_LOAD = 4.0
_SYSTEM_PROMPT_TOKENS = 1150
_TOKENS_PER_CHARACTER = 0.27


class ProviderRefusedError(Exception):
    """The provider did not answer; `status` is its HTTP status as text."""

    def __init__(self, status: str) -> None:
        self.status = status
        super().__init__(f"the provider answered {status}")


@dataclass(frozen=True, slots=True)
class Completion:
    """One answer of the model. Times are seconds."""

    decision: Decision
    model: str
    input_tokens: int
    output_tokens: int
    first_chunk_seconds: float

    @property
    def finish_reason(self) -> str:
        """Why the model stopped."""
        return "tool_calls" if isinstance(self.decision, CallTool) else "stop"


@dataclass(frozen=True, slots=True)
class ModelEndpoint:
    """Where one task sends its model calls."""

    fault: Fault
    clock: Clock
    chance: Random

    def complete(self, planner: Planner, model: str, available: frozenset[str]) -> Completion:
        """Ask `model` for the next step.

        Raises:
            ProviderRefusedError: the provider is overloaded or throttles.
        """
        overloaded = self.fault is Fault.PROVIDER
        first_chunk = self.chance.uniform(0.04, 0.09) * (_SLOWER_UNDER_LOAD if overloaded else 1.0)
        self.clock.sleep(first_chunk)
        if self.chance.random() < (_REFUSED_UNDER_LOAD if overloaded else _REFUSED_NORMALLY):
            raise ProviderRefusedError(self.chance.choice(("429", "503")))
        answering = self._answering(model)
        planner.small_model = "mini" in answering
        decision = planner.decide(available)
        output_tokens = 20 + int(len(_wording(decision)) * _TOKENS_PER_CHARACTER)
        self.clock.sleep(0.03 + output_tokens * 0.0012)
        return Completion(
            decision=decision,
            model=answering,
            input_tokens=_SYSTEM_PROMPT_TOKENS + _conversation_tokens(planner),
            output_tokens=output_tokens,
            first_chunk_seconds=first_chunk,
        )

    def _answering(self, asked: str) -> str:
        swapped = self.fault is Fault.MODEL_SWAP and asked == "orion-large-2"
        return "orion-mini-2" if swapped else asked


def _conversation_tokens(planner: Planner) -> int:
    return int(sum(60 + len(seen.result) for seen in planner.seen) * _TOKENS_PER_CHARACTER)


def _wording(decision: Decision) -> str:
    match decision:
        case Answer(text=text):
            return text
        case CallTool(tool=tool, arguments=arguments):
            return f"{tool} {arguments}"
