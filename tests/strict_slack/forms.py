"""What a person has typed into a view, in the shapes Slack sends."""

from collections.abc import Iterable
from typing import Any

from tests.strict_slack.limits import elements_of
from tests.strict_slack.limits_elements import options_of
from tests.strict_slack.refusal import CannotDo
from tests.strict_slack.shapes import Json

Place = tuple[str, str]
# Where each element keeps its answer in `state.values`, and where the app puts the first answer.
ANSWER_KEYS: dict[str, tuple[str, str]] = {
    "plain_text_input": ("value", "initial_value"),
    "number_input": ("value", "initial_value"),
    "email_text_input": ("value", "initial_value"),
    "url_text_input": ("value", "initial_value"),
    "rich_text_input": ("rich_text_value", "initial_value"),
    "static_select": ("selected_option", "initial_option"),
    "external_select": ("selected_option", "initial_option"),
    "radio_buttons": ("selected_option", "initial_option"),
    "checkboxes": ("selected_options", "initial_options"),
    "multi_static_select": ("selected_options", "initial_options"),
    "multi_external_select": ("selected_options", "initial_options"),
    "users_select": ("selected_user", "initial_user"),
    "multi_users_select": ("selected_users", "initial_users"),
    "channels_select": ("selected_channel", "initial_channel"),
    "multi_channels_select": ("selected_channels", "initial_channels"),
    "conversations_select": ("selected_conversation", "initial_conversation"),
    "multi_conversations_select": ("selected_conversations", "initial_conversations"),
    "datepicker": ("selected_date", "initial_date"),
    "timepicker": ("selected_time", "initial_time"),
    "datetimepicker": ("selected_date_time", "initial_date_time"),
    "file_input": ("files", "initial_files"),
}


def stateful_elements(blocks: Iterable[Json]) -> dict[Place, tuple[Json, Json]]:
    """Every element that keeps an answer, as (block, element) by (block_id, action_id)."""
    return {
        (block["block_id"], element["action_id"]): (block, element)
        for block in blocks
        for element in elements_of(block)
        if element["type"] in ANSWER_KEYS
    }


def first_answer(element: Json) -> Any:
    """The answer an untouched element submits: its initial value, else Slack's empty form of it."""
    key, initial = ANSWER_KEYS[element["type"]]
    return element.get(initial, [] if key.endswith("s") else None)


def answer(element: Json, given: Any) -> Any:
    """What a person gives (a text, an option's value, a list of those), in the element's own shape.

    Raises:
        CannotDo: no such option, or a text outside the element's lengths.
    """
    kind = element["type"]
    if given is None:
        return [] if ANSWER_KEYS[kind][0].endswith("s") else None
    if kind in {"static_select", "radio_buttons"}:
        return _option(element, given)
    if kind in {"checkboxes", "multi_static_select"}:
        return [_option(element, each) for each in ([given] if isinstance(given, str) else given)]
    if kind == "plain_text_input":
        return _typed(element, given)
    if kind in {"external_select", "multi_external_select"} and not isinstance(given, (dict, list)):
        raise CannotDo(f"An answer to {kind} is the option object the app offered.")
    return given


def _option(element: Json, given: Any) -> Json:
    options = options_of(element)
    for option in options:
        if given in (option["value"], option):
            return option
    values = ", ".join(repr(option["value"]) for option in options)
    raise CannotDo(f"{element['action_id']} has no option {given!r}; it has {values}.")


def _typed(element: Json, given: Any) -> str | None:
    written = str(given)
    if "\n" in written and not element.get("multiline"):
        raise CannotDo(f"{element['action_id']} is a single line.")
    longest = element.get("max_length", 3000)
    if len(written) > longest:
        raise CannotDo(f"{element['action_id']} takes {longest} characters, not {len(written)}.")
    if written and len(written) < element.get("min_length", 0):
        raise CannotDo(f"{element['action_id']} needs {element['min_length']} characters, has {len(written)}.")
    return written or None


def missing_answers(blocks: Iterable[Json], answers: dict[Place, Any]) -> list[str]:
    """Block ids of required inputs that are still empty; Slack's client sends nothing then."""
    return [
        place[0]
        for place, (block, _) in stateful_elements(blocks).items()
        if block["type"] == "input" and not block.get("optional") and answers.get(place) in (None, "", [])
    ]


def state_values(blocks: Iterable[Json], answers: dict[Place, Any]) -> Json:
    """The `state.values` object: block_id, then action_id, then type and answer."""
    values: Json = {}
    for (block_id, action_id), (_, element) in stateful_elements(blocks).items():
        entry = {"type": element["type"], ANSWER_KEYS[element["type"]][0]: answers.get((block_id, action_id))}
        values.setdefault(block_id, {})[action_id] = entry
    return values
