"""Made-up runs in the shapes of recorded ones: terminals that hang, stubborn agents, pages that number their elements anew."""

import json
from collections.abc import Sequence
from random import Random

from tests.incident.ordinary_runs import CITIES, THINGS, page, thought
from tests.incident.run_steps import Family, Step, act, ask, call, say

Found = tuple[Sequence[Step], int | None]

_RESOLVE = (
    "I have no overview of the headlines yet, so I will ask the search tool for them, sort what it finds by country, "
    "write a short summary of each and keep the sources beside it."
)
_HANGING = (
    "The terminal hangs with half a command. I will send an interrupt first, get a clean prompt back and then look at all services.",
    "There is half a command in the terminal, which hangs. I will interrupt it, get a clean prompt back and look at the services.",
    "The terminal still hangs with half a command. I will interrupt it first, then get a clean prompt and look at all services.",
)


def _turns(chance: Random, fewest: int) -> range:
    return range(chance.randrange(fewest, fewest + 6))


def refused_with_other_words(chance: Random) -> Found:
    errors = ("no such command", "permission denied", "the shell has gone away", "bad substitution in line 1")
    command = f"install-{chance.choice(THINGS)}"
    return [call("run", {"command": command}, errors[turn % 4], failed=True) for turn in _turns(chance, 4)], 2


def one_line_after_another_refused(chance: Random) -> Found:
    line = chance.randrange(100, 900)
    return [
        call(
            "bash",
            {"command": f"sed -i '{line + turn}s/^ */\\t/' Makefile && make"},
            f"<returncode>2</returncode>\nMakefile:{line + turn + 1}: *** missing separator. Stop.",
            thought=thought(chance),
        )
        for turn in _turns(chance, 5)
    ], 2


def one_resolve_and_other_headlines(chance: Random) -> Found:
    query = {"query": f"news of {chance.choice(CITIES)}"}
    return [call("web_search", query, page(chance, 40), thought=_RESOLVE) for _ in _turns(chance, 4)], 2


def terminal_that_hangs(chance: Random) -> Found:
    left = f"$ echo '  - port {chance.randrange(1000, 9999)} of the service"
    return [
        call("keys", {"keys": f"C-c {page(chance, 4)}"}, left, thought=_HANGING[turn % 3]) for turn in _turns(chance, 5)
    ], 2


def elements_with_other_numbers(chance: Random) -> Found:
    thing, labels = chance.choice(THINGS), [f"link '{page(chance, 1)}'" for _ in range(7)]

    def screen(title: str) -> str:
        first = chance.randrange(1000, 9000)
        return f"{title}\n" + "\n".join(f"[{first + at}] {label}" for at, label in enumerate(labels))

    steps: list[Step] = []
    for _ in _turns(chance, 3):
        number = chance.randrange(1000, 99_999)
        steps.append(
            call(
                "click",
                {"element": f"[{number}]"},
                screen("My account"),
                thought=f"The {thing} stands among the orders of my account, which I open now.",
            )
        )
        steps.append(
            call(
                "fill",
                {"element": f"[{number + 9}]", "text": thing},
                screen("Found"),
                thought=f"First I have to search the shop for the {thing} that was asked for.",
            )
        )
    return steps, 4


def the_last_call_has_not_come_back(chance: Random) -> Found:
    again, given = page(chance, 20), {"query": chance.choice(THINGS)}
    return [*(call("search", given, again) for _ in range(2)), call("search", given, ...)], 2


def long_thought_before_a_long_action(chance: Random) -> Found:
    action = json.dumps({"query": " ".join(chance.sample(CITIES, 4) * 4), "results": 5})
    return [
        say(f"<think>{page(chance, 150)}</think>\n<action>\ntool: search\nparameters: {action}\n</action>")
        for _ in _turns(chance, 3)
    ], 2


def scrolls_on_a_page_nobody_recorded(chance: Random) -> Found:
    return [ask("scroll", {"y": 400}, thought(chance)) for _ in _turns(chance, 6)], 5


def waiting_for_a_build_that_hangs(chance: Random) -> Found:
    return [step for turn in _turns(chance, 6) for step in _poll(chance, turn)], 10


def _poll(chance: Random, turn: int) -> list[Step]:
    clock = f"2026-11-02T03:{20 + turn}:{chance.randrange(10, 60)}Z"
    return [
        call("shell_output", {"shell": "b1"}, f"<status>running</status> <timestamp>{clock}</timestamp> lines: 1"),
        call("bash", {"command": "sleep 60"}, ""),
    ]


STUBBORN_LOOPING: tuple[Family, ...] = (
    refused_with_other_words,
    one_line_after_another_refused,
    one_resolve_and_other_headlines,
    terminal_that_hangs,
    elements_with_other_numbers,
    the_last_call_has_not_come_back,
    long_thought_before_a_long_action,
    scrolls_on_a_page_nobody_recorded,
    waiting_for_a_build_that_hangs,
)


def waiting_for_a_build(chance: Random) -> Found:
    polls = [step for turn in range(chance.randrange(1, 6)) for step in _poll(chance, turn)]
    return [
        call("bash", {"command": "make -j4 &"}, "started b1"),
        *polls,
        call("shell_output", {"shell": "b1"}, page(chance, 20)),
    ], None


def reading_a_file_nobody_recorded(chance: Random) -> Found:
    return [
        ask("open", {"path": "core.py"}, thought(chance)),
        *(ask("scroll_down", {}, thought(chance)) for _ in range(chance.randrange(2, 6))),
        ask("edit", {"path": "core.py", "text": page(chance, 9)}, thought(chance)),
    ], None


def from_page_to_page_with_one_thought(chance: Random) -> Found:
    wish = "The review I look for is not among these, so I go on to the next page of reviews."
    return [
        call("click", {"element": f"[{chance.randrange(1000, 99_999)}]"}, f"Reviews {page(chance, 90)}", thought=wish)
        for _ in _turns(chance, 4)
    ], None


def one_thought_for_every_order(chance: Random) -> Found:
    wish = "I look this order up with the order tool, so that I can tell the customer when the parcel will arrive at the house."
    return [
        call(
            "get_order",
            {"order": number},
            f"Order {number} was handed to the carrier on day {chance.randrange(30)} and will arrive {chance.randrange(2, 9)} days later, before noon.",
            thought=wish,
        )
        for number in chance.sample(range(1000, 9999), 8)
    ], None


def nothing_found_for_each_number(chance: Random) -> Found:
    return [
        call("get_order", {"order": number}, f"Error: there is no order {number}.", failed=True)
        for number in chance.sample(range(1000, 9999), 8)
    ], None


def counter_watched_with_one_thought(chance: Random) -> Found:
    wish = (
        "The rollout is under way and takes a couple of minutes on all nodes, so I look at it once more and report to the team as "
        "soon as the last node has its new version."
    )
    return [
        call(
            "rollout",
            {"service": "shop"},
            f"{10 * turn + chance.randrange(10)} of 100 nodes have the new version",
            thought=wish,
        )
        for turn in range(chance.randrange(3, 6))
    ], None


def terminal_with_one_answer_for_much(chance: Random) -> Found:
    answer = (
        "I found no code in the last message that I could run. Somebody else should go on with the talk, or end it with the "
        "word that was agreed on for this."
    )
    steps: list[Step] = []
    for name in ("planner of trips", "reader", "checker"):
        steps += [act(name, page(chance, 40)), act("terminal", answer)]
    return [*steps, act("reader", "DONE")], None


STUBBORN_ORDINARY: tuple[Family, ...] = (
    waiting_for_a_build,
    reading_a_file_nobody_recorded,
    from_page_to_page_with_one_thought,
    one_thought_for_every_order,
    nothing_found_for_each_number,
    counter_watched_with_one_thought,
    terminal_with_one_answer_for_much,
)
