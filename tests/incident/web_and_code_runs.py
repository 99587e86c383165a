"""Made-up runs of web agents, coding agents and agents that write their actions down as text."""

import json
from collections.abc import Sequence
from random import Random
from uuid import UUID

from tests.incident.ordinary_runs import CITIES, THINGS, page, thought
from tests.incident.run_steps import Family, Step, call, say

Found = tuple[Sequence[Step], int | None]


def _turns(chance: Random, fewest: int = 3) -> range:
    return range(chance.randrange(fewest, 9))


def _react(chance: Random, tool: str, given: str) -> Step:
    """Thought, action and its input, in one of the two ways in which prompts ask for them."""
    if chance.random() < 0.5:
        return say(f"Thought: {thought(chance)}\nAction: {tool}\nAction Input: {given}")
    action = json.dumps({"action": tool, "action_input": given})
    return say(f"Thought: {thought(chance)}\nAction:\n```json\n{action}\n```")


def same_action_and_input_in_text(chance: Random) -> Found:
    given, style = f"founder of {chance.choice(CITIES)} {chance.choice(THINGS)} works", Random(chance.random())  # noqa: S311 - one style a run
    state = style.getstate()
    steps = []
    for _ in _turns(chance):
        style.setstate(state)
        steps.append(_react(style, "search", given))
    return steps, 2


def same_command_in_a_fence(chance: Random) -> Found:
    command = f"open src/{chance.choice(THINGS)}.py {chance.randrange(400)}"
    return [say(f"{thought(chance)}\n```\n{command}\n```") for _ in _turns(chance)], 2


def edit_refused_again(chance: Random) -> Found:
    refused = (
        "Your proposed edit has introduced new syntax errors. Please read this error message carefully and then retry editing "
        "the file. E999 IndentationError: unindent does not match any outer indentation level.\n"
    )
    body = "def get_user(request, name):\n    user = find(name)\n    if user is None:\n        return error(404)\n"
    given = {"range": "10:14"}
    return [
        call("edit", {**given, "text": f"{body}  {page(chance, 2)}"}, refused + page(chance, 20))
        for _ in _turns(chance)
    ], 2


def same_failure_after_every_change(chance: Random) -> Found:
    failure = f"FAILED tests/test_{chance.choice(THINGS)}.py::test_sum - AssertionError: assert 3 == 4\n1 failed, 12 passed in "
    steps: list[Step] = []
    for _ in _turns(chance, 5):
        steps.append(call("edit", {"path": "app.py", "new": page(chance, 9)}, "edited"))
        steps.append(call("bash", {"command": "pytest -q"}, f"{failure}{chance.random():.2f}s"))
    return steps, 9


def nothing_moves_on_the_page(chance: Random) -> Found:
    seen = page(chance, 90)
    steps = [call("click", {"bid": f"a{50 + at}"}, seen, thought=thought(chance)) for at in _turns(chance, 4)]
    return steps, 3


def every_request_has_its_own_id(chance: Random) -> Found:
    thing, found = chance.choice(THINGS), page(chance, chance.choice((5, 60)))

    def again(at: int) -> Step:
        stamp = str(UUID(int=chance.getrandbits(128), version=4))
        given = {"q": thing, "request_id": stamp, "ts": 1_700_000_000 + at}
        return call("search", given, {"found": found, "request_id": stamp, "took_ms": chance.randrange(90)})

    return [again(at) for at in _turns(chance)], 2


def _screenshot(chance: Random, title: str, seen: int = 0) -> str:
    """A page as a surfer tells it: what stands on it is read a little differently each time."""
    return f"Screenshot of [{title}](https://example.com/{title.replace(' ', '-')}), {seen}% down from its top.\n{page(chance, 90)}"


def one_button_on_one_page(chance: Random) -> Found:
    thing = chance.choice(THINGS)
    return [
        call("click", {"element": f"Select {thing}:"}, _screenshot(chance, f"All {thing} news")) for _ in _turns(chance)
    ], 2


def nothing_given_and_refused(chance: Random) -> Found:
    refused = f"Error: {page(chance, 6)}. Keep to the form and try again."
    return [call("_Exception", "", refused, failed=True) for _ in _turns(chance)], 2


def element_clicked_elsewhere(chance: Random) -> Found:
    clicked = f'Clicked a "{chance.choice(THINGS).capitalize()}\nNot selected yet"'
    at = {"index": chance.randrange(900)}
    return [
        call("click", {**at, "x": chance.randrange(999), "y": chance.randrange(999)}, clicked) for _ in _turns(chance)
    ], 2


def never_a_command(chance: Random) -> Found:
    steps = []
    for _ in _turns(chance):
        said = page(chance, 12).capitalize()
        steps.append(call("command", {"text": said}, f"Unknown command: {said.split()[0]}", failed=True))
    return steps, 2


def tools_that_do_not_exist(chance: Random) -> Found:
    code = {"code": f"import pandas\n\nfile = '{chance.choice(THINGS)}.csv'\nprint(pandas.read_csv(file).shape)"}
    names = chance.sample(["Coder", "python", "Executor", "default", "bash", "run"], 5)
    return [call(name, code, f"Error: Function {name} not found.", failed=True) for name in names], 2


WEB_AND_CODE_LOOPING: tuple[Family, ...] = (
    same_action_and_input_in_text,
    same_command_in_a_fence,
    edit_refused_again,
    same_failure_after_every_change,
    nothing_moves_on_the_page,
    every_request_has_its_own_id,
    one_button_on_one_page,
    nothing_given_and_refused,
    element_clicked_elsewhere,
    never_a_command,
    tools_that_do_not_exist,
)


def one_tool_with_other_inputs_in_text(chance: Random) -> Found:
    return [_react(chance, "search", f"{page(chance, 3)} of {city}") for city in chance.sample(CITIES, 6)], None


def one_question_for_each_detail(chance: Random) -> Found:
    details = ["first name", "last name", "zip code", "email address", "phone number", "order number"]
    chance.shuffle(details)
    asked = "Could you please tell me your {} so that I can look up the order for you?"
    return [say(asked.format(detail)) for detail in details], None


def green_after_every_change(chance: Random) -> Found:
    steps: list[Step] = []
    for _ in _turns(chance, 6):
        steps.append(call("edit", {"path": "app.py", "new": page(chance, 9)}, "edited"))
        steps.append(call("bash", {"command": "pytest -q"}, f"0 failed, 12 passed in {chance.random():.2f}s"))
    return steps, None


def one_ticket_for_each_thing(chance: Random) -> Found:
    def create(thing: str) -> Step:
        given = {"title": thing, "request_id": f"{chance.getrandbits(64):x}"}
        return call("create_ticket", given, {"id": chance.randrange(10**6), "status": "created"}, write=True)

    return [create(thing) for thing in chance.sample(THINGS, 8)], None


def scrolling_down_one_page(chance: Random) -> Found:
    title = f"All {chance.choice(THINGS)} news"
    return [call("scroll", {"direction": "down"}, _screenshot(chance, title, 9 * turn)) for turn in range(5)], None


def edit_mended_after_refusals(chance: Random) -> Found:
    refused = "Your proposed edit has introduced new syntax errors. E999 SyntaxError: unmatched ')'\n" + page(
        chance, 30
    )
    edit = f"edit 287:{{}}\n    required = [{page(chance, 9)}]\n    if found in {page(chance, 3)}:"
    tried = [call("edit", edit.format(295), refused, failed=True) for _ in range(3)]
    return [*tried, call("edit", edit.format(296), f"[File: app.py (373 lines)]\n{page(chance, 20)}")], None


def links_opened_one_by_one(chance: Random) -> Found:
    first = chance.randrange(10, 80)
    return [
        call("click", f"index: {first + at}, while_holding_ctrl: True", "Clicked element and opened in new tab")
        for at in range(6)
    ], None


def table_that_fills(chance: Random) -> Found:
    head = "NAMESPACE NAME READY STATUS RESTARTS AGE"
    return [
        call("bash", {"command": "kubectl get pods -A"}, f"{head}\n" + "\n".join(page(chance, 6) for _ in range(9)))
        for _ in range(4)
    ], None


def list_ticked_off(chance: Random) -> Found:
    things = [f"Check the {thing} page" for thing in chance.sample(THINGS, 6)]
    steps: list[Step] = []
    for done in range(len(things)):
        ticks = "\n".join(f"{'☒' if at < done else '☐'} {thing}" for at, thing in enumerate(things))
        steps.append(call("update_todos", "", ticks))
        steps.append(call("open", {"page": things[done]}, page(chance, 30)))
    return steps, None


def user_nobody_knows(chance: Random) -> Found:
    names = chance.sample(CITIES, 6)
    return [
        call("find_user", {"name": name}, f"Error: no user {name} was found in the directory.", failed=True)
        for name in names
    ], None


WEB_AND_CODE_ORDINARY: tuple[Family, ...] = (
    one_tool_with_other_inputs_in_text,
    one_question_for_each_detail,
    green_after_every_change,
    one_ticket_for_each_thing,
    scrolling_down_one_page,
    edit_mended_after_refusals,
    links_opened_one_by_one,
    table_that_fills,
    list_ticked_off,
    user_nobody_knows,
)
