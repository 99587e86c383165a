"""Refrains: an agent of a team says nearly the same again and again.

What stands between the repetitions is no sign of progress here: an orchestrator that gives the same
instruction three times gets other answers each time, and none of them takes it further. One instruction
for each of several things is work; so is what it led to looked at, see :mod:`bot.incident.detectors.deeds`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise

from bot.incident.detectors.alike import Words, one_form, other_things, shared, without_keys, words_of
from bot.incident.detectors.deeds import (
    OPENING,
    SAME_OPENING,
    Deed,
    deed_of,
    names_in,
    other_place,
    same_deed,
    same_place,
)
from bot.incident.detectors.ledger import admits_loop, instruction_in, is_ledger
from bot.incident.detectors.task_steps import action_in, said_by_agents
from bot.incident.telemetry import CALL_MARK, Span, Trace

TIMES = 3
MOVING_TIMES = 6  # of an instruction that brought something new each time it was given again
CANNED_TIMES = 4  # of the very same words of an agent that leads nobody: a terminal or a proxy has one answer for much
ALONE_TIMES = 4  # of what nobody answered, and nothing was done about; three of the very same words
ALONE = 0.5  # words shared by two of those
MOST_STEPS = 400  # a longer task is judged by its last steps
WINDOW = 6  # things one agent says in a row
INSTRUCTION = 0.55  # words shared by two instructions of one orchestrator
DENIED_INSTRUCTION = 0.65  # the same where a ledger is kept that denies a loop
EAGER_INSTRUCTION = 0.5  # the same in a task far beyond its usual length, or whose ledger admitted a loop once
SAME_DEED_INSTRUCTION = 0.3  # the same where both led to the same deed, or where the ledger admits the loop
SAME_PLACE_INSTRUCTION = 0.45  # the same where both led to the same page, and to the same place on it
REWORDED = 2  # other words than names on either side; with fewer, two instructions are one form for two things
ADMISSIONS_WITHIN = 4  # ledgers; two of so many in a row that admit a loop are believed
OTHERS = 0.75  # words shared by two of any other words
SHORTEST = 6  # different words
LONG = 20  # different words; fewer count only where the agent says nothing else in between
LEDGER = "ledger"  # the role in which an orchestrator writes down what it will ask for
LEADERS = ("orchestrat", "manager", "planner", "supervisor", "coordinator", "director")

_WARNING = re.compile(r"^\S+\.py:\d+: \w*Warning: .*(?:\n[ \t].*)?", re.MULTILINE)  # and the line of code below it


@dataclass(frozen=True, slots=True)
class Refrain:
    """Who repeats how often, whether it is an instruction, and the spans of all repetitions with what came of them."""

    agent: str
    times: int
    span_ids: tuple[str, ...]
    instructs: bool = False


@dataclass(slots=True)
class _Said:
    """``least`` is the share of words that makes two of them alike; ``deed`` is what was done, here or in answer."""

    span_id: str
    text: str
    least: float
    leads: bool
    deed: Deed | None = None
    done_in: str | None = None  # the span in which it was done
    moves: bool = False  # what came of it had not come before
    admitted: bool = False  # the ledgers around it say that this is a loop
    turn: int = 0  # goes on with every call, and whenever another agent speaks
    answers: str = ""  # the words of another agent just before it
    words: Words = field(init=False)

    def __post_init__(self) -> None:
        self.words = words_of(self.text)

    @property
    def courtesy(self) -> bool:
        """A sentence or two to someone outside the team, which come back in any conversation."""
        return not self.leads and len(self.words) < LONG


def refrain_in(trace: Trace, *, eager: bool = False) -> Refrain | None:
    """The agent with the most repetitions, or None. ``eager`` asks for less likeness, as does a ledger that admits a loop."""
    spoken = list(said_by_agents(trace))[-MOST_STEPS:]
    if len(spoken) < TIMES:
        return None
    admitted = [admits_loop(text) for _, text in spoken if is_ledger(text)]
    voices = _voices(trace.spans, spoken, _least(admitted, eager=eager), _believed(admitted))
    found = [(key, group) for key, voice in voices.items() if (group := _repeated(voice) or _alone(voice))]
    if not found:
        return None
    (_, agent, _), group = max(found, key=lambda one: (len(one[1]), one[0][2] != LEDGER))
    ids = dict.fromkeys(part for said in group for part in (said.span_id, said.done_in) if part)
    return Refrain(agent, len(group), tuple(ids), group[0].leads)


def _least(admitted: Sequence[bool], *, eager: bool) -> float:
    """The words that two instructions must share, by what the ledgers say."""
    if eager or any(admitted):
        return EAGER_INSTRUCTION
    return DENIED_INSTRUCTION if admitted else INSTRUCTION


def _believed(admitted: Sequence[bool]) -> range:
    """The ledgers around those that admit a loop, where two of few in a row do."""
    places = [place for place, admits in enumerate(admitted) if admits]
    pairs = [pair for pair in pairwise(places) if pair[1] - pair[0] < ADMISSIONS_WITHIN]
    return range(pairs[0][0] - TIMES + 1, pairs[-1][1] + TIMES) if pairs else range(0)


def _voices(
    spans: Sequence[Span], spoken: Sequence[tuple[Span, str]], instruction: float, believed: range
) -> dict[tuple[str, str, str], list[_Said]]:
    """What each agent says in each of its roles, in order, with what was done about it."""
    texts = {span.span_id: text for span, text in spoken}
    agents = {span.span_id: span.agent for span in spans if span.agent}
    voices: dict[tuple[str, str, str], list[_Said]] = {}
    told, ledgers = _Told(), 0
    turn, newest = 0, ("", "")  # who spoke last, and what
    for span in spans:
        if span.tool is not None:
            turn += 1
            given = without_keys(span.tool.arguments_preview).strip("{} ")
            told.done(span, f"{span.tool.name} {given}", span.tool.result_preview)
        phase, bare = _phase(texts.get(span.span_id, ""))
        if not bare or (CALL_MARK in bare and span.model is not None):
            continue  # calls are judged with their results
        # A model's call may leave it to the step above to say whose it is
        agent, role = _speaker(agents.get(span.span_id) or agents.get(span.parent_id or "") or span.name)
        phase = phase or role
        leads = '":' not in bare and bool(phase or _leads(agent))
        if is_ledger(bare):  # its other fields are filled with the same phrases every time
            phase, bare, leads = LEDGER, instruction_in(bare), True
            ledgers += 1
        turn += newest[0] != agent
        said = _Said(span.span_id, bare, instruction if leads else OTHERS, leads, turn=turn)
        said.answers, newest = newest[1] if newest[0] != agent else "", (agent, bare)
        if leads:
            said.admitted = ledgers - 1 in believed
            told.next(said, kept=phase == LEDGER)
        else:
            said.deed = told.done(span, bare)
        if len(said.words) >= SHORTEST:
            voices.setdefault((span.kind, agent, phase), []).append(said)
    return voices


class _Told:
    """The last instruction, as it stands in the ledger and as it was given, until someone acts on it."""

    def __init__(self) -> None:
        self._kept: _Said | None = None
        self._given: _Said | None = None
        self._seen: set[Words] = {frozenset()}  # what says nothing about where it is from is no news

    def next(self, said: _Said, *, kept: bool) -> None:
        """A new instruction: the one before led to nothing."""
        if kept:
            self._kept, self._given = said, None
        elif len(said.words) >= SHORTEST:
            self._kept, self._given = (None if self._given else self._kept), said

    def done(self, span: Span, account: str, result: str = "") -> Deed:
        """What was done, which answers the instruction if nobody has acted on it before."""
        deed = deed_of(account, result)
        for said in (self._kept, self._given):
            if said is not None:
                said.deed, said.done_in, said.moves = deed, span.span_id, deed.place not in self._seen
        self._seen.add(deed.place)
        self._kept = self._given = None
        return deed


def _phase(text: str) -> tuple[str, str]:
    """The phase a step names in front of its words, and the words. What Python prints is nobody's words."""
    if "Warning: " in text:
        text = _WARNING.sub("", text)
    if text.startswith("[") and "] " in text[:44]:
        phase, _, bare = text[1:].partition("] ")
        return _role(phase), bare
    return "", text


def _speaker(agent: str) -> tuple[str, str]:
    """An agent's name without the role some logs put behind it: ``Orchestrator (-> coder)``."""
    name, opening, role = agent.rpartition(" (")
    return (name, _role(role[:-1])) if opening and role.endswith(")") else (agent, "")


def _role(role: str) -> str:
    return "->" if role.startswith("->") else role  # to whom an instruction goes makes no difference


@lru_cache(maxsize=256)
def _leads(agent: str) -> bool:
    lowered = agent.lower()
    return any(word in lowered for word in LEADERS)


def _repeated(voice: list[_Said]) -> list[_Said]:
    """The largest group of like words of which three stand within six."""
    recent: list[list[int]] = []
    best: list[int] = []
    for place, said in enumerate(voice):
        recent = [group for group in recent if place - group[-1] < WINDOW]
        joined = [group for group in recent if any(_same(voice[at], said) for at in group[-TIMES:])]
        if not joined:
            recent.append([place])
        for group in joined:
            group.append(place)
            if len(group) > len(best) and _close([voice[at] for at in group], group):
                best = group
    return [voice[place] for place in best]


def _alone(voice: Sequence[_Said]) -> Sequence[_Said]:
    """The longest row of like words that came one right after another: no call, and nobody else's words between them."""
    rows: list[list[_Said]] = [[]]
    for said in voice:
        before = rows[-1][-1] if rows[-1] else None
        if before and (
            said.turn > before.turn or action_in(said.text) or shared(before.words, said.words, ALONE) < ALONE
        ):
            rows.append([])
        rows[-1].append(said)
    longest = max(rows, key=len)
    times = TIMES if len({said.text for said in longest}) == 1 else ALONE_TIMES
    return longest if len(longest) >= times else ()


def _close(said: Sequence[_Said], places: Sequence[int]) -> bool:
    """Enough of the group stand within few things that the agent says."""
    newest = said[-1]
    canned = not newest.leads and len({one.text for one in said}) == 1 and said[-2].answers != newest.answers
    moving = (
        newest.leads
        and newest.least > EAGER_INSTRUCTION
        and all(one.moves for one in said[1:] if one.deed or one is not newest)
    )
    times = CANNED_TIMES if canned else MOVING_TIMES if moving else TIMES
    window = times if newest.courtesy else max(times, WINDOW)
    return any(places[at + times - 1] - places[at] < window for at in range(len(places) - times + 1))


def _same(a: _Said, b: _Said) -> bool:
    return _same_instruction(a, b) if a.leads and b.leads else _same_words(a, b)


def _same_instruction(a: _Said, b: _Said) -> bool:
    """Nearly the same is asked for. One form filled in with other names is work, unless the same came of it."""
    if (a.admitted and b.admitted) or same_deed(a.deed, b.deed):
        return shared(a.words, b.words, SAME_DEED_INSTRUCTION) >= SAME_DEED_INSTRUCTION
    least = SAME_PLACE_INSTRUCTION if same_place(a.deed, b.deed) else max(a.least, b.least)
    if shared(a.words, b.words, least) < least or other_things(a.words, b.words) or one_form(a.text, b.text):
        return False
    mine, theirs, names = a.words - b.words, b.words - a.words, names_in(a.text) | names_in(b.text)
    if not (mine | theirs) & names:
        return True
    return min(len(mine - names), len(theirs - names)) >= REWORDED


def _same_words(a: _Said, b: _Said) -> bool:
    """Nearly the same account of the same deed."""
    if not same_deed(a.deed, b.deed) or other_place(a.deed, b.deed):
        return False
    if same_place(a.deed, b.deed) or a.text[:OPENING] == b.text[:OPENING]:
        return shared(a.words, b.words, SAME_OPENING) >= SAME_OPENING
    return shared(a.words, b.words, OTHERS) >= OTHERS and not other_things(a.words, b.words)
