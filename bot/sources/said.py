"""The words of a step: what its model or agent said, without the JSON around them.

Conventions wrap the same sentence in very different structures. What repeats in a loop is the
sentence, so detectors read these words and not the raw attribute.
"""

import json
from collections.abc import Iterator, Mapping, Sequence

import orjson

from bot.incident.detectors.ledger import brief, is_ledger
from bot.incident.telemetry import CALL_MARK
from bot.sources import attributes as names
from bot.sources.redaction import DEFAULT, Redaction
from bot.sources.values import Values, text, unpacked, word

MOST_SAID = 600  # characters kept of all the words
MOST_CALL = 240  # characters kept of one tool call
MOST_PARSED = 200_000  # longer messages are not worth parsing for 600 characters
DEEPEST = 10  # LangChain nests a message eight deep
PHASE = ("agent.step.phase",)  # what an orchestrator did in this step

_ANSWERS = tuple(name for name in names.MODEL_OUTPUT if name != names.WHOLE_ANSWER)
_WHOLE_ANSWER = (names.WHOLE_ANSWER,)
_TASKS = names.MODEL_INPUT
_FLAT = ("llm.output_messages.", "gen_ai.completion.")
_FLAT_TEXT = (".content", ".message_content.text")
_WORDS = (
    "content",
    "text",
    "output",
    "answer",
    "response",
    "message",
    "messages",
    "parts",
    "kwargs",
    "data",
    "value",
    "choices",
    "candidates",
    "generations",
)
_CALLS = ("tool_calls", "function_call", "functionCall")
_ACTIONS = ("<action>", "\nAction:", "\n```bash")  # where the action begins that a text ends in


def said(values: Values, redaction: Redaction = DEFAULT, *, agent: bool = False) -> str:
    """The first 600 characters of what a step said, redacted; empty where it said nothing.

    Texts come first, each tool call follows on a line of its own as ``→ name {"argument": …}``. Where an
    agent's step names its phase the words start with ``[phase]``, and without output its last input counts
    (the instruction that it passed on).
    """
    found = words_of(output_of(values, agent=agent), redaction)
    if not agent:
        return found
    phase = word(values, PHASE)
    if phase and not found:
        found = words_of(_last(parsed(text(values, _TASKS) or "")), redaction)
    return f"[{phase[:40]}] {found}" if phase and found else found


def output_of(values: Values, *, agent: bool = False) -> object:
    """What came out, its JSON parsed. An agent often answers with the whole conversation: only its last message is new."""
    raw = text(values, _ANSWERS)
    if raw is None:
        flat = _flat(values)
        raw = None if flat else text(values, _WHOLE_ANSWER)
        if raw is None:
            return flat
    found = parsed(raw)
    if isinstance(found, dict) and isinstance(found.get("messages"), list):
        return _last(found["messages"])
    return _last(found) if agent else found


def parsed(raw: str) -> object:
    """The JSON in it, or the text itself."""
    start = raw[:64].lstrip()[:1]
    if start not in {"[", "{", '"'} or len(raw) > MOST_PARSED:
        return raw
    try:
        found: object = orjson.loads(raw)
    except ValueError:  # orjson refuses half a surrogate pair, and numbers that are none
        try:
            found = json.loads(raw)
        except (ValueError, RecursionError):
            return raw
    return found


def _last(found: object) -> object:
    return found[-1] if isinstance(found, list) and found else found


def words_of(found: object, redaction: Redaction = DEFAULT) -> str:
    """Texts, then calls, cut to what is kept: of long texts the beginning and the end, where actions stand."""
    texts: list[str] = []
    calls: list[str] = []
    for call, piece in _pieces(found, 0):
        kind = calls if call else texts
        if not kind or kind[-1] != piece:  # wrappers hold one text twice
            kind.append(piece)
    called = "\n".join(f"{CALL_MARK}{redaction.cut(call, MOST_CALL)}" for call in calls[:2])
    room = max(0, MOST_SAID - len(called) - 1)
    whole = "\n".join(part for part in (_cut(" ".join(texts).strip(), room, redaction), called) if part)
    # JSON inside an attribute can spell what no database takes: NUL, and half a surrogate pair
    return whole.replace("\0", "").encode("utf-8", "replace").decode()


def _cut(words: str, room: int, redaction: Redaction) -> str:
    if len(words) <= room:
        return redaction.text(words)
    if is_ledger(words):
        words = f"{brief(words)} {words}"  # what matters of it stands where a long text is cut
    action = max(words.rfind(sign) for sign in _ACTIONS)
    end = max(room // 4, min(len(words) - action, room // 2) if action >= 0 else 0)
    return redaction.cut(words, room - end) + redaction.end(words, end)


def _pieces(found: object, depth: int) -> Iterator[tuple[bool, str]]:
    """(it is a call, its text) for every text and tool call in a message, a list of them, or an unknown structure."""
    if isinstance(found, str):
        if found.strip():
            yield False, found
    elif depth > DEEPEST:
        return
    elif isinstance(found, dict):
        yield from _pieces_of_message(found, depth)
    elif isinstance(found, Sequence):
        for item in found:
            yield from _pieces(item, depth + 1)


def _pieces_of_message(found: Mapping[str, object], depth: int) -> Iterator[tuple[bool, str]]:
    kind = str(found.get("type") or "")
    used = found.get("toolUse") or found.get("toolRequest")
    if isinstance(used, dict):  # Bedrock's way, and so Strands'; Genkit's
        found = used
    if kind in {"tool_call_response", "tool_result"}:
        yield from _pieces(found.get("response", found.get("content")), depth + 1)
        return
    call = found.get("function") if isinstance(found.get("function"), dict) else found
    if isinstance(call, dict) and "name" in call and ({"arguments", "input", "args"} & call.keys()):
        yield True, _call(call)
        return
    known = False
    for name in _WORDS:
        if name in found:
            known = True
            yield from _pieces(found[name], depth + 1)
    for name in _CALLS:
        calls = found.get(name)
        if calls:
            known = True
            yield from _pieces(calls, depth + 1)
    if not known and not kind and "role" not in found:  # an agent's own structure
        yield False, json.dumps(found, ensure_ascii=False)


def _call(call: Mapping[str, object]) -> str:
    given = next((call[name] for name in ("arguments", "input", "args") if name in call), None)
    written = unpacked(given) if isinstance(given, str) else json.dumps(given, ensure_ascii=False, sort_keys=True)
    return f"{call['name']} {written}"


def _flat(values: Values) -> list[object]:
    """Messages spread over numbered attributes (``llm.output_messages.0.message.content``)."""
    texts: list[object] = []
    called_by: dict[str, object] = {}
    for name in sorted(name for name in values if name.startswith(_FLAT)):
        value = values[name]
        if name.endswith(_FLAT_TEXT):
            texts.append(value)
        elif name.endswith((".name", ".arguments")) and "tool_call" in name:
            called_by[name] = value
    calls = [
        {
            "id": values.get(name.removesuffix("function.name") + "id"),
            "name": called,
            "arguments": called_by.get(name.removesuffix("name") + "arguments", ""),
        }
        for name, called in called_by.items()
        if name.endswith(".name")
    ]
    return [*texts, *calls]
