"""Slack's composition objects and interactive elements as shapes."""

from typing import Any

from tests.strict_slack.limits_table import LIMITS
from tests.strict_slack.shapes import (
    Check,
    Json,
    Problems,
    Shape,
    anything,
    boolean,
    by_type,
    exactly_one,
    many,
    number,
    one_of,
    text,
)


def plain_text(longest: int) -> Check:
    return by_type({"plain_text": Shape({"text": text(longest)}, {"emoji": boolean})}, "plain_text object")


def any_text(longest: int) -> Check:
    shapes = {
        "plain_text": Shape({"text": text(longest)}, {"emoji": boolean}),
        "mrkdwn": Shape({"text": text(longest)}, {"verbatim": boolean}),
    }
    return by_type(shapes, "text object")


def _option(label: Check, *, url: bool = False) -> Shape:
    optional: dict[str, Check] = {"description": any_text(LIMITS["option description"])}
    if url:
        optional["url"] = text(LIMITS["url"])
    return Shape({"text": label, "value": text(LIMITS["option value"])}, optional)


CONFIRM = Shape(
    {
        "title": plain_text(LIMITS["confirm title"]),
        "text": any_text(LIMITS["confirm text"]),
        "confirm": plain_text(LIMITS["confirm button"]),
        "deny": plain_text(LIMITS["confirm button"]),
    },
    {"style": one_of("primary", "danger")},
)
ID = text(LIMITS["id"])
OPTION = _option(plain_text(LIMITS["option text"]))
RICH_OPTION = _option(any_text(LIMITS["option text"]))
OVERFLOW_OPTION = _option(plain_text(LIMITS["option text"]), url=True)
OPTIONS = many(OPTION, LIMITS["select options"])
OPTION_GROUP = Shape({"label": plain_text(LIMITS["option group label"]), "options": OPTIONS})
FEW_OPTIONS = many(RICH_OPTION, LIMITS["radio or checkbox options"])
SLACK_FILE = Shape({}, {"id": ID, "url": text(LIMITS["url"])}, (exactly_one("id", "url"),))
DISPATCH = Shape({}, {"trigger_actions_on": many(one_of("on_enter_pressed", "on_character_entered"), 2)})
FILTER = Shape(
    {},
    {
        "include": many(one_of("im", "mpim", "private", "public"), 4),
        "exclude_external_shared_channels": boolean,
        "exclude_bot_users": boolean,
    },
)
DATE = text(10, 10)
NUMERAL = text(64)
COMMON: dict[str, Check] = {"action_id": ID, "confirm": CONFIRM, "focus_on_load": boolean}
PICKER: dict[str, Check] = {**COMMON, "placeholder": plain_text(LIMITS["placeholder"])}
TYPED: dict[str, Check] = {
    "action_id": ID,
    "focus_on_load": boolean,
    "placeholder": plain_text(LIMITS["placeholder"]),
    "dispatch_action_config": DISPATCH,
}


def options_of(element: Json) -> list[Json]:
    """All options of a select, radio, checkbox or overflow element, groups opened."""
    grouped = [option for group in element.get("option_groups", []) for option in group["options"]]
    return [*element.get("options", []), *grouped]


def initial_options_exist(element: Any, at: str, problems: Problems) -> None:
    chosen = [element["initial_option"]] if "initial_option" in element else element.get("initial_options", [])
    problems += [
        f"{at}: the initial option {option['value']!r} is not exactly one of the options"
        for option in chosen
        if option not in options_of(element)
    ]


def option_values_differ(element: Any, at: str, problems: Problems) -> None:
    values = [option["value"] for option in options_of(element)]
    if len(values) != len(set(values)):
        problems.append(f"{at}: two options have the same value")


def lengths_agree(element: Any, at: str, problems: Problems) -> None:
    longest = element.get("max_length", LIMITS["plain_text_input length"])
    if element.get("min_length", 0) > longest:
        problems.append(f"{at}: min_length is above max_length")
    if len(element.get("initial_value", "")) > longest:
        problems.append(f"{at}/initial_value: is longer than max_length {longest}")


CHOICE_RULES = (initial_options_exist, option_values_differ)
SOURCE = {"options": OPTIONS, "option_groups": many(OPTION_GROUP, LIMITS["option groups"])}
SELECT_RULES = (exactly_one("options", "option_groups"), *CHOICE_RULES)

BUTTON = Shape(
    {"text": plain_text(LIMITS["button text"])},
    {
        "action_id": ID,
        "url": text(LIMITS["url"]),
        "value": text(LIMITS["button value"], 0),
        "style": one_of("primary", "danger"),
        "confirm": CONFIRM,
        "accessibility_label": text(LIMITS["accessibility_label"]),
    },
)
IMAGE = Shape(
    {"alt_text": text(LIMITS["image alt_text"], 0)},
    {"image_url": text(LIMITS["url"]), "slack_file": SLACK_FILE},
    (exactly_one("image_url", "slack_file"),),
)
MANY: dict[str, Check] = {"max_selected_items": number(1, 100)}
IDS = many(ID, 100, 0)

CHOOSERS: dict[str, Check] = {
    "static_select": Shape({}, {**PICKER, **SOURCE, "initial_option": OPTION}, SELECT_RULES),
    "multi_static_select": Shape({}, {**PICKER, **MANY, **SOURCE, "initial_options": many(OPTION, 100)}, SELECT_RULES),
    "external_select": Shape({}, {**PICKER, "min_query_length": number(0, 1000), "initial_option": OPTION}),
    "multi_external_select": Shape(
        {}, {**PICKER, **MANY, "min_query_length": number(0, 1000), "initial_options": many(OPTION, 100)}
    ),
    "users_select": Shape({}, {**PICKER, "initial_user": ID}),
    "multi_users_select": Shape({}, {**PICKER, **MANY, "initial_users": IDS}),
    "channels_select": Shape({}, {**PICKER, "initial_channel": ID, "response_url_enabled": boolean}),
    "multi_channels_select": Shape({}, {**PICKER, **MANY, "initial_channels": IDS}),
    "conversations_select": Shape(
        {},
        {
            **PICKER,
            "initial_conversation": ID,
            "default_to_current_conversation": boolean,
            "filter": FILTER,
            "response_url_enabled": boolean,
        },
    ),
    "multi_conversations_select": Shape(
        {},
        {
            **PICKER,
            **MANY,
            "initial_conversations": IDS,
            "default_to_current_conversation": boolean,
            "filter": FILTER,
        },
    ),
    "radio_buttons": Shape({"options": FEW_OPTIONS}, {**COMMON, "initial_option": RICH_OPTION}, CHOICE_RULES),
    "checkboxes": Shape({"options": FEW_OPTIONS}, {**COMMON, "initial_options": many(RICH_OPTION, 10)}, CHOICE_RULES),
    "datepicker": Shape({}, {**PICKER, "initial_date": DATE}),
    "timepicker": Shape({}, {**PICKER, "initial_time": text(5, 5), "timezone": text(64)}),
    "datetimepicker": Shape({}, {**COMMON, "initial_date_time": number(1_000_000_000, 9_999_999_999)}),
}
TYPING: dict[str, Check] = {
    "plain_text_input": Shape(
        {},
        {
            **TYPED,
            "initial_value": text(LIMITS["plain_text_input length"], 0),
            "multiline": boolean,
            "min_length": number(0, LIMITS["plain_text_input length"]),
            "max_length": number(1, LIMITS["plain_text_input length"]),
        },
        (lengths_agree,),
    ),
    "number_input": Shape(
        {"is_decimal_allowed": boolean},
        {**TYPED, "initial_value": NUMERAL, "min_value": NUMERAL, "max_value": NUMERAL},
    ),
    "email_text_input": Shape({}, {**TYPED, "initial_value": text(LIMITS["plain_text_input length"])}),
    "url_text_input": Shape({}, {**TYPED, "initial_value": text(LIMITS["plain_text_input length"])}),
    "rich_text_input": Shape({}, {**TYPED, "initial_value": anything}),
    "file_input": Shape({}, {"action_id": ID, "filetypes": many(text(20), 50), "max_files": number(1, 10)}),
}
BUTTONS: dict[str, Check] = {
    "button": BUTTON,
    "overflow": Shape(
        {"options": many(OVERFLOW_OPTION, LIMITS["overflow options"], LIMITS["fewest overflow options"])},
        {"action_id": ID, "confirm": CONFIRM},
        (option_values_differ,),
    ),
    "workflow_button": Shape({"text": plain_text(75), "workflow": anything}, {"action_id": ID, "style": anything}),
}
IN_ACTIONS = by_type({**BUTTONS, **CHOOSERS, "rich_text_input": TYPING["rich_text_input"]}, "element")
IN_SECTION = by_type({**BUTTONS, **CHOOSERS, "image": IMAGE}, "accessory")
IN_INPUT = by_type({**TYPING, **CHOOSERS}, "input element")
IN_CONTEXT = by_type(
    {
        "image": IMAGE,
        "plain_text": Shape({"text": text(LIMITS["plain text"])}, {"emoji": boolean}),
        "mrkdwn": Shape({"text": text(LIMITS["plain text"])}, {"verbatim": boolean}),
    },
    "context element",
)
FEEDBACK = Shape(
    {"text": plain_text(75), "value": text(2000)}, {"accessibility_label": text(LIMITS["accessibility_label"])}
)
IN_CONTEXT_ACTIONS = by_type(
    {
        "feedback_buttons": Shape({"positive_button": FEEDBACK, "negative_button": FEEDBACK}, {"action_id": ID}),
        "icon_button": Shape(
            {"icon": one_of("trash"), "text": plain_text(75)},
            {
                "action_id": ID,
                "value": text(2000),
                "confirm": CONFIRM,
                "accessibility_label": text(75),
                "visible_to_user_ids": IDS,
            },
        ),
    },
    "context action",
)
