"""Words for Slack: escaping, quoting what strangers wrote, shortening, times and figures."""

import re
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Literal

from bot.incident.model import Person

ELLIPSIS = "…"
ASTERISK = "\u2217"  # looks like one and makes nothing bold
JOINER = "\u2060"  # invisible, no width: enough to keep Slack from reading "@here" or "://" as its own
READABLE_FORMAT = {"\u200c", "\u200d", "\u200e", "\u200f"}  # joiners of emoji and scripts, and direction marks
MARKS_LIMIT = 4  # accents stacked on one letter; more only serve to smear the screen
ISOLATE, END_ISOLATE = "\u2068", "\u2069"
REGIONAL_LETTERS = range(0x1F1E6, 0x1F200)  # two of them make a flag
SKIN_TONES = range(0x1F3FB, 0x1F400)
HANGUL_ENDINGS = range(0x1160, 0x1200)  # later parts of a syllable
KEPT_WORDS = 64  # texts; a title or an agent's name stands in many places of one dialog

_TOKEN = re.compile(r"&(?:amp|lt|gt);|<(?:[@#!]|https?:|mailto:)[^<>\n]{0,1000}>")
_DATE = re.compile(r"<!date\^\d+\^[^|<>]*\|([^<>]*)>")
_SLACK_USER = re.compile(r"[UW][A-Z0-9_]{1,30}")


def escape(text: str) -> str:
    """Text in which Slack sees no control sequence of its own."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def quote_untrusted(text: str, limit: int, *, lines: bool = False, code: bool = False) -> str:
    """Somebody's words, at most ``limit`` characters, harmless and still readable.

    Mentions, links and code marks lose their power; control and direction-changing characters
    go; emoji and right-to-left text stay, the latter kept from reordering what stands around it.
    With ``lines``, line breaks are kept; with ``code``, code marks are, for our own sentences that quote strangers.
    """
    words, right_to_left = _harmless(text, lines=lines, code=code)
    if right_to_left and limit > len(ISOLATE + END_ISOLATE):
        return f"{ISOLATE}{_fit(words, limit - 2)}{END_ISOLATE}"
    return _fit(words, limit)


def bold_untrusted(text: str, limit: int) -> str:
    """As :func:`quote_untrusted`, in bold: asterisks inside become look-alikes."""
    words = quote_untrusted(text, limit - 2).replace("*", ASTERISK)
    return f"*{words}*"


def plain_untrusted(text: str, limit: int) -> str:
    """Somebody's words for a plain-text field, where nothing is interpreted: cleaned and shortened only."""
    return shorten(_clean(text, lines=False), limit)


def shorten(text: str, limit: int) -> str:
    """At most ``limit`` characters, with an ellipsis when something was cut.

    Never cuts inside a character as people see it, an escaped ``&lt;`` or a Slack token.
    """
    if len(text) <= limit:
        return text
    kept, length = [], 0
    for unit in _units(text):
        if length + len(unit) > limit - 1:
            break
        kept.append(unit)
        length += len(unit)
    return "".join(kept).rstrip() + ELLIPSIS


def sentence(words: str) -> str:
    """Words as a sentence: first letter raised, one full stop at the end."""
    ended = words.rstrip(".")
    return f"{ended[:1].upper()}{ended[1:]}{'' if ended.endswith(ELLIPSIS) else '.'}" if ended else ""


def date_token(moment: datetime, style: Literal["time", "moment"] = "time") -> str:
    """A time that everyone reads in their own zone: ``14:31``, or with its day for "moment"."""
    shown = {"time": "{time}", "moment": "{date_short_pretty} {time}"}[style]
    utc = moment.astimezone(UTC)
    fallback = f"{utc:%H:%M} UTC" if style == "time" else f"{utc:%d %b %H:%M} UTC"
    return f"<!date^{int(moment.timestamp())}^{shown}|{fallback}>"


def for_plain_workspace(value: Any) -> Any:
    """The same blocks for a workspace that knows neither date tokens nor escapes, as the local one.

    Dates become their UTC fallback; escaped characters become readable ones that still form no token.
    """
    if isinstance(value, str):
        words = _DATE.sub(r"\1", value)
        return words.replace("&lt;", f"<{JOINER}").replace("&gt;", ">").replace("&amp;", "&")
    if isinstance(value, dict):
        return {key: for_plain_workspace(item) if key != "value" else item for key, item in value.items()}
    if isinstance(value, list):
        return [for_plain_workspace(item) for item in value]
    return value


def without_buttons(value: Any) -> Any:
    """A dialog, or the answer that holds one, without rows of buttons: the local workspace does not send their clicks."""
    if isinstance(value, dict) and isinstance(value.get("view"), dict):
        return {**value, "view": without_buttons(value["view"])}
    if isinstance(value, dict) and value.get("type") == "modal":
        return {**value, "blocks": [block for block in value["blocks"] if block.get("type") != "actions"]}
    return value


def who(person: Person) -> str:
    """A person as a mention when Slack knows them, else by name."""
    if _SLACK_USER.fullmatch(person.id):
        return f"<@{person.id}>"
    return quote_untrusted(person.name, 80)


def link(url: str, text: str) -> str:
    """A link of our own making."""
    safe = url.replace("&", "&amp;").replace("<", "%3C").replace(">", "%3E").replace("|", "%7C")
    return f"<{safe}|{text}>"


@lru_cache(KEPT_WORDS)
def _harmless(text: str, *, lines: bool, code: bool) -> tuple[str, bool]:
    """The words without power, and whether some of them run from right to left."""
    words = _clean(text, lines=lines).replace("@", f"@{JOINER}").replace("://", f":{JOINER}//")
    words = words if code else words.replace("`", "\u02cb")
    words = re.sub(r"(?i)\b(www|mailto)([.:])", rf"\1{JOINER}\2", words)
    return words, any(unicodedata.bidirectional(char) in {"R", "AL", "AN"} for char in words)


@lru_cache(KEPT_WORDS)
def _clean(text: str, *, lines: bool) -> str:
    kept: list[str] = []
    marks = 0
    for char in text:
        category = unicodedata.category(char)
        marks = marks + 1 if category in {"Mn", "Me"} else 0
        if category == "Cs":
            kept.append("\ufffd")
        elif char == "\n" and lines:
            kept.append(char)
        elif category in {"Cc", "Zl", "Zp"}:
            kept.append(" ")
        elif (category != "Cf" or char in READABLE_FORMAT) and marks <= MARKS_LIMIT:
            kept.append(char)
    rows = "".join(kept).split("\n")
    return "\n".join(" ".join(row.split()) for row in rows).strip()


def _fit(words: str, limit: int) -> str:
    """Escape and shorten together: escaping makes text longer, and an entity must not be cut."""
    return shorten(escape(words), limit)


def _units(text: str) -> Iterator[str]:
    """What must not be cut: Slack tokens, entities, and characters with everything that belongs to them."""
    at = 0
    while at < len(text):
        token = _TOKEN.match(text, at)
        end = token.end() if token else _cluster_end(text, at)
        yield text[at:end]
        at = end


def _cluster_end(text: str, at: int) -> int:
    end = at + 1
    if _is_regional(text[at]) and end < len(text) and _is_regional(text[end]):
        end += 1
    while end < len(text) and (_extends(text[end]) or text[end - 1] == "\u200d"):
        end += 1
    return end


def _is_regional(char: str) -> bool:
    return ord(char) in REGIONAL_LETTERS


def _extends(char: str) -> bool:
    code = ord(char)
    return (
        unicodedata.category(char) in {"Mn", "Me", "Mc"}
        or char == "\u200d"
        or code in SKIN_TONES
        or code in HANGUL_ENDINGS
    )
