"""What frameworks put around a tool's arguments and result, taken off: only what is inside repeats in a loop.

LangChain wraps a result in a message with the id of its call, so that no two are alike; smolagents, LlamaIndex, BeeAI and
OpenLLMetry wrap arguments in those of their own caller; Strands and MCP answer in content blocks. Without its wrapping
a recorded call also has the same fingerprint as the call that a model asked for.
"""

import re
from collections.abc import Mapping

import orjson

from bot.sources.values import as_text

MOST_UNWRAPPED = 200_000  # characters; longer texts are kept as they came
DEEPEST = 4

_BEEAI = {"input", "options"}
_BLOCKS = re.compile(r'\[\s*\{\s*"(type"\s*:\s*"text|text)"')
_REPRESENTED = re.compile(r"""content=(['"])(?P<content>.*?)\1 (?:name|id|tool_call_id)=""", re.DOTALL)


def arguments_in(written: str | None) -> str | None:
    """The arguments themselves, where a caller's own stand around them."""
    if (
        not written
        or written[0] != "{"
        or not ("kwargs" in written or "input_str" in written or '"options"' in written)
    ):
        return written
    found = _parsed(written)
    if not isinstance(found, dict):
        return written
    if found.keys() == _BEEAI and isinstance(found["input"], dict):
        return as_text(found["input"])
    if "input_str" in found:  # OpenLLMetry on LangChain
        return as_text(found.get("inputs") or found["input_str"])
    named, placed = found.get("kwargs"), found.get("args")
    if isinstance(named, dict) and named and not placed:
        return as_text(named)
    return written


def result_in(written: str | None) -> tuple[str | None, bool]:
    """The result itself, and whether its wrapping says that the tool failed."""
    if not written:
        return written, False
    if written[0] in "{[":
        if (  # every tool's call passes here, so this is spelled out: a third of the time of any()
            "tool_call_id" in written
            or "toolResult" in written
            or "isError" in written
            or "raw_output" in written
            or (written[0] == "[" and _BLOCKS.match(written))
        ):
            return _inside(_parsed(written), written)
    elif written.startswith("content=") and "tool_call_id=" in written:  # a message of LangChain's, as Python prints it
        found = _REPRESENTED.match(written)
        return (found["content"] if found else written), "status='error'" in written
    return written, False


def _parsed(written: str) -> object:
    if len(written) > MOST_UNWRAPPED:
        return None
    try:
        return orjson.loads(written)
    except ValueError:
        return None


def _inside(found: object, written: str) -> tuple[str, bool]:
    if found is None:
        return written, False
    failed = False
    for _ in range(DEEPEST):
        if isinstance(found, list) and len(found) == 1 and isinstance(found[0], dict):
            found = found[0]
        if not isinstance(found, dict):
            break
        inner = _unwrapped(found)
        if inner is None:
            return written, failed
        failed = failed or found.get("isError") is True or found.get("status") == "error"
        found = inner
    return as_text(found), failed


def _unwrapped(found: Mapping[str, object]) -> object:
    """What one layer holds; None where it is none that we know."""
    if "tool_call_id" in found or ("isError" in found and "content" in found):
        return found.get("content")
    if "raw_output" in found:
        return as_text(found["raw_output"])
    for name in ("toolResult", "data", "output"):
        if isinstance(found.get(name), dict):
            return found[name]
    if found.get("type") == "constructor":
        return found.get("kwargs")
    if found.keys() <= {"type", "text"} and "text" in found:
        return found["text"]
    return found.get("content") if "toolUseId" in found else None
