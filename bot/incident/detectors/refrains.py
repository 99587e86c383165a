"""Refrains: an agent of a team says nearly the same again and again.

What stands between the repetitions is no sign of progress here: an orchestrator that gives the same
instruction three times gets other answers each time, and none of them takes it further. One instruction
for each of several things is work; so is what it led to looked at, see :mod:`bot.incident.detectors.deeds`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from bot.incident.detectors.alike import one_form, other_things, shared
from bot.incident.detectors.deeds import OPENING, SAME_OPENING, names_in, other_place, same_deed, same_place
from bot.incident.detectors.ledger import admits_loop, is_ledger
from bot.incident.detectors.task_steps import said_by_agents
from bot.incident.detectors.voices import LEDGER, Said, voices_of
from bot.incident.detectors.written_actions import action_in
from bot.incident.telemetry import Trace

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
LONG = 20  # different words; fewer count only where the agent says nothing else in between
OTHERS = 0.75  # words shared by two of any other words


@dataclass(frozen=True, slots=True)
class Refrain:
    """Who repeats how often, whether it is an instruction, and the spans of all repetitions with what came of them."""

    agent: str
    times: int
    span_ids: tuple[str, ...]
    instructs: bool = False


def refrain_in(trace: Trace, *, eager: bool = False) -> Refrain | None:
    """The agent with the most repetitions, or None. ``eager`` asks for less likeness, as does a ledger that admits a loop."""
    spoken = list(said_by_agents(trace))[-MOST_STEPS:]
    if len(spoken) < TIMES:
        return None
    admitted = [admits_loop(text) for _, text in spoken if is_ledger(text)]
    voices, least = voices_of(trace.spans, spoken, _believed(admitted)), _least(admitted, eager=eager)
    found = [(key, group) for key, voice in voices.items() if (group := _repeated(voice, least) or _alone(voice))]
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


def _repeated(voice: Sequence[Said], least: float) -> Sequence[Said]:
    """The largest group of like words of which three stand within six; ``least`` is what two instructions must share."""
    recent: list[list[int]] = []
    best: list[int] = []
    for place, said in enumerate(voice):
        recent = [group for group in recent if place - group[-1] < WINDOW]
        joined = [group for group in recent if any(_same(voice[at], said, least) for at in group[-TIMES:])]
        if not joined:
            recent.append([place])
        for group in joined:
            group.append(place)
            if len(group) > len(best) and _close([voice[at] for at in group], group, least):
                best = group
    return [voice[place] for place in best]


def _alone(voice: Sequence[Said]) -> Sequence[Said]:
    """The longest row of like words that came one right after another: no call, and nobody else's words between them."""
    rows: list[list[Said]] = [[]]
    for said in voice:
        before = rows[-1][-1] if rows[-1] else None
        if before and (said.turn > before.turn or action_in(said.text) or not _same_cry(before, said)):
            rows.append([])
        rows[-1].append(said)
    longest = max(rows, key=len)
    times = TIMES if len({said.text for said in longest}) == 1 else ALONE_TIMES
    return longest if len(longest) >= times else ()


def _same_cry(a: Said, b: Said) -> bool:
    return a.asked_of == b.asked_of and shared(a.words, b.words, ALONE) >= ALONE


def _close(said: Sequence[Said], places: Sequence[int], least: float) -> bool:
    """Enough of the group stand within few things that the agent says."""
    newest = said[-1]
    canned = not newest.leads and len({one.text for one in said}) == 1 and said[-2].answers != newest.answers
    moving = (
        newest.leads
        and least > EAGER_INSTRUCTION
        and all(one.moves for one in said[1:] if one.deed or one is not newest)
    )
    if newest.leads and _prompts(said):
        return False
    times = CANNED_TIMES if canned else MOVING_TIMES if moving else TIMES
    window = times if _courtesy(newest) else max(times, WINDOW)
    return any(places[at + times - 1] - places[at] < window for at in range(len(places) - times + 1))


def _prompts(said: Sequence[Said]) -> bool:
    """The very same words each time, and another result: whoever may go next in a game is told so."""
    results = {one.result for one in said}
    return len({one.text for one in said}) == 1 and len(results) == len(said) and "" not in results


def _courtesy(said: Said) -> bool:
    """A sentence or two to someone outside the team, which come back in any conversation."""
    return not said.leads and len(said.words) < LONG


def _same(a: Said, b: Said, least: float) -> bool:
    return _same_instruction(a, b, least) if a.leads and b.leads else _same_words(a, b)


def _same_instruction(a: Said, b: Said, least: float) -> bool:
    """Nearly the same is asked for. One form filled in with other names is work, unless the same came of it."""
    if a.calls_on and b.calls_on and a.calls_on != b.calls_on:
        return False
    if a.turn == b.turn and a.asked_of != b.asked_of:
        return False  # handed out to one after another, before anybody answers
    if (a.admitted and b.admitted) or (same_deed(a.deed, b.deed) and a.done_by == b.done_by):
        return shared(a.words, b.words, SAME_DEED_INSTRUCTION) >= SAME_DEED_INSTRUCTION
    least = SAME_PLACE_INSTRUCTION if same_place(a.deed, b.deed) else least
    if shared(a.words, b.words, least) < least or other_things(a.words, b.words) or one_form(a.text, b.text):
        return False
    mine, theirs, names = a.words - b.words, b.words - a.words, names_in(a.text) | names_in(b.text)
    if not (mine | theirs) & names:
        return True
    return min(len(mine - names), len(theirs - names)) >= REWORDED


def _same_words(a: Said, b: Said) -> bool:
    """Nearly the same account of the same deed."""
    if not same_deed(a.deed, b.deed) or other_place(a.deed, b.deed):
        return False
    if same_place(a.deed, b.deed) or a.text[:OPENING] == b.text[:OPENING]:
        return shared(a.words, b.words, SAME_OPENING) >= SAME_OPENING
    if shared(a.words, b.words, OTHERS) < OTHERS or other_things(a.words, b.words):
        return False
    return not one_form(a.text, b.text)
