"""The payload validator finds what Slack refuses, and nothing else."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.strict_slack.example_app import card, ticket_view, words
from tests.strict_slack.limits import message_problems, primary_count, unfillable_in_local_workspace, view_problems
from tests.strict_slack.shapes import Json


def section(text: str = "x", **extra: Any) -> Json:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}, **extra}


def button(text: str = "Go", **extra: Any) -> Json:
    return {"type": "button", "action_id": "go", "text": words(text), **extra}


def actions(*elements: Json) -> Json:
    return {"type": "actions", "elements": list(elements)}


def option(text: str = "Yes", value: str = "yes", **extra: Any) -> Json:
    return {"text": words(text), "value": value, **extra}


def options(count: int) -> list[Json]:
    return [option(value=str(number)) for number in range(count)]


def chooser(kind: str, count: int, **extra: Any) -> Json:
    return {"type": kind, "action_id": "choose", "options": options(count), **extra}


def field(element: Json, **extra: Any) -> Json:
    return {"type": "input", "label": words("What?"), "element": element, **extra}


def typing(**extra: Any) -> Json:
    return {"type": "plain_text_input", "action_id": "text", **extra}


def confirm(title: int = 1, text: int = 1, button_text: int = 1) -> Json:
    ends = {"confirm": words("y" * button_text), "deny": words("n")}
    return {"title": words("t" * title), "text": words("x" * text), **ends}


# What stands at the limit is taken; one more is refused at the named place.
EDGES: list[tuple[str, Callable[[int], Json], int, str]] = [
    ("section text", lambda n: section("x" * n), 3000, "/text/text"),
    ("field text", lambda n: {"type": "section", "fields": [words("x" * n)]}, 2000, "/fields/0/text"),
    ("fields", lambda n: {"type": "section", "fields": [words("x")] * n}, 10, "/fields"),
    ("header", lambda n: {"type": "header", "text": words("x" * n)}, 150, "/text/text"),
    ("context", lambda n: {"type": "context", "elements": [words("x")] * n}, 10, "/elements"),
    ("actions", lambda n: actions(*[button(action_id=f"a{i}") for i in range(n)]), 25, "/elements"),
    ("button text", lambda n: actions(button("x" * n)), 75, "/text/text"),
    ("button value", lambda n: actions(button(value="x" * n)), 2000, "/value"),
    ("button url", lambda n: actions(button(url="x" * n)), 3000, "/url"),
    ("action id", lambda n: actions(button(action_id="x" * n)), 255, "/action_id"),
    ("block id", lambda n: section(block_id="x" * n), 255, "/block_id"),
    ("option text", lambda n: actions(chooser("static_select", 0) | {"options": [option("x" * n)]}), 75, "/text/text"),
    (
        "option value",
        lambda n: actions(chooser("static_select", 0) | {"options": [option("x", "v" * n)]}),
        150,
        "/value",
    ),
    (
        "option description",
        lambda n: actions(chooser("radio_buttons", 0) | {"options": [option(description=words("x" * n))]}),
        75,
        "/description/text",
    ),
    ("select options", lambda n: actions(chooser("static_select", n)), 100, "/options"),
    ("radio options", lambda n: actions(chooser("radio_buttons", n)), 10, "/options"),
    ("checkbox options", lambda n: actions(chooser("checkboxes", n)), 10, "/options"),
    ("overflow options", lambda n: actions(chooser("overflow", n)), 5, "/options"),
    (
        "placeholder",
        lambda n: actions(chooser("static_select", 1, placeholder=words("x" * n))),
        150,
        "/placeholder/text",
    ),
    ("confirm title", lambda n: actions(button(confirm=confirm(title=n))), 100, "/confirm/title/text"),
    ("confirm text", lambda n: actions(button(confirm=confirm(text=n))), 300, "/confirm/text/text"),
    ("confirm button", lambda n: actions(button(confirm=confirm(button_text=n))), 30, "/confirm/confirm/text"),
    ("input label", lambda n: field(typing()) | {"label": words("x" * n)}, 2000, "/label/text"),
    ("input hint", lambda n: field(typing(), hint=words("x" * n)), 2000, "/hint/text"),
    ("input length", lambda n: field(typing(max_length=n)), 3000, "/max_length"),
    (
        "image alt text",
        lambda n: {"type": "image", "image_url": "https://x.test", "alt_text": "x" * n},
        2000,
        "/alt_text",
    ),
    ("markdown", lambda n: {"type": "markdown", "text": "x" * n}, 12_000, "/text"),
    ("table rows", lambda n: {"type": "table", "rows": [[words("x")]] * n}, 100, "/rows"),
    ("table columns", lambda n: {"type": "table", "rows": [[words("x")] * n]}, 20, "/rows/0"),
]


@pytest.mark.parametrize(("make", "limit", "place"), [edge[1:] for edge in EDGES], ids=[edge[0] for edge in EDGES])
def test_the_limit_is_taken_and_one_more_is_refused(make: Callable[[int], Json], limit: int, place: str) -> None:
    assert message_problems([make(limit)], "x") == []
    problems = message_problems([make(limit + 1)], "x")
    assert len(problems) == 1
    assert place in problems[0]


BROKEN: list[tuple[str, Json]] = [
    ("unknown block", {"type": "data_visualization"}),
    ("no type", {"text": words("x")}),
    ("unknown key", section(colour="red")),
    ("unknown key in a text", {"type": "header", "text": words("x") | {"size": 3}}),
    ("unknown element", actions({"type": "slider", "action_id": "x"})),
    ("element in the wrong place", actions(typing())),
    ("empty text", section("")),
    ("markdown in a header", {"type": "header", "text": {"type": "mrkdwn", "text": "*x*"}}),
    ("markdown in a button", actions(button() | {"text": {"type": "mrkdwn", "text": "x"}})),
    ("emoji key on mrkdwn", {"type": "section", "text": {"type": "mrkdwn", "text": "x", "emoji": True}}),
    ("a section of nothing", {"type": "section"}),
    ("an unknown style", actions(button(style="default"))),
    ("no elements", actions()),
    ("no options", actions(chooser("static_select", 0))),
    ("an overflow menu of one", actions(chooser("overflow", 1))),
    ("options and groups", actions(chooser("static_select", 1, option_groups=[]))),
    ("a foreign initial option", actions(chooser("static_select", 2, initial_option=option("Yes", "9")))),
    ("two options of one value", actions(chooser("overflow", 0) | {"options": [option(), option("No")]})),
    ("image without alt text", {"type": "image", "image_url": "https://x.test"}),
    ("image without a source", {"type": "image", "alt_text": "x"}),
    ("image with two sources", {"type": "image", "alt_text": "x", "image_url": "u", "slack_file": {"id": "F1"}}),
    ("initial value above max_length", field(typing(max_length=2, initial_value="abc"))),
    ("lengths crossed", field(typing(max_length=2, min_length=3))),
    ("one action id twice in a block", actions(button(), button())),
    ("a number where text belongs", section() | {"text": {"type": "mrkdwn", "text": 5}}),
    ("null", section(block_id=None)),
    ("a table of unequal rows", {"type": "table", "rows": [[words("a")], [words("a"), words("b")]]}),
]


@pytest.mark.parametrize("block", [broken[1] for broken in BROKEN], ids=[broken[0] for broken in BROKEN])
def test_a_broken_block_is_named(block: Json) -> None:
    problems = message_problems([block], "x")
    assert len(problems) >= 1
    assert problems[0].startswith("/blocks")


def test_messages_have_fifty_blocks_and_forty_thousand_characters() -> None:
    assert message_problems([section()] * 50, "x" * 40_000) == []
    assert len(message_problems([section()] * 51, "x" * 40_001)) == 2


def test_block_ids_are_used_once_but_action_ids_once_per_block() -> None:
    assert message_problems([actions(button()), actions(button())]) == []
    assert message_problems([section(block_id="a"), section(block_id="a")]) != []


def test_our_own_examples_pass() -> None:
    assert message_problems(card(), "A ticket") == []
    assert view_problems(ticket_view()) == []


@pytest.mark.parametrize(
    "change",
    [
        {"title": words("x" * 25)},
        {"submit": words("x" * 25)},
        {"close": words("x" * 25)},
        {"title": {"type": "mrkdwn", "text": "x"}},
        {"private_metadata": "x" * 3001},
        {"callback_id": "x" * 256},
        {"blocks": [section()] * 101},
        {"blocks": [{"type": "markdown", "text": "x"}]},
        {"blocks": [section(block_id="a"), section(block_id="a")]},
        {"type": "dialog"},
        {"colour": "red"},
    ],
)
def test_a_view_beyond_its_limits_is_refused(change: Json) -> None:
    assert view_problems(ticket_view() | change) != []


def test_a_view_at_its_limits_passes_and_inputs_need_a_submit_button() -> None:
    full = ticket_view("x" * 24, private_metadata="x" * 3000, blocks=[section()] * 100)
    assert view_problems(full) == []
    without = ticket_view()
    del without["submit"]
    assert view_problems(without) == ["/view/submit: is missing, and the view has inputs"]
    assert view_problems({"type": "home", "blocks": [section()]}) == []


def test_what_the_local_workspace_cannot_fill_is_listed() -> None:
    assert unfillable_in_local_workspace(ticket_view()) == []
    foreign = [
        field({"type": "timepicker", "action_id": "t"}),
        field({"type": "users_select", "action_id": "u"}),
        actions(chooser("radio_buttons", 2)),
        {"type": "markdown", "text": "x"},
    ]
    listed = unfillable_in_local_workspace({"blocks": foreign})
    assert listed == ["timepicker", "users_select", "radio_buttons", "markdown"]


def test_primary_buttons_are_counted() -> None:
    assert primary_count({"blocks": card()}) == 1
    again = section(block_id="again", accessory=button(style="primary"))
    assert primary_count({"blocks": [*card(), again]}) == 2
