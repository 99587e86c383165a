"""OpenAI's Agents SDK as Logfire tells it, under the conventions' names.

``logfire.instrument_openai_agents()`` marks a step by the template of its message alone, and calls agents and tools
``name`` (seen with Logfire 5.4).
"""

import re
from dataclasses import replace

from bot.sources import attributes as names
from bot.sources.raw_spans import RawSpan
from bot.sources.said import parsed
from bot.sources.values import Values, text, word

SCOPE = "logfire.openai_agents"
_TEMPLATE = "logfire.msg_template"
_NOTHING = "null"  # how it tells what is not there
_MODEL = {"raw_input": names.MODEL_INPUT[0], "response": names.WHOLE_ANSWER}
_STEPS = {  # how a template begins: the operation, and its attributes by their names in the conventions
    "OpenAI Agents trace:": ("", {"group_id": names.SESSION[0]}),
    "Agent run:": ("invoke_agent", {"name": names.AGENT[0]}),
    "Function:": ("execute_tool", {"name": names.TOOL[0]}),
    "Guardrail ": ("guardrail", {"name": names.GUARDRAIL[0], "triggered": names.TRIGGERED[0]}),
    "Chat completion": ("chat", _MODEL),
    "Responses API": ("chat", _MODEL),
}
_FIELD = re.compile(r"\{([\w.]+)(?:!r)?\}")


def conventional(raw: RawSpan) -> RawSpan:
    """The span with the conventions' names for what Logfire calls otherwise, its template filled in; any other as it came."""
    if raw.scope != SCOPE:
        return raw
    template = str(raw.attributes.get(_TEMPLATE) or "")
    operation, renamed = next((told for begins, told in _STEPS.items() if template.startswith(begins)), ("", {}))
    values = {renamed.get(name, name): value for name, value in raw.attributes.items() if value != _NOTHING}
    if operation:
        values[names.OPERATION[0]] = operation
    name = _FIELD.sub(lambda field: word(raw.attributes, (field[1],)) or field[0], raw.name)
    return replace(raw, name=name, attributes=values, status_message=raw.status_message or _why(values))


def _why(values: Values) -> str:
    """What was said about a failure: ``{"message": …, "data": {"error": …}}``."""
    told = parsed(text(values, ("error",)) or "")
    if not isinstance(told, dict):
        return ""
    data = told.get("data")
    inner = data.get("error") if isinstance(data, dict) else None
    return str(inner or told.get("message") or "")
