"""Steps of made-up runs, written as telemetry writes them, so that reading is part of what is tested."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from bot.incident.assembly import assemble
from bot.incident.telemetry import Trace
from bot.sources.normalise import span_from
from bot.sources.raw_spans import RawSpan

SECOND = 1_000_000_000
TRACE = "0" * 31 + "1"
ROOT = "f" * 16

Values = dict[str, object]
Step = tuple[tuple[str, Values, bool], ...]  # spans: name, attributes, failed


@dataclass(frozen=True)
class Run:
    """A run and where in it the same thing is done for the third time (None: it does not loop)."""

    family: str
    steps: tuple[Step, ...]
    third: int | None = None

    def trace(self, upto: int | None = None) -> Trace:
        """The run as far as step ``upto``, that one included."""
        spans = [
            RawSpan(TRACE, ROOT, "", "invoke_agent", 0, 9999 * SECOND, attributes=_named("invoke_agent", "worker"))
        ]
        at = 0
        for step in self.steps[: None if upto is None else upto + 1]:
            for name, values, failed in step:
                at += 1
                spans.append(
                    RawSpan(
                        TRACE, f"{at:016x}", ROOT, name, at * SECOND, (at + 1) * SECOND, 2 * failed, attributes=values
                    )
                )
        return assemble([span_from(raw) for raw in spans])

    def repeats(self, first: int) -> set[str]:
        """The ids of the spans from step ``first`` on."""
        before = sum(len(step) for step in self.steps[:first])
        return {f"{at:016x}" for at in range(before + 1, sum(len(step) for step in self.steps) + 1)}


Family = Callable[[Random], tuple[Sequence[Step], int | None]]


def _named(operation: str, agent: str) -> Values:
    return {"gen_ai.operation.name": operation, "gen_ai.agent.name": agent}


def call(
    name: str,
    arguments: Mapping[str, object] | str,
    result: object,
    *,
    thought: str = "",
    failed: bool = False,
    write: bool = False,
    agent: str = "worker",
) -> Step:
    """A model call that asks for a tool, and the tool's answer (``...`` for telemetry without results)."""
    given = arguments if isinstance(arguments, str) else json.dumps(arguments)
    parts: list[Values] = [{"type": "text", "content": thought}] if thought else []
    parts.append({"type": "tool_call", "name": name, "arguments": arguments})
    tool: Values = {"gen_ai.tool.name": name, "gen_ai.tool.call.arguments": given, **_named("execute_tool", agent)}
    if result is not ...:
        tool["gen_ai.tool.call.result"] = result if isinstance(result, str) else json.dumps(result)
    if write:
        tool["tool.side_effect"] = "write"
    return (
        (
            "chat",
            {**_named("chat", agent), "gen_ai.output.messages": json.dumps([{"role": "assistant", "parts": parts}])},
            False,
        ),
        (f"execute_tool {name}", tool, failed),
    )


def bare(name: str, arguments: Mapping[str, object], result: object, *, failed: bool = False) -> Step:
    """A tool's answer alone: the framework records no model calls."""
    return call(name, arguments, result, failed=failed)[1:]


def say(text: str, agent: str = "worker") -> Step:
    """A model call that answers in words."""
    message = [{"role": "assistant", "parts": [{"type": "text", "content": text}]}]
    return (("chat", {**_named("chat", agent), "gen_ai.output.messages": json.dumps(message)}, False),)


def ask(name: str, arguments: Mapping[str, object], thought: str = "") -> Step:
    """A model call that asks for a tool, where only model calls are recorded."""
    return call(name, arguments, ..., thought=thought)[:1]


def act(agent: str, text: str, phase: str = "") -> Step:
    """One agent's step in a team."""
    message = [{"role": "assistant", "parts": [{"type": "text", "content": text}]}]
    values: Values = {**_named("invoke_agent", agent), "gen_ai.output.messages": json.dumps(message)}
    return ((f"invoke_agent {agent}", values | ({"agent.step.phase": phase} if phase else {}), False),)


def runs_of(families: Sequence[Family], each: int, seed: int = 7) -> list[Run]:
    """``each`` runs of every family, the same for the same seed."""
    found = []
    for family in families:
        chance = Random(f"{family.__name__}/{seed}")  # noqa: S311 - the same runs every time
        for _ in range(each):
            steps, third = family(chance)
            found.append(Run(family.__name__, tuple(steps), third))
    return found
