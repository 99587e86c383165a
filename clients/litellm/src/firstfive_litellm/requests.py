"""Requests and answers of a model gateway, read for what controls are about: who asks, which task, which tools.

Pure functions over the JSON shapes of OpenAI's chat completions and responses and of Anthropic's
messages. None of them needs LiteLLM.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

AGENT_HEADER, TASK_HEADER, SESSION_HEADER = "x-firstfive-agent", "x-firstfive-task", "x-litellm-session-id"
AGENT_KEY = "firstfive_agent"
LONGEST_NAME = 200

_NAMED = re.compile(r'"name"\s*:\s*"((?:[^"\\]|\\.)*)"')


def headers_of(data: Mapping[str, Any]) -> Mapping[str, str]:
    """The headers of the request, names in lower case."""
    request = data.get("proxy_server_request")
    headers = request.get("headers") if isinstance(request, Mapping) else None
    return {str(name).lower(): str(value) for name, value in headers.items()} if isinstance(headers, Mapping) else {}


def agent_of(data: Mapping[str, Any], key_metadata: Mapping[str, Any], default: str) -> str:
    """Which agent asks. What an administrator wrote on the key wins over what the request says of itself."""
    named = key_metadata.get(AGENT_KEY) or headers_of(data).get(AGENT_HEADER) or default
    return str(named)[:LONGEST_NAME]


def task_of(data: Mapping[str, Any]) -> str:
    """The task or session a request belongs to; "" when it does not say."""
    headers = headers_of(data)
    if headers.get(TASK_HEADER):
        return headers[TASK_HEADER][:LONGEST_NAME]
    for place in ("metadata", "litellm_metadata"):
        said = data.get(place)
        if isinstance(said, Mapping):
            for name in ("task_id", "session_id"):
                if said.get(name):
                    return str(said[name])[:LONGEST_NAME]
    return str(headers.get(SESSION_HEADER) or data.get("litellm_session_id") or "")[:LONGEST_NAME]


def turns_in(data: Mapping[str, Any]) -> int:
    """Model calls of the running task, as the history in the request shows them: answers since the last user's word."""
    messages = data.get("messages")
    if not isinstance(messages, list):
        messages = data.get("input")
    turns = 0
    for message in reversed(messages if isinstance(messages, list) else []):
        if not isinstance(message, Mapping):
            continue
        if message.get("role") == "user" and not _is_tool_result(message):
            break
        turns += message.get("role") == "assistant" or message.get("type") == "function_call"
    return turns


def _is_tool_result(message: Mapping[str, Any]) -> bool:
    content = message.get("content")
    return isinstance(content, list) and any(
        isinstance(part, Mapping) and part.get("type") == "tool_result" for part in content
    )


def name_of(tool: object) -> str:
    """The name of a tool in any of the three shapes; "" when it has none."""
    if not isinstance(tool, Mapping):
        return ""
    function = tool.get("function")
    return str((function.get("name") if isinstance(function, Mapping) else tool.get("name")) or "")


def without_tools(data: dict[str, Any], refused: Callable[[str], object]) -> tuple[str, ...]:
    """Take the tools that ``refused`` names out of the request, in place; returns their names."""
    gone: list[str] = []
    for place in ("tools", "functions"):
        tools = data.get(place)
        if not isinstance(tools, list):
            continue
        removed = [name for tool in tools if (name := name_of(tool)) and refused(name)]
        if removed:
            gone += removed
            left = [tool for tool in tools if name_of(tool) not in removed]
            data.pop(place)
            if left:
                data[place] = left
    if gone:
        _mend_choice(data, gone)
    return tuple(gone)


def _mend_choice(data: dict[str, Any], gone: Sequence[str]) -> None:
    """A choice of a tool that is gone, or of some tool where none is left, would be an error of the provider."""
    for choice, place in (("tool_choice", "tools"), ("function_call", "functions")):
        if choice in data and (place not in data or name_of(data[choice]) in gone):
            data.pop(choice)


def tools_called(answer: object) -> Iterator[str]:
    """Names of the tools that an answer, or a piece of a streamed one, calls."""
    if isinstance(answer, bytes | str):
        text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
        if '"tool_use"' in text or '"function_call"' in text or '"tool_calls"' in text:
            yield from (json.loads(f'"{name}"') for name in _NAMED.findall(text))
        return
    yield from _called(_plain(answer))


def _plain(answer: object) -> object:
    dump = getattr(answer, "model_dump", None)
    return dump() if callable(dump) else answer


def _called(node: object) -> Iterator[str]:
    if isinstance(node, Mapping):
        for call in node.get("tool_calls") or ():
            yield name_of(call)
        function = node.get("function_call")
        if isinstance(function, Mapping):
            yield name_of(function)
        if node.get("type") in {"tool_use", "function_call"}:
            yield name_of(node)
        for inner in ("choices", "message", "delta", "output", "content", "item", "content_block"):
            yield from _called(node.get(inner))
    elif isinstance(node, list):
        for item in node:
            yield from _called(item)
