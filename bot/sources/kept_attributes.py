"""Which attributes of a span are stored: no message bodies, nothing endless, and what a task is told apart by under one name."""

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice

from bot.incident.assembly import ENVIRONMENT
from bot.incident.environments import spelled
from bot.sources import attributes as names
from bot.sources.raw_spans import RawSpan
from bot.sources.redaction import CUT, Privacy
from bot.sources.values import MOST_NAME, MOST_VALUE, capped, first, structure, word

MOST_ATTRIBUTES = 128
_STRUCTURES = (list, dict)
_WHOSE = re.compile(  # a role that speaks: an editor's or a button's says nothing about messages
    r"""role\\*["']\s*:\s*(?:\\*["']|<\w{1,40}\.)(?:user|assistant|system|tool|developer|model|human|ai|function)""",
    re.IGNORECASE,
)
_SAID = re.compile(r"""(?:content|parts)\\*["']\s*:""")

FRAMEWORKS = frozenset(  # what they call the provider of an agent's own span: themselves
    {"autogen", "crewai", "langchain", "langgraph", "microsoft.agent_framework", "pydantic-ai", "strands-agents"}
)
FRAMEWORK = "gen_ai.agent.framework"  # where that is kept instead

# What a root span says, under the name our store keeps it: canonical name -> names it may come by
ROOT = {
    "gen_ai.agent.version": names.AGENT_VERSION,
    "gen_ai.conversation.id": names.SESSION,
    "user.id": names.USER,
    ENVIRONMENT: names.ENVIRONMENT,
    "agent.prompt.version": names.PROMPT_VERSION,
    "gen_ai.provider.name": names.PROVIDER,
    "service.name": names.SERVICE,
    "service.instance.id": ("service.instance.id",),
}
# The same in its metadata, and for any other span that names no agent
IN_METADATA = {"gen_ai.conversation.id": ("session_id", "thread_id"), "user.id": ("user_id",)}
STEP = {"service.name": names.SERVICE, "gen_ai.conversation.id": names.STEP_SESSION}

# Message bodies are long and personal: only previews are kept of them
BODIES = frozenset(
    {
        *("gen_ai.system_instructions", "gen_ai.task.input", "gen_ai.task.output"),
        *(*names.MODEL_INPUT, *names.MODEL_OUTPUT, *names.MODEL_CALLS, *names.ARGUMENTS, *names.RESULT),
        *("ai.prompt", "ai.response.object", "ai.value", "ai.values", "crew_tasks", "crew_inputs"),
        *("llm.invocation_parameters", "llm.prompts", "invocation_params", "model_request_parameters"),
        *("all_messages_events", "events", "logfire.msg", "genkit:init", "genkit:metadata:context"),
        *("raw_input", "request_data", "response", "response_data"),  # Logfire's
        *("agent.instructions", "agent.messages", "agent.stateSnapshot"),  # VoltAgent's
        *("gen_ai.tool.args", "function.args", "function.kwargs"),  # OpenLIT's
    }
)
BODY_PREFIXES = (
    *("llm.input_messages.", "llm.output_messages.", "gen_ai.prompt.", "gen_ai.completion."),
    "metadata.context.",  # BeeAI's: all its memory, at every event
)
KEPT_DESPITE_PREFIX = frozenset({"gen_ai.prompt.name", "gen_ai.prompt.version"})
BODY_OWNER = "mastra."  # each kind of its steps has attributes of its own for what went in and came out,
BODY_ENDS = (".input", ".output", ".metadata.body", ".metadata.headers")  # and the model's whole HTTP answer beside
ANSWER_IN_METADATA = '"body":'  # metadata with a model's whole HTTP answer in it (Mastra by OpenInference)


def kept(raw: RawSpan, privacy: Privacy, *, may_head: bool, whole_text: bool) -> dict[str, object]:
    """The attributes to store: no message bodies, long values cut, all redacted; a framework is no provider.

    Canonical names stand where the span ``may_head`` its task: a root, or an agent whose root never comes.
    """
    found: dict[str, object] = {}
    redaction = privacy.redaction
    for name, value in islice(raw.attributes.items(), MOST_ATTRIBUTES):
        if not whole_text and is_body(name):
            continue
        key = name if len(name) <= MOST_NAME else name[:MOST_NAME]
        if isinstance(value, str):
            if not whole_text and value[:1] in {"[", "{"} and _holds_messages(value):
                continue
            found[key] = redaction.text(value) if len(value) <= MOST_VALUE else redaction.cut(value, MOST_VALUE, CUT)
        elif type(value) not in _STRUCTURES:
            found[key] = value
        elif whole_text or not _holds_messages(str(value)):
            found[key] = capped(redaction.value(value), MOST_VALUE)
    for canonical, value in _told_apart(raw, may_head=may_head):
        found[canonical] = redaction.text(value)
    told = found.get(names.METADATA[0])
    if isinstance(told, str) and ANSWER_IN_METADATA in told and not whole_text:
        del found[names.METADATA[0]]
    provider = found.get(names.PROVIDER[0])
    if isinstance(provider, str) and provider in FRAMEWORKS:
        found[FRAMEWORK] = found.pop(names.PROVIDER[0])
    return found


def _holds_messages(written: str) -> bool:
    """Messages, under whatever name a framework has for them: they tell whose they are beside what was said.

    As JSON, also within JSON and sorted by name, where who says it stands behind all of it; or as Python writes it.
    """
    return _WHOSE.search(written) is not None and _SAID.search(written) is not None


def _told_apart(raw: RawSpan, *, may_head: bool) -> Iterator[tuple[str, str]]:
    """What a task is told apart by, under the names our store keeps it by."""
    own, resource = raw.attributes, raw.resource
    if not may_head:
        # A step whose root is still under way is known by its service alone
        wanted = {} if first(own, names.AGENT) else STEP
        for canonical, candidates in wanted.items():
            if value := word(own, candidates) or word(resource, candidates):
                yield canonical, value
        if not own.get(ENVIRONMENT) and (place := word(own, names.STEP_ENVIRONMENT)):
            yield ENVIRONMENT, place  # a task whose root names none takes it from a step
        return
    metadata = structure(own, names.METADATA)
    for canonical, candidates in ROOT.items():
        value = word(own, candidates)
        if value is None or (canonical == ENVIRONMENT and not spelled(value)):  # "default" hides no name
            value = word(resource, candidates) or value
        if value is None and metadata:
            value = word(metadata, IN_METADATA.get(canonical, ()))
        if value is not None:
            yield canonical, value


@lru_cache(4096)  # asked for every attribute of every span
def is_body(name: str) -> bool:
    """The attribute holds what somebody said: long and personal."""
    if name.startswith(BODY_OWNER):
        return name.endswith(BODY_ENDS)
    return name in BODIES or (name.startswith(BODY_PREFIXES) and name not in KEPT_DESPITE_PREFIX)
