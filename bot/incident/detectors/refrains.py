"""Refrains: an agent of a team says nearly the same again and again.

What stands between the repetitions is no sign of progress here: an orchestrator that gives the same
instruction three times gets other answers each time, and none of them takes it further.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from bot.incident.detectors.alike import Words, other_things, shared, words_of
from bot.incident.detectors.task_steps import said_by_agents
from bot.incident.telemetry import CALL_MARK, Trace

TIMES = 3
MOST_STEPS = 400  # a longer task is judged by its last steps
WINDOW = 6  # things one agent says in a row
INSTRUCTION = 0.55  # words shared by two instructions of one orchestrator
EAGER_INSTRUCTION = 0.5  # the same in a task far beyond its usual length
OTHERS = 0.75  # words shared by two of any other words
SHORTEST = 6  # different words
LONG = 20  # different words; fewer count only where the agent says nothing else in between
_ADMITS = re.compile(r'"is_in_loop"\s*:\s*(?:true|\{[^{}]*"answer"\s*:\s*true)', re.IGNORECASE)
LEADERS = ("orchestrat", "manager", "planner", "supervisor", "coordinator", "director")


@dataclass(frozen=True, slots=True)
class Refrain:
    """Who repeats, and the spans of all repetitions."""

    agent: str
    span_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Said:
    span_id: str
    words: Words
    names: Words
    least: float

    @property
    def courtesy(self) -> bool:
        """A sentence or two to someone outside the team, which come back in any conversation."""
        return self.least >= OTHERS and len(self.words) < LONG


def refrain_in(trace: Trace, *, eager: bool = False) -> Refrain | None:
    """The agent with the most repetitions, or None. ``eager`` asks for less likeness, as does a ledger that admits a loop."""
    voices: dict[tuple[str, str, str], list[_Said]] = {}
    spoken = list(said_by_agents(trace))[-MOST_STEPS:]
    if len(spoken) < TIMES:
        return None
    eager = eager or any("is_in_loop" in text and _ADMITS.search(text) for _, text in spoken)
    for span, text in spoken:
        phase, bare = _phase(text)
        if CALL_MARK in bare and span.model is not None:
            continue  # calls are judged with their results
        agent = span.agent or span.name
        least = _least(agent, phase, bare, eager=eager)
        words = words_of(bare)
        if len(words) >= SHORTEST:
            voices.setdefault((span.kind, agent, phase), []).append(_Said(span.span_id, words, _names(bare), least))
    found = [Refrain(key[1], ids) for key, voice in voices.items() if (ids := _repeated(voice))]
    return max(found, key=lambda refrain: len(refrain.span_ids), default=None)


def _phase(text: str) -> tuple[str, str]:
    """The phase a step names in front of its words, and the words."""
    if text.startswith("[") and "] " in text[:44]:
        phase, _, bare = text[1:].partition("] ")
        return phase, bare
    return "", text


def _least(agent: str, phase: str, text: str, *, eager: bool) -> float:
    if '":' in text or not (phase or _leads(agent)):
        return OTHERS  # a ledger's fields are filled with the same phrases every time
    return EAGER_INSTRUCTION if eager else INSTRUCTION


@lru_cache(maxsize=256)
def _leads(agent: str) -> bool:
    lowered = agent.lower()
    return any(word in lowered for word in LEADERS)


def _names(text: str) -> Words:
    """Capitalised words inside sentences: names of people, sites and things."""
    before, found = ".", set()
    for word in text.split():
        if word[:1].isupper() and before[-1] not in ".!?:" and len(word) > 1:
            found.add(word.strip(".,;:!?'\"()").lower())
        before = word
    return frozenset(found)


def _repeated(voice: list[_Said]) -> tuple[str, ...]:
    """The spans of the largest group of like words of which three stand within six."""
    recent: list[list[int]] = []
    best: list[int] = []
    for place, said in enumerate(voice):
        recent = [group for group in recent if place - group[-1] < WINDOW]
        group = next((group for group in recent if any(_same(voice[at], said) for at in group[-TIMES:])), None)
        if group is None:
            recent.append([place])
            continue
        group.append(place)
        if len(group) > len(best) and _close(group, TIMES if said.courtesy else WINDOW):
            best = group
    return tuple(voice[place].span_id for place in best)


def _close(group: list[int], window: int) -> bool:
    """Three of the group stand within so many things that the agent says."""
    return any(group[at + TIMES - 1] - group[at] < window for at in range(len(group) - TIMES + 1))


def _same(a: _Said, b: _Said) -> bool:
    least = max(a.least, b.least)
    share = shared(a.words, b.words, least)
    if share < least or other_things(a.words, b.words):
        return False
    mine, theirs = a.words - b.words, b.words - a.words
    # One instruction for each of several things differs mostly in their names
    return not (_mostly(mine, a.names) and _mostly(theirs, b.names))


def _mostly(words: Words, names: Words) -> bool:
    return bool(words) and len(words & names) * 2 >= len(words)
