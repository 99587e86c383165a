"""Voices: what each agent of a team says in each of its roles, with what was done about it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from bot.incident.detectors.alike import Words, without_keys, words_of
from bot.incident.detectors.deeds import Deed, deed_of
from bot.incident.detectors.ledger import instruction_in, is_ledger
from bot.incident.detectors.written_actions import action_in
from bot.incident.telemetry import CALL_MARK, Span, ToolCall

SHORTEST = 6  # different words
LEDGER = "ledger"  # the role in which an orchestrator writes down what it will ask for
LEADERS = ("orchestrat", "manager", "planner", "supervisor", "coordinator", "director")

_WARNING = re.compile(r"^\S+\.py:\d+: \w*Warning: .*(?:\n[ \t].*)?", re.MULTILINE)  # and the line of code below it


@dataclass(slots=True)
class Said:
    """Words of one step. ``deed`` is what was done, here or in answer."""

    span_id: str
    text: str
    leads: bool
    deed: Deed | None = None
    done_in: str | None = None  # the span in which it was done
    done_by: str | None = None  # the agent that did it
    moves: bool = False  # what came of it had not come before
    result: str = ""  # what came of the call it led to
    admitted: bool = False  # the ledgers around it say that this is a loop
    calls_on: frozenset[str] = frozenset()  # other agents of the team that an instruction names
    asked_of: str = ""  # whom an instruction is for, where a log says so beside its words
    turn: int = 0  # goes on with every call, and whenever another agent speaks
    answers: str = ""  # the words of another agent just before it
    words: Words = field(init=False)

    def __post_init__(self) -> None:
        self.words = words_of(self.text)


def voices_of(
    spans: Sequence[Span], spoken: Sequence[tuple[Span, str]], believed: range
) -> dict[tuple[str, str, str], list[Said]]:
    """The voices by kind of span, agent and role, each in order.

    ``spoken`` are the texts of those spans that say something; ``believed`` are the numbers of the ledgers that are
    believed to admit a loop.
    """
    texts = {span.span_id: text for span, text in spoken}
    agents = {span.span_id: span.agent for span in spans if span.agent}
    team = {_speaker(name)[0] for name in agents.values()}
    voices: dict[tuple[str, str, str], list[Said]] = {}
    told, ledgers = _Told(), 0
    called = any(span.tool is not None for span in spans)
    turn, newest = 0, ("", "")  # who spoke last, and what
    for span in spans:
        if span.tool is not None:
            turn += 1
            told.called(span, span.tool)
        text = texts.get(span.span_id, "")
        if not text or (
            span.model is not None and (CALL_MARK in text or (not called and span.model.told and action_in(text)))
        ):
            continue  # calls are judged with their results
        # A model's call may leave it to the step above to say whose it is
        name = agents.get(span.span_id) or agents.get(span.parent_id or "") or span.name
        agent, phase, bare, leads, asked_of = _spoken(name, text)
        if not bare and phase != LEDGER:
            continue
        ledgers += phase == LEDGER
        turn += newest[0] != agent
        said = Said(span.span_id, bare, leads, asked_of=asked_of, turn=turn)
        said.answers, newest = newest[1] if newest[0] != agent else "", (agent, bare)
        if leads:
            said.calls_on = frozenset(name for name in team if name != agent and name in bare)
            said.admitted = ledgers - 1 in believed
            told.next(said, kept=phase == LEDGER)
        else:
            said.deed = told.done(span, agent, bare)
        if len(said.words) >= SHORTEST:
            voices.setdefault((span.kind, agent, phase), []).append(said)
    return voices


class _Told:
    """The last instruction, as it stands in the ledger and as it was given, until someone acts on it."""

    def __init__(self) -> None:
        self._kept: Said | None = None
        self._given: Said | None = None
        self._seen: set[Words] = {frozenset()}  # what says nothing about where it is from is no news

    def next(self, said: Said, *, kept: bool) -> None:
        """A new instruction: the one before led to nothing."""
        if kept:
            self._kept, self._given = said, None
        elif len(said.words) >= SHORTEST:
            self._kept, self._given = (None if self._given else self._kept), said

    def called(self, span: Span, tool: ToolCall) -> None:
        """A call is what was done, too."""
        given = without_keys(tool.arguments_preview).strip("{} ")
        self.done(span, span.agent, f"{tool.name} {given}", tool.result_preview)

    def done(self, span: Span, agent: str | None, account: str, result: str = "") -> Deed:
        """What was done, which answers the instruction if nobody has acted on it before."""
        deed = deed_of(account, result)
        for said in (self._kept, self._given):
            if said is not None:
                said.deed, said.moves = deed, deed.place not in self._seen
                said.done_in, said.done_by, said.result = span.span_id, agent, result
        self._seen.add(deed.place)
        self._kept = self._given = None
        return deed


def _spoken(name: str, text: str) -> tuple[str, str, str, bool, str]:
    """Who speaks, in which role, what, whether it is asked of others, and of whom. Of a ledger only what it asks for counts."""
    phase, bare = _phase(text)
    agent, role = _speaker(name)
    if is_ledger(bare):  # its other fields are filled with the same phrases every time
        return agent, LEDGER, instruction_in(bare), True, ""
    named = phase or role
    phase = _role(named)
    return agent, phase, bare, '":' not in bare and bool(phase or _leads(agent)), named.removeprefix("->").strip()


def _phase(text: str) -> tuple[str, str]:
    """The phase a step names in front of its words, and the words. What Python prints is nobody's words."""
    if "Warning: " in text:
        text = _WARNING.sub("", text)
    if text.startswith("[") and "] " in text[:44]:
        phase, _, bare = text[1:].partition("] ")
        return phase, bare
    return "", text


def _speaker(agent: str) -> tuple[str, str]:
    """An agent's name without the role some logs put behind it, in small letters: ``Orchestrator (-> coder)``, ``(thought)``."""
    name, opening, role = agent.rpartition(" (")
    if not (opening and role.endswith(")") and (role.startswith("->") or role.islower())):
        return agent, ""
    return name, role[:-1]


def _role(role: str) -> str:
    if not role.startswith("->"):
        return role
    return "" if _leads(role) else "->"  # to whom an instruction goes makes no difference; to a leader go reports


@lru_cache(maxsize=256)
def _leads(agent: str) -> bool:
    lowered = agent.lower()
    return any(word in lowered for word in LEADERS)
