"""What somebody typed after ``/incident``, taken apart. Pure."""

import re
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum

_KEY = re.compile(r"inc-?0*([1-9]\d{0,8})", re.IGNORECASE)
_REFERENCE = re.compile(r"<([@#!]?)([^<>|]+)(?:\|([^<>]*))?>")
_SIGNS = {"@": "@", "#": "#", "!": "@"}
_ROOM = re.compile(r"inc-([1-9]\d{0,8})(?:-.*)?")


class Word(StrEnum):
    """The verbs of the command, in the order of an incident."""

    DECLARE = "declare"
    CLASSIFY = "classify"
    LINK = "link"
    EVIDENCE = "evidence"
    MITIGATE = "mitigate"
    UPDATE = "update"
    ROLE = "role"
    SEVERITY = "severity"
    NOTE = "note"
    TIMELINE = "timeline"
    RESOLVE = "resolve"
    POSTMORTEM = "postmortem"
    LIST = "list"
    HELP = "help"


@dataclass(frozen=True, slots=True)
class Phrase:
    """The parts of a command. ``word`` is None for an empty one; ``unknown`` holds a word that is no verb."""

    word: Word | None
    key: str = ""
    rest: str = ""
    unknown: str = ""


def read_phrase(text: str) -> Phrase:
    """The verb, the incident's key if one was typed before or after the verb, and the rest as it was typed."""
    key, text = _key(text.strip())
    if not text:
        return Phrase(None, key)
    first, _, rest = text.partition(" ")
    try:
        word = Word(first.lower())
    except ValueError:
        return Phrase(None, key, text, unknown=first)
    after, rest = ("", rest.strip()) if key else _key(rest.strip())
    return Phrase(word, key or after, rest)


def _key(text: str) -> tuple[str, str]:
    first, _, rest = text.partition(" ")
    match = _KEY.fullmatch(first)
    return (f"INC-{match[1]}", rest.strip()) if match else ("", text)


def unescaped(text: str) -> str:
    """Words as they were typed: Slack hands them over with three characters escaped and references in brackets."""
    words = _REFERENCE.sub(lambda found: f"{_SIGNS.get(found[1], '')}{found[3] or found[2]}", text)
    return words.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def key_in_channel_name(name: str) -> str:
    """The key that a channel's name carries, or an empty string; a guess, good enough for a headline."""
    match = _ROOM.fullmatch(name)
    return f"INC-{match[1]}" if match else ""


def nearest(unknown: str) -> str | None:
    """The verb that looks most like a word that is none."""
    close = get_close_matches(unknown.lower(), [word.value for word in Word], n=1, cutoff=0.5)
    return close[0] if close else None
