"""The model call that a span tells of: who was asked, who answered, with how many tokens and for how much."""

import re
from collections.abc import Mapping, Sequence
from typing import TypeVar

from bot.incident.telemetry import ModelCall
from bot.sources import attributes as names
from bot.sources.asked_tools import asked_in, told_in
from bot.sources.heard import heard_in
from bot.sources.input_messages import input_messages
from bot.sources.redaction import Redaction
from bot.sources.values import (
    MOST_NAME,
    MOST_VALUE,
    PREVIEW,
    Values,
    as_number,
    first,
    number,
    structure,
    whole,
    word,
)

IN_USAGE = {  # what the entries of an object with all tokens, or all costs, are called
    "input": ("input", "input_tokens", "prompt_tokens", "inputTokens", "promptTokenCount"),
    "output": ("output", "output_tokens", "completion_tokens", "outputTokens", "candidatesTokenCount"),
    "cached": (
        "cache_read_input_tokens",
        "input_cache_read",
        "cache_read",
        "input_cached_tokens",
        "cached_tokens",
        "cachedContentTokens",
        "cachedContentTokenCount",
    ),
    "reasoning": (
        "output_reasoning_tokens",
        "output_reasoning",
        "reasoning",
        "reasoning_tokens",
        "thoughtsTokens",
        "thoughtsTokenCount",
    ),
    "cost": ("total", "total_cost"),
}
USAGE_DETAILS = (
    "prompt_tokens_details",
    "completion_tokens_details",
    "input_tokens_details",
    "output_tokens_details",
    "input_token_details",
    "output_token_details",
)
MOST_WAIT, MOST_TOKENS, MOST_COST = 86_400.0, 10**9, 1e6  # seconds, tokens and USD that one call may take
ANSWERS_USAGE = ("usage", "usageMetadata")  # such an object within an answer's own JSON
ANSWERS_MODEL = ("modelVersion", "model")  # who answered, within the JSON of the provider's own answer
RAW_ANSWER = "raw"  # where Genkit keeps that one
T = TypeVar("T", int, float)
_MODEL = re.compile(r'"model"\s*:\s*"([^"\\]+)"')
# A provider's id has letters and no @: a number at that place may be anybody's
_ID = re.compile(r'\{\s*"id"\s*:\s*"(?=[^"]*[A-Za-z])([\w.:-]{1,200})"')
_ANSWERING = re.compile(r'"model_name"\s*:\s*"([^"\\]+)"')


def model_of(values: Values, output: object, words: str, redaction: Redaction, scope: str = "") -> ModelCall:
    """The model call that attributes carry; ``output`` is its answer with its JSON parsed, ``words`` what it said.

    ``scope`` is that of the instrumentation which tells of it, empty where it is unknown.
    """
    messages = input_messages(values)
    usage, costs = _usage(values, output), structure(values, names.COSTS)
    provider, requested, answering = _models(values, output)
    return ModelCall(
        provider,
        requested,
        answering,
        _tokens(values, names.INPUT_TOKENS, usage, "input"),
        _tokens(values, names.OUTPUT_TOKENS, usage, "output"),
        _plausible(number(values, names.FIRST_CHUNK), MOST_WAIT),
        word(values, names.PROMPT_VERSION),
        words[:PREVIEW],
        word(values, names.PROMPT_NAME),
        _tokens(values, names.CACHED_TOKENS, usage, "cached"),
        _tokens(values, names.REASONING_TOKENS, usage, "reasoning"),
        _cost(values, costs),
        asked_in(output, values, redaction),
        told_in(messages, redaction),
        _response_id(values),
        scope[:MOST_NAME].replace("\0", "") or None,
        heard_in(messages, values),
    )


def _response_id(values: Values) -> str | None:
    """The provider's id of the answer."""
    told = word(values, names.RESPONSE_ID)
    if told is not None:
        return told
    written = values.get(names.WHOLE_ANSWER)
    found = _ID.match(written) if isinstance(written, str) else None
    return found[1] if found else None


def _models(values: Values, output: object) -> tuple[str | None, str | None, str | None]:
    """The provider, the model asked for and the one answering, told apart or within one another."""
    provider = word(values, names.PROVIDER)
    requested, answering = word(values, names.MODEL_REQUESTED), word(values, names.MODEL_ANSWERING)
    if requested is None:
        requested = word(values, names.MODEL_NAMED)
        if requested is not None and provider is None and "/" in requested:
            provider, requested = requested.split("/", 1)
    if answering is None:  # OpenInference tells the former among a call's parameters
        given = word(structure(values, names.CALL_PARAMETERS), ("model", "model_name"))
        if given is not None and given != requested:
            requested, answering = given, requested
    if answering is None:
        answering = _answering_in(values, output)
    if requested is None and answering is None:
        requested, answering = _model_in(values, names.MODEL_INPUT), _model_in(values, names.MODEL_OUTPUT)
    if provider is None:
        provider = word(structure(values, names.METADATA), names.PROVIDER_IN_METADATA)
    return provider, requested, answering


def _answering_in(values: Values, output: object) -> str | None:
    """Who answered, as the answer's own JSON tells: Genkit keeps the provider's beside its own, LangChain what it says of it."""
    if isinstance(output, dict):
        raw = output.get(RAW_ANSWER)
        return word(raw, ANSWERS_MODEL) if isinstance(raw, dict) else None
    written = values.get(names.WHOLE_ANSWER)
    if not isinstance(written, str):
        return None
    said_of_it = written.find('"response_metadata"')
    found = _ANSWERING.search(written, said_of_it, said_of_it + MOST_VALUE) if said_of_it >= 0 else None
    return found[1] if found else None


def _model_in(values: Values, candidates: Sequence[str]) -> str | None:
    """The model that a call's or an answer's own JSON names near its beginning."""
    written = first(values, candidates)
    found = _MODEL.search(written, 0, MOST_NAME) if isinstance(written, str) else None
    return found[1] if found else None


def _tokens(values: Values, candidates: Sequence[str], usage: Mapping[str, object], part: str) -> int | None:
    found = whole(values, candidates)
    return _plausible(found if found is not None or not usage else whole(usage, IN_USAGE[part]), MOST_TOKENS)


def _plausible(told: T | None, most: float) -> T | None:
    """The number, unless it is less than nothing, which some write for "unknown", or more than can be."""
    return told if told is not None and 0 <= told <= most else None


def _usage(values: Values, output: object) -> Mapping[str, object]:
    """Tokens told as one object, of the call or within its answer.

    Langfuse counts what came from a cache apart from the input, and so on; here it is part of it.
    """
    told = structure(values, names.USAGE)
    if not told and isinstance(output, dict):
        told = structure(output, ANSWERS_USAGE)
    if not told:
        return told
    total = told.get("total")
    counts = {name: count for name, count in told.items() if type(count) is int and name != "total"}
    if total is not None and total == sum(counts.values()):
        whole_of = {
            part: sum(count for name, count in counts.items() if name.startswith(part)) for part in ("input", "output")
        }
        return {**told, **{part: count for part, count in whole_of.items() if part in told}}
    for name in USAGE_DETAILS:
        details = told.get(name)
        if isinstance(details, dict):
            told = {**details, **told}
    return told


def _cost(values: Values, costs: Mapping[str, object]) -> float | None:
    """USD: told as one, else the total of an object, else the sum of its parts."""
    told = number(values, names.COST)
    if told is None and costs:
        told = number(costs, IN_USAGE["cost"])
        parts = [part for part in map(as_number, costs.values()) if part is not None]
        told = sum(parts) if told is None and parts else told
    return _plausible(told, MOST_COST)
