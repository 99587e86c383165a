"""The tool call that a span tells of."""

from bot.incident.telemetry import SideEffect, ToolCall
from bot.sources import attributes as names
from bot.sources.raw_spans import RawSpan
from bot.sources.redaction import Redaction
from bot.sources.values import PREVIEW, Values, fingerprint, is_empty, text, truth, word
from bot.sources.wrappings import arguments_in

_SILENT = frozenset(names.RESULT)


def tool_of(raw: RawSpan, values: Values, result: str | None, redaction: Redaction) -> ToolCall:
    """The tool call a span carries. Fingerprints are of the whole texts, previews are redacted."""
    arguments = arguments_in(text(values, names.ARGUMENTS))
    if arguments is None and any(values.get(name) == "" for name in names.ARGUMENTS):
        arguments = "{}"  # it was called, with nothing
    if result is None and not _SILENT.isdisjoint(values) and any(values.get(name) == "" for name in names.RESULT):
        result = ""  # it answered, with nothing
    effect = word(values, names.SIDE_EFFECT)
    return ToolCall(
        word(values, names.TOOL) or raw.name.removeprefix("execute_tool ").strip().replace("\0", "") or "unnamed",
        word(values, names.CALL_ID),
        fingerprint(arguments),
        fingerprint(result),
        redaction.cut(arguments, PREVIEW),
        redaction.cut(result, PREVIEW),
        result is not None and is_empty(result),
        SideEffect(effect) if effect in {"read", "write"} else None,
        truth(values, names.PRIVILEGED),
        word(values, names.APPROVAL),
        redaction.address(word(values, names.DESTINATION)),
        word(values, names.MANIFEST),
        word(values, names.TRUST) == "untrusted",
        word(values, names.TOOL_VERSION),
    )
