"""Refusals: calls that fail in a row without anything learnt from it.

An error about the thing asked for ("order 17 not found") may be another thing each time. One about how a call is written,
one that has nothing to do with what is asked for, and the remark that all this was tried before, are not.
"""

import re
from collections.abc import Callable, Sequence
from itertools import pairwise

from bot.incident.detectors.alike import Words, shared, without_clocks, without_numbers, words_of
from bot.incident.detectors.failures import about_a_thing
from bot.incident.detectors.likeness import each_its_own, hidden, same_call
from bot.incident.detectors.retries import RETRIES, mended, went_on
from bot.incident.detectors.stretches import Row, longest, longest_of, row_of
from bot.incident.detectors.task_steps import CUT, Step

REFUSED = 3  # failures of one call, whatever the error says
ILL_FORMED = 3  # calls that are all refused for their form, or because there is no such tool
ERRORS_AGAIN = 3  # failures that repeat an error of the same row of failures, whatever is called
RECENT = 12  # different errors of a row to compare a new one with
SAME_ERROR = 0.8  # of the words of two, numbers ignored
RENUMBERED = 5  # failures of calls that differ only in numbers, with errors that do, too
ADMITTED = 2  # calls that were refused as repetitions
ADMITTED_WITHIN = 6  # calls in a row
REMARK = 80  # characters of a long answer in which such a remark stands
SHORTEST_ERROR = 2  # different words; an empty answer is no error
FEWEST_WORDS = (
    4  # different words of an error that many calls meet; fewer of arguments only say which thing is asked for
)

_NUMBERS = re.compile(r"\d{2,}")
_FORM = re.compile(
    r"\b(?:unknown|invalid|unrecogni[sz]ed|malformed|unsupported|unexpected) "
    r"(?:command|action|tool|function|option|syntax|format|json|input|keyword|argument)"
    r"|\b(?:accepts these|unhashable|validation error|usage: |missing (?:\d+ )?(?:required|positional)|argument of type)"
    r"|\brequired (?:property|field|parameter|argument)"
    r"|\b(?:could not|cannot|can't|failed to|unable to) parse|\bpars(?:e|ing) error|\bno such (?:command|action|tool|function)"
    r"|\bnot a (?:valid|known|recogni[sz]ed) (?:command|action|tool|function|json|key|dict|format|input)"
    r"|\b(?:command|action|tool|function)\b.{0,80}?\b(?:not (?:found|exist|available)|(?:doesn|don|isn|wasn)'t (?:exist|available|found))",
    re.IGNORECASE,
)
# What CrewAI, AutoGen's MathChat and the limits of web agents say to an agent that repeats itself
_ADMITS = re.compile(
    r"\b(?:reus|repeat)\w* the same (?:input|action|call|query|step)|\b(?:same|identical) (?:as|from) the last\b"
    r"|\bsame (?:action|call|query|command|input) (?:for \d+ times|again|repeated)"
    r"|\byou(?:'ve| have)? already (?:tried|called|executed|used) (?:this|that|the same)\b",
    re.IGNORECASE,
)
# What a ticket, a page or a log may say as well
_MAY_ADMIT = re.compile(
    r"\balready (?:been )?(?:tried|called|executed) (?:this|that|the same|with)"
    r"|\b(?:loop|repetition) (?:was )?detected\b|\bstuck in a loop\b",
    re.IGNORECASE,
)
_ADMISSION_SIGNS = (
    "ame",
    "dentical",
    "lready",
    "etected",
    "in a loop",
)  # in any of them; their first letter may be large


def admitted_in(calls: Sequence[Step]) -> Row | None:
    """The first two calls within a few that are answered with the remark that they repeat others, and those between them."""
    admitted = [(place, found) for place, step in enumerate(calls) if (found := _remark(step)) is not None]
    for (one, remark), (other, again) in pairwise(admitted):
        if other - one < ADMITTED_WITHIN and remark == again:
            return row_of("calls that are refused as repetitions", calls[one : other + 1], ADMITTED)
    return None


def refusals_in(calls: Sequence[Step]) -> list[Row]:
    """The longest row of each other kind."""
    renumbered = longest_of(calls, _same_tool_fails, _renumbered, RENUMBERED)
    renumbered = () if renumbered and went_on(calls, renumbered) else renumbered
    found = (
        row_of("the same call, which fails every time", _in_vain(calls, _refused), REFUSED),
        row_of("calls whose form is refused", _in_vain(calls, _ill_formed), ILL_FORMED),
        row_of("calls that meet the same errors again", _without_effect(calls), ERRORS_AGAIN + 1),
        row_of("nearly the same call with the same kind of error", renumbered, RENUMBERED),
    )
    return [row for row in found if row]


def _both_fail(a: Step, b: Step) -> bool:
    return a.failing and b.failing


def _same_tool_fails(a: Step, b: Step) -> bool:
    return a.failing and b.failing and a.name == b.name


def _in_vain(calls: Sequence[Step], goes_on: Callable[[Step, Step], bool]) -> Sequence[Step]:
    """The longest stretch, unless it is short and what failed in it works right after: those were retries."""
    row = longest(calls, goes_on)
    if 0 < len(row) <= RETRIES and mended(calls, next(place for place, step in enumerate(calls) if step is row[-1])):
        return ()
    return row


def _refused(before: Step, step: Step) -> bool:
    return before.failing and step.failing and before.agent == step.agent and same_call(before, step)


def _without_effect(calls: Sequence[Step]) -> Sequence[Step]:
    """The longest row of failures of any tools in which one error or another comes back often enough."""
    row = _in_vain(calls, _both_fail)
    if len(row) <= ERRORS_AGAIN or went_on(calls, row):
        return ()
    return row if _errors_again(row) >= ERRORS_AGAIN else ()


def _errors_again(row: Sequence[Step]) -> int:
    """How many of the failures repeat the error of one before them, where it is not about the thing asked for."""
    met: list[tuple[Words, Step]] = []
    again = 0
    for step in row:
        words = words_of(without_numbers(without_clocks(step.outcome_text)))
        if len(words) < FEWEST_WORDS or about_a_thing(step.outcome_text):
            continue
        if any(
            shared(words, others, SAME_ERROR) >= SAME_ERROR and not _elsewhere(step, other) for others, other in met
        ):
            again += 1
        else:
            met.append((words, step))
            del met[:-RECENT]
    return again


def _elsewhere(step: Step, other: Step) -> bool:
    """The two are about two things, as far as is known, or each agent of a team met the error for itself."""
    unknown = step.given is None or (step.given != other.given and not step.given_text)
    return unknown or step.agent != other.agent or hidden(step, other) or each_its_own(step, other)


def _renumbered(before: Step, step: Step) -> bool:
    if not step.given_text or not _same_tool_fails(before, step) or hidden(before, step):
        return False
    if without_numbers(before.given_text) != without_numbers(step.given_text):
        return False
    error = without_numbers(step.outcome_text)
    return error == without_numbers(before.outcome_text) and not _about_its_own(step)


def _about_its_own(step: Step) -> bool:
    """The error is about the thing asked for, or is none: nothing was found for this number, and nothing for the next."""
    return (
        len(words_of(step.outcome_text)) < SHORTEST_ERROR
        or not set(_NUMBERS.findall(step.given_text)).isdisjoint(_NUMBERS.findall(step.outcome_text))
        or (len(words_of(step.given_text)) < FEWEST_WORDS and about_a_thing(step.outcome_text))
    )


def _ill_formed(before: Step, step: Step) -> bool:
    """Both are refused for their form with the same words, but for those that repeat what was written, or that are added."""
    if not (before.failing and step.failing):
        return False
    if not (_FORM.search(before.outcome_text) and _FORM.search(step.outcome_text)):
        return False
    one, other = _own_words(before), _own_words(step)
    return one <= other or other <= one


def _own_words(step: Step) -> Words:
    return words_of(step.outcome_text) - words_of(f"{step.name} {step.given_text}")


def _remark(step: Step) -> Words | None:
    """What an answer says of the call, but for what it was called with, where that may be about something else; else no words."""
    answer = step.outcome_text
    cut = answer.endswith(CUT)
    if cut:
        answer = answer[:REMARK]  # a long page may be about loops
    if not any(sign in answer for sign in _ADMISSION_SIGNS):
        return None
    if _ADMITS.search(answer):
        return frozenset()
    return None if cut or not _MAY_ADMIT.search(answer) else _own_words(step)
