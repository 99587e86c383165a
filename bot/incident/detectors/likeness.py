"""When two steps of a task are alike.

Alike are calls with the same arguments and the same result, calls that differ only in what differs
between two attempts at one thing (wording, page number, times in an error), and nearly the same words.
"""

import re
from collections.abc import Callable

from bot.incident.detectors.alike import (
    Words,
    numbered,
    one_form,
    only_numbers,
    other_things,
    other_verb,
    shared,
    words_of,
)
from bot.incident.detectors.deeds import OPENING, SAME_OPENING, deed_of, other_target, quoted_in
from bot.incident.detectors.elements import next_page, on_element, same_box, same_spot
from bot.incident.detectors.failures import NONE_FAILED, about_a_thing
from bot.incident.detectors.task_steps import CUT, Step
from bot.incident.detectors.word_sets import WordSets

SAME_WORDS = 0.66  # of two texts
SAME_FEW_WORDS = 0.75  # of two short ones: answers of one pattern about different things share more
FEW_WORDS = 20
SAME_OUTCOME = 0.8  # of two results
SAME_OUTPUT = 0.95  # of what two programs printed: one other value in a long one may be all that is tried
SAME_FAILURE = 0.6  # of two error texts, numbers ignored
SAME_AIM = 0.3  # of two thoughts on one page that quote the same thing: the button's name
SAME_INTENT = 0.5  # of two reworded arguments whose results are alike
SHORTEST_TEXT = 8  # different words; shorter courtesies repeat in every conversation
TROUBLE = frozenset(("error", "errors", "failed", "failure", "traceback", "exception", "denied", "timeout"))
UNSURE = 50  # last characters of a cut result, where half a serial number may stand
COMPLAINT = 120  # characters in which an error says what is wrong, before it shows where
LONG_OUTCOME = 80  # characters; a shorter one ("ok") is the same for different things
FEWEST_THOUGHT = 40  # characters
BEGINNING = 2  # words of arguments in front of the one thing that is another each time
LONG_TEXT, SAME_LONG_TEXT = 20, 0.75  # different words, and how many of them two such texts share
LINES = 3  # line ends in arguments that are a program

_TICKS = re.compile(r"[☐☑☒✅✓✔✗✘]|\[[ xX]\]")
_TALLY = re.compile(
    r"\b\d+ (?:tests? )?(?:failed|passed|failures?|passing|failing|errors?|problems?|warnings?|issues?|violations?)\b",
    re.IGNORECASE,
)
_NAMED = re.compile(r"[`'\"]([\w.]{2,40})[`'\"]")
_TURNING = re.compile(r"\b(?:next (?!action|step)|another |more |other |remaining |scroll|each )", re.IGNORECASE)
_FIGURE = re.compile(r"\d+(?:[.,]\d+)*")
_COMPUTED = re.compile(r"\d+\.\d{5,}")


def complains(step: Step) -> bool:
    """The call failed, or its result reads as if it had."""
    if step.failing:
        return True
    words = words_of(step.outcome_text)
    return bool(words & TROUBLE) and not NONE_FAILED.search(step.outcome_text)


def same_call(a: Step, b: Step) -> bool:
    """The same tool with the same arguments, but for how they are written. Of long ones only the hash tells."""
    if a.given is None or b.given is None or (a.name != b.name and a.name.casefold() != b.name.casefold()):
        return False
    if a.given == b.given:
        return True
    if not a.given_text or a.given_text.endswith(CUT) or a.writing != b.writing:
        return False
    return not hidden(a, b)


def hidden(a: Step, b: Step) -> bool:
    """The arguments differ in what was redacted: they are not the same, and yet read the same to their end."""
    return a.given != b.given and a.given_text == b.given_text and bool(a.given_text) and not a.given_text.endswith(CUT)


def other_subjects(a: Step, b: Step) -> bool:
    """Each begins a conversation about something else: one thing of a list, and then the next."""
    return bool(a.subject and b.subject) and a.subject != b.subject


def about_others(a: Step, b: Step) -> bool:
    """What came of either is not recorded, and each was thought to be about something that the other was not."""
    one, other = quoted_in(a.thought), quoted_in(b.thought)
    return bool(one - other) and bool(other - one)


def alike(a: Step, b: Step, sets: WordSets) -> bool:
    """The two steps are the same thing done again, with the same outcome. Both may be marked as vague or guessed by it."""
    if other_subjects(a, b):
        return False
    if a.words:
        one, other = sets.of(a.words), sets.of(b.words)
        shorter = min(len(one), len(other))
        if a.words[:OPENING] == b.words[:OPENING] and len(a.words) >= OPENING:
            least = SAME_OPENING
        else:
            least = SAME_WORDS if shorter >= FEW_WORDS else SAME_FEW_WORDS
        alike = shorter >= SHORTEST_TEXT and shared(one, other, least) >= least and not other_things(one, other)
        return alike and not one_form(a.words, b.words) and not other_target(sets.deed(a.words), sets.deed(b.words))
    if a.given is None or b.given is None or a.writes != b.writes or a.agent != b.agent:
        return False
    if hidden(a, b):
        return False
    if same_call(a, b) or _same_but_for_stamps(a, b, sets):
        return _same_outcome(a, b, sets)
    if a.in_vain and a.name == b.name and a.given_text == b.given_text and a.outcome is None and b.outcome is None:
        return True  # a long one, sent again for it did not work
    if same_box(a, b):
        return _one_aim(a, b, sets) if a.outcome is None and b.outcome is None else _same_outcome(a, b, sets)
    return not a.wrote and (_same_intent(a, b, sets) or _same_thought(a, b, sets))


def _same_but_for_stamps(a: Step, b: Step, sets: WordSets) -> bool:
    if a.given_text.endswith(CUT) or not a.given_text.startswith("{"):
        return False
    one = sets.stampless(a.given_text)
    return one != a.given_text and one == sets.stampless(b.given_text)


def _same_outcome(a: Step, b: Step, sets: WordSets, *, same_call: bool = True) -> bool:
    """Two results of one call differ only in what says nothing: the clock, or where an error is reported from.

    Of the ``same_call`` no number may differ either: where a counter goes on, a poll makes progress, as does a list ticked off.
    """
    if a.outcome is None or b.outcome is None or a.failing != b.failing:
        return False
    if a.outcome == b.outcome:
        return True
    cut = a.outcome_text.endswith(CUT)
    if (cut and a.outcome_text[:-UNSURE] == b.outcome_text[:-UNSURE]) or (same_call and _from_one_place(a, b, sets)):
        a.vague = b.vague = True
        return True
    if _TICKS.findall(a.outcome_text) != _TICKS.findall(b.outcome_text):
        return False
    first, second = sets.timeless(a.outcome_text), sets.timeless(b.outcome_text)
    if first == second:
        return bool(first.strip())
    one, other = sets.of(first), sets.of(second)
    if a.failing or (TROUBLE & one & other and not NONE_FAILED.search(first)):
        return _same_complaint(first, second, SAME_FAILURE if a.failing else SAME_OUTCOME, sets)
    least = SAME_OUTCOME if same_call or not (_is_program(a) and _is_program(b)) else SAME_OUTPUT
    if shared(one, other, least) < least:
        return False
    return not numbered(one ^ other, 1) if same_call else not other_things(one, other)


def _same_complaint(first: str, second: str, least: float, sets: WordSets) -> bool:
    """The same error but for its numbers, as long as they do not count what is wrong: fewer errors are progress."""
    begins = len(first) > COMPLAINT and sets.shape(first[:COMPLAINT]) == sets.shape(second[:COMPLAINT])
    if not begins and shared(sets.of(sets.shape(first)), sets.of(sets.shape(second)), least) < least:
        return False
    return _TALLY.findall(first) == _TALLY.findall(second) and not _other_names(first, second)


def _other_names(first: str, second: str) -> bool:
    """Each error names in quotes what is wrong, and it is not the same: the one before was mended."""
    one, other = set(_NAMED.findall(first)), set(_NAMED.findall(second))
    return bool(one and other) and one.isdisjoint(other)


def _quotes_what_it_did(step: Step) -> bool:
    """A sentence names in quotes what was done to it; of JSON the quotes say nothing."""
    return not step.outcome_text.startswith(("{", "[")) and bool(deed_of(step.outcome_text).target)


def _is_program(step: Step) -> bool:
    return step.given_text.count("\n") + step.given_text.count("\\n") >= LINES


def _from_one_place(a: Step, b: Step, sets: WordSets) -> bool:
    """Two long results begin with the same page and the same place on it; what is read there may be put otherwise."""
    if not (a.outcome_text.endswith(CUT) and b.outcome_text.endswith(CUT)):
        return False
    place = sets.place(a.outcome_text.removesuffix(CUT))
    return bool(place) and place == sets.place(b.outcome_text.removesuffix(CUT))


def _same_intent(a: Step, b: Step, sets: WordSets) -> bool:
    """Two calls try for the same thing in other words, or page by page, and get the same."""
    if a.outcome is None or b.outcome is None or a.failing != b.failing:
        return False
    long = len(a.outcome_text) >= LONG_OUTCOME
    if a.outcome == b.outcome and not a.failing and (long or _quotes_what_it_did(a)) and next_page(a, b):
        return True  # the same page, or what the result names was done to the same thing at other coordinates
    if a.outcome == b.outcome and same_spot(a, b):
        return True
    one, other = sets.free(a.given_text), sets.free(b.given_text)
    if one is None or other is None or one[0] != other[0]:
        return False
    if a.failing and _nearly_all(one[1], other[1]):
        return _same_outcome(a, b, sets, same_call=False)
    if not _reworded(one[1], other[1]):
        return False
    if one_form(one[2], other[2], BEGINNING):
        return False  # the same for another name or thing
    if other_verb(one[2], other[2]):
        return False
    missing = a.failing or (not a.outcome_text.endswith(CUT) and about_a_thing(a.outcome_text))
    if missing and len(one[1] - other[1]) == len(other[1] - one[1]) == 1:
        return False  # nothing found for one thing and nothing for another
    if a.outcome == b.outcome:
        return long or a.failing or not a.given_text.endswith(CUT)  # "ok" says little about two long programs
    if _same_figures(a, b):
        return True
    return not each_its_own(a, b, sets.of) and _same_outcome(a, b, sets, same_call=False)


def _same_thought(a: Step, b: Step, sets: WordSets) -> bool:
    """The model wants nearly the same again of an element of a page that was loaded anew, and has other numbers now."""
    if min(len(a.thought), len(b.thought)) < FEWEST_THOUGHT or not a.given_text:
        return False
    if sets.shape(a.given_text) != sets.shape(b.given_text):
        return False
    if not on_element(a):
        return False
    same_page = _same_page(a, b, sets)
    aimed = same_page and not quoted_in(a.thought).isdisjoint(quoted_in(b.thought))
    least = SAME_AIM if aimed else SAME_WORDS
    one, other = (sets.of(step.thought) - sets.of(step.given_text) for step in (a, b))
    if min(len(one), len(other)) < SHORTEST_TEXT or shared(one, other, least) < least:
        return False
    if other_things(one, other) or one_form(sets.shape(a.thought), sets.shape(b.thought)) or _TURNING.search(a.thought):
        return False
    if a.outcome is None or b.outcome is None or (a.outcome_text.endswith(CUT) and not same_page):
        if (a.outcome is None) != (b.outcome is None) or _beginning(a, sets) != _beginning(b, sets):
            return False
        a.guessed = b.guessed = True
        return True
    if same_page and a.outcome_text.endswith(CUT):
        a.vague = b.vague = True
    return same_page


def _same_page(a: Step, b: Step, sets: WordSets) -> bool:
    """Both results are long, and as far as they are kept they differ in numbers only."""
    return len(a.outcome_text) >= LONG_OUTCOME and sets.shape(a.outcome_text) == sets.shape(b.outcome_text)


def _beginning(step: Step, sets: WordSets) -> str:
    return sets.shape(step.outcome_text)[:UNSURE]


def _same_figures(a: Step, b: Step) -> bool:
    """Two short results hold the same numbers, and one with so many decimals that it comes of no two computations."""
    if a.failing or a.outcome_text.endswith(CUT) or b.outcome_text.endswith(CUT):
        return False
    one = _FIGURE.findall(a.outcome_text)
    return one == _FIGURE.findall(b.outcome_text) and any(_COMPUTED.fullmatch(figure) for figure in one)


def each_its_own(a: Step, b: Step, words: Callable[[str], Words] = words_of) -> bool:
    """Each result names what only its own call asked for: one file after another."""
    given, other = words(a.given_text), words(b.given_text)
    told, others = words(a.outcome_text), words(b.outcome_text)
    return not (given - other).isdisjoint(told - others) and not (other - given).isdisjoint(others - told)


def _nearly_all(one: Words, other: Words) -> bool:
    """A long text, sent once more with a little changed."""
    return min(len(one), len(other)) >= LONG_TEXT and shared(one, other, SAME_LONG_TEXT) >= SAME_LONG_TEXT


def _reworded(one: Words, other: Words) -> bool:
    """The same in other words; element 17 and element 18 are two things."""
    return (
        shared(one, other, SAME_INTENT) >= SAME_INTENT
        and not other_things(one, other)
        and not only_numbers(one ^ other)
    )


def _one_aim(a: Step, b: Step, sets: WordSets) -> bool:
    """Nobody recorded what came of either, and the first did not work, so the model wants the same or the same thing again."""
    if not b.in_vain or about_others(a, b):
        return False
    alike = shared(sets.of(a.thought), sets.of(b.thought), SAME_INTENT) >= SAME_INTENT
    return alike or not quoted_in(a.thought).isdisjoint(quoted_in(b.thought))
