"""What somebody typed after ``/incident``, taken apart. Pure."""

import re
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum

from bot.slack.text import quote_untrusted

_KEY = re.compile(r"inc-?0*([1-9]\d{0,8})", re.IGNORECASE)
_ROOM = re.compile(r"inc-([1-9]\d{0,8})(?:-.*)?")


class Word(StrEnum):
    """The verbs of the command, in the order of an incident."""

    DECLARE = "declare"
    CLASSIFY = "classify"
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


USAGE: dict[Word, tuple[str, str]] = {
    Word.DECLARE: ("declare what is wrong", "opens the declare dialog"),
    Word.CLASSIFY: ("classify", "asks what telemetry cannot tell, and sets class, cause and severity"),
    Word.EVIDENCE: ("evidence", "shows the figures"),
    Word.MITIGATE: ("mitigate", "shows the turn limit and the kill switch, and what they would touch"),
    Word.UPDATE: ("update we limited turns", "posts an update; without text it drafts one"),
    Word.ROLE: ("role commander @ana", "names the commander, the scribe or communications"),
    Word.SEVERITY: ("severity SEV2 12 customers called", "changes the severity"),
    Word.NOTE: ("note rolled the index back", "puts a note on the timeline; a 📌 on a message does the same"),
    Word.TIMELINE: ("timeline", "shows what happened so far"),
    Word.RESOLVE: ("resolve", "closes the response and drafts the postmortem"),
    Word.POSTMORTEM: ("postmortem", "shows the draft and its gaps"),
    Word.LIST: ("list", "shows the open incidents"),
    Word.HELP: ("help", "shows this"),
}


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


def key_in_channel_name(name: str) -> str:
    """The key that a channel's name carries, or an empty string; a guess, good enough for a headline."""
    match = _ROOM.fullmatch(name)
    return f"INC-{match[1]}" if match else ""


def nearest(unknown: str) -> str:
    """The answer to a word that is no verb."""
    close = get_close_matches(unknown.lower(), [word.value for word in Word], n=1, cutoff=0.5)
    meant = f"Did you mean `/incident {close[0]}`?" if close else "`/incident help` shows what there is."
    return f"`{quote_untrusted(unknown, 40)}` is no command here. {meant}"


def help_text() -> str:
    """All verbs with an example each."""
    lines = [f"`/incident {example}` {does}" for example, does in USAGE.values()]
    outside = "In an incident's channel that incident is meant; elsewhere put its key first: `/incident INC-7 note …`."
    return "\n".join([*lines, outside])
