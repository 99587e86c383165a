"""Actions that a model writes as text: where nobody records calls, its answer ends in one."""

import re

from bot.incident.telemetry import CALL_MARK

# What a text may hold is looked for piece by piece: one pattern for all of it takes minutes for a few thousand spaces
_ACTION = re.compile(r"(?:^|\n)\W{0,3}(?:next )?action\W{0,2}:", re.IGNORECASE)
_ACTION_ENDS = re.compile(r"\n\W{0,3}(?:observation|thought|next action)\W{0,2}:", re.IGNORECASE)
_CALL_LINE = re.compile(r"^\W{0,3}(\w+\s?(?:\(.*\)|\[.*\]))\W{0,3}$")
_LANGUAGE = re.compile(r"\A\w+\n")
_FENCE = re.compile(r"```(?:\w+(?=\n))?")
_TO_RUN = re.compile(
    r"<(?:execute|function|tool|action|invoke|bash|command|code|search)|<[a-z]+_[a-z_]+>"
    r'|"(?:next_)?(?:action|tool|command|function)s?(?:_name)?"\s*:'
)
_SHELLS = frozenset({"", "sh", "bash", "zsh"})
_JSON_NAME = re.compile(r'"(?:action|tool|name|tool_name|function)"\s*:\s*"(\w+)"')
_NAME = re.compile(r"\w+")


def action_in(text: str) -> str | None:
    """The one action a text ends in: a tool call, ``Action: …``, a fenced call or a line that is a call."""
    if CALL_MARK in text:
        return text[text.index(CALL_MARK) + len(CALL_MARK) :]
    marked = _marked(text)
    if marked is not None:
        return " ".join(_FENCE.sub(" ", marked).split()).strip("`* ") or None
    fenced = text.split("```")[1::2] if "```" in text else []
    if fenced and text.count("```") % 2:
        fenced.pop()  # begun, and not ended
    if fenced and text.rstrip().endswith("```"):
        language, _, command = fenced[-1].partition("\n")
        if language in _SHELLS and command.strip() and "\n" not in command.strip():
            return command.strip()
    last = _LANGUAGE.sub("", fenced[-1]).strip() if fenced else text.rstrip().rsplit("\n", 1)[-1]
    call = _CALL_LINE.match(last)
    return call[1] if call else None


def _marked(text: str) -> str | None:
    """What stands in a tag of that name, or after the word."""
    _, tag, tagged = text.partition("<action>")
    tagged, closed, _ = tagged.partition("</action>")
    if tag and closed:
        return tagged
    begins = _ACTION.search(text)
    if begins is None:
        return None
    ends = _ACTION_ENDS.search(text, begins.end())
    return text[begins.end() : ends.start() if ends else len(text)]


def acts(text: str) -> bool:
    """The text has an action in it, or code to run: what comes back then is an outcome, whoever says it."""
    return "```" in text or bool(_TO_RUN.search(text)) or action_in(text) is not None


def parts_of(action: str) -> tuple[str, str]:
    """The tool and its arguments, as far as the text keeps them apart."""
    called, label, given = action.partition(" Action Input:")
    if label and called.strip():
        return called.strip(), given.strip()
    name = _JSON_NAME.search(action) or _NAME.match(action)
    return name[name.lastindex or 0] if name else action[:40], action
