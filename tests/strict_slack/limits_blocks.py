"""Slack's layout blocks as shapes."""

from typing import Any

from tests.strict_slack.limits_elements import (
    BUTTON,
    ID,
    IMAGE,
    IN_ACTIONS,
    IN_CONTEXT,
    IN_CONTEXT_ACTIONS,
    IN_INPUT,
    IN_SECTION,
    SLACK_FILE,
    any_text,
    plain_text,
)
from tests.strict_slack.limits_table import LIMITS
from tests.strict_slack.shapes import (
    Check,
    Problems,
    Shape,
    anything,
    at_least_one,
    boolean,
    by_type,
    exactly_one,
    many,
    one_of,
    text,
)

BLOCK: dict[str, Check] = {"block_id": ID}


def _rows_are_rectangular(block: Any, at: str, problems: Problems) -> None:
    widths = {len(row) for row in block["rows"]}
    if len(widths) > 1:
        problems.append(f"{at}/rows: rows differ in length")


CARD = Shape(
    {},
    {
        **BLOCK,
        "title": any_text(LIMITS["card title"]),
        "subtitle": any_text(LIMITS["card subtitle"]),
        "body": any_text(LIMITS["card body"]),
        "hero_image": IMAGE,
        "icon": IMAGE,
        "actions": many(by_type({"button": BUTTON}, "card action"), LIMITS["card actions"]),
    },
)
BOTH: dict[str, Check] = {
    "section": Shape(
        {},
        {
            **BLOCK,
            "text": any_text(LIMITS["section text"]),
            "fields": many(any_text(LIMITS["field text"]), LIMITS["section fields"]),
            "accessory": IN_SECTION,
            "expand": boolean,
        },
        (at_least_one("text", "fields"),),
    ),
    "header": Shape({"text": plain_text(LIMITS["header text"])}, BLOCK),
    "divider": Shape({}, BLOCK),
    "context": Shape({"elements": many(IN_CONTEXT, LIMITS["context elements"])}, BLOCK),
    "actions": Shape({"elements": many(IN_ACTIONS, LIMITS["actions elements"])}, BLOCK),
    "image": Shape(
        {"alt_text": text(LIMITS["image alt_text"])},
        {
            **BLOCK,
            "title": plain_text(LIMITS["image title"]),
            "image_url": text(LIMITS["url"]),
            "slack_file": SLACK_FILE,
        },
        (exactly_one("image_url", "slack_file"),),
    ),
    "input": Shape(
        {"label": plain_text(LIMITS["input label"]), "element": IN_INPUT},
        {**BLOCK, "hint": plain_text(LIMITS["input hint"]), "optional": boolean, "dispatch_action": boolean},
    ),
    "rich_text": Shape({"elements": many(anything, 1000)}, BLOCK),
    "alert": Shape(
        {"text": any_text(LIMITS["section text"])},
        {**BLOCK, "level": one_of("default", "info", "warning", "error", "success")},
    ),
    "video": Shape(
        {
            "alt_text": text(LIMITS["image alt_text"]),
            "title": plain_text(LIMITS["video title"]),
            "thumbnail_url": text(LIMITS["url"]),
            "video_url": text(LIMITS["url"]),
        },
        {
            **BLOCK,
            "author_name": text(LIMITS["video author"]),
            "description": plain_text(LIMITS["video description"]),
            "provider_icon_url": text(LIMITS["url"]),
            "provider_name": text(LIMITS["video author"]),
            "title_url": text(LIMITS["url"]),
        },
    ),
}
MESSAGES_ONLY: dict[str, Check] = {
    "markdown": Shape({"text": text(LIMITS["markdown text"])}, BLOCK),
    "file": Shape({"external_id": ID, "source": one_of("remote")}, BLOCK),
    "table": Shape(
        {"rows": many(many(anything, LIMITS["table columns"]), LIMITS["table rows"])},
        {**BLOCK, "column_settings": many(anything, LIMITS["table columns"])},
        (_rows_are_rectangular,),
    ),
    "context_actions": Shape({"elements": many(IN_CONTEXT_ACTIONS, LIMITS["context_actions elements"])}, BLOCK),
    "card": CARD,
    "carousel": Shape({"elements": many(by_type({"card": CARD}, "card"), LIMITS["carousel cards"])}, BLOCK),
    "container": Shape(
        {"child_blocks": many(by_type(BOTH, "child block"), LIMITS["container blocks"])},
        {
            **BLOCK,
            "title": plain_text(LIMITS["container title"]),
            "subtitle": plain_text(LIMITS["container title"]),
            "rich_text_title": anything,
            "icon": anything,
            "width": anything,
            "is_collapsible": boolean,
            "default_collapsed": boolean,
            "has_header_divider": boolean,
        },
    ),
    "data_table": Shape(
        {"rows": many(anything, LIMITS["table rows"]), "caption": text(1000)}, {**BLOCK, "page_size": anything}
    ),
    "plan": Shape({"title": anything}, {**BLOCK, "tasks": many(anything, 50)}),
    "task_card": Shape(
        {"task_id": ID, "title": text(3000)},
        {**BLOCK, "details": anything, "output": anything, "sources": many(anything, 50, 0), "status": anything},
    ),
}
IN_MESSAGES = by_type({**BOTH, **MESSAGES_ONLY}, "block")
IN_VIEWS = by_type(BOTH, "block")
