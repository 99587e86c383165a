"""Made-up runs of agents that are refused again and again, or go round without learning anything, in the shapes of recorded ones."""

from collections.abc import Sequence
from random import Random

from tests.incident.ordinary_runs import CITIES, THINGS, page
from tests.incident.run_steps import Family, Step, act, call, say

Found = tuple[Sequence[Step], int | None]


def _turns(chance: Random, fewest: int) -> range:
    return range(chance.randrange(fewest, fewest + 6))


def one_error_whatever_is_called(chance: Random) -> Found:
    commands = ("python3 -m venv env", "conda create -n env", "pip install sympy", "mkdir env && cd env", "uv venv env")
    error = "Error during command execution: 'Settings' object has no attribute 'shell'"
    return [
        call("terminal", {"command": f"{commands[turn % 5]} # {chance.choice(THINGS)} {turn}"}, error, failed=True)
        for turn in _turns(chance, 4)
    ], 3


def delegated_to_nobody(chance: Random) -> Found:
    work = {"task": f"write about {chance.choice(THINGS)}", "coworker": f"Researcher of {chance.choice(CITIES)}"}
    refusals = ("Error: there is no such coworker.", "The same input was used just before; please do something else.")
    return [call("delegate", work, refusals[min(turn, 1)], failed=True) for turn in _turns(chance, 3)], 2


def refused_as_a_repetition(chance: Random) -> Found:
    notes = [page(chance, 12) for _ in range(3)]
    return [
        call("search", {"query": notes[0]}, page(chance, 40)),
        call("search", {"query": notes[1]}, "I tried reusing the same input, I must stop using this action input."),
        call("read", {"path": notes[2]}, page(chance, 40)),
        call("search", {"query": notes[1]}, f"I tried reusing the same input, I must stop. {page(chance, 60)}"),
    ], 3


def one_search_written_in_two_ways(chance: Random) -> Found:
    thing, answer = chance.choice(THINGS), page(chance, 30)
    ways = (f'"{thing} Works"', f"{thing} works", f"'{thing}  Works'")
    return [
        call(chance.choice(("search", "Search")), {"input": ways[turn % 3]}, answer, thought=page(chance, 12))
        for turn in _turns(chance, 3)
    ], 2


def icon_clicked_a_few_pixels_off(chance: Random) -> Found:
    x, y = chance.randrange(200, 1500), chance.randrange(200, 900)
    return [
        call(
            "computer",
            {"action": "left_click", "coordinate": [x, y + chance.randrange(-9, 10)]},
            "Screenshot (not kept)",
            thought=f"I see the desktop and open the browser by its icon in the taskbar. {page(chance, 3)}",
        )
        for _ in _turns(chance, 3)
    ], 2


def circles_whose_turns_differ(chance: Random) -> Found:
    rooms = chance.sample(CITIES, 3)
    way = [0, 1, 2]
    for _ in range(chance.randrange(8, 14)):
        way.append(chance.choice([room for room in range(3) if room != way[-1]]))
    third = next(at for at, room in enumerate(way) if way[: at + 1].count(room) == 3)
    return [
        call("walk", {"to": rooms[at]}, f"You are in {rooms[at]}. There is nothing to be seen.") for at in way
    ], third


def question_that_nobody_answers(chance: Random) -> Found:
    asked = (
        f"Could you please provide the number of your order of the {chance.choice(THINGS)}, so that I can refund it?"
    )
    ways = (asked, f"I can help you with that. {asked}", f"{asked} Then I will help you with that.")
    talk = [act("refunder", ways[turn % 3]) for turn in _turns(chance, 5)]
    return [act("reception", f"I will hand you over to our refunds desk in {chance.choice(CITIES)}."), *talk], 3


def one_program_refused_with_other_lines_in_it(chance: Random) -> Found:
    body = page(chance, 24)
    steps = []
    for _ in _turns(chance, 3):
        line = page(chance, 3)
        error = f"bash: unexpected end of file while looking for the matching quote in: {body[:80]}; line {line}"
        steps.append(call("bash", {"command": f"printf {body} {line}"}, error, failed=True))
    return steps, 2


REFUSED_LOOPING: tuple[Family, ...] = (
    one_program_refused_with_other_lines_in_it,
    one_error_whatever_is_called,
    delegated_to_nobody,
    refused_as_a_repetition,
    one_search_written_in_two_ways,
    icon_clicked_a_few_pixels_off,
    circles_whose_turns_differ,
    question_that_nobody_answers,
)


def nobody_found_by_any_name(chance: Random) -> Found:
    return [
        call("find_user", {"name": f"{city} {thing}"}, "Error: the user was not found in the directory", failed=True)
        for city, thing in zip(chance.sample(CITIES, 6), chance.sample(THINGS, 6), strict=True)
    ], None


def redacted_addresses(chance: Random) -> Found:
    return [
        call("find_user", {"mail": f"{city.lower()}@example.com"}, "Error: user not found", failed=True)
        for city in chance.sample(CITIES, 5)
    ], None


def slip_of_form_between_good_steps(chance: Random) -> Found:
    slip = call("_Exception", "", "Invalid Format: Missing 'Action:' after 'Thought:'", failed=True)
    letters = chance.sample(range(10_000, 99_999), 4)
    return [
        step
        for letter in letters
        for step in (call("get_letter", {"id": letter}, page(chance, 30)), slip, call("answer", {"id": letter}, "sent"))
    ], None


def edit_mended_at_the_third_try(chance: Random) -> Found:
    line = page(chance, 8)
    refused = call("edit", {"path": "core.py", "old": line}, "Error: the text to replace occurs twice", failed=True)
    mended = call("edit", {"path": "core.py", "old": f"{line} {page(chance, 2)}"}, "edited")
    return [call("read", {"path": "core.py"}, page(chance, 40)), refused, refused, refused, mended], None


def clicks_all_over_a_board(chance: Random) -> Found:
    return [
        call(
            "computer",
            {"action": "left_click", "coordinate": [150 * column, 90 * chance.randrange(1, 9)]},
            "Screenshot (not kept)",
            thought=page(chance, 12),
        )
        for column in range(1, 9)
    ], None


def walk_that_gets_on(chance: Random) -> Found:
    return [
        call("walk", {"to": "forward"}, f"A wall {left} steps ahead. A door {left + 2} steps to the left.")
        for left in range(chance.randrange(9, 14), 0, -1)
    ], None


def desk_that_asks_for_one_thing_after_another(chance: Random) -> Found:
    wanted = chance.sample(("order", "zip code", "colour", "street", "birthday", "e-mail address"), 4)
    return [
        act("reception", "I will hand you over to our refunds desk."),
        *(act("refunder", f"Thank you. May I have your {thing} now? {page(chance, 4)}") for thing in wanted),
        say(f"Your {chance.choice(THINGS)} is refunded.", "refunder"),
    ], None


REFUSED_ORDINARY: tuple[Family, ...] = (
    nobody_found_by_any_name,
    redacted_addresses,
    slip_of_form_between_good_steps,
    edit_mended_at_the_third_try,
    clicks_all_over_a_board,
    walk_that_gets_on,
    desk_that_asks_for_one_thing_after_another,
)
