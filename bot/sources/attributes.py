"""Which attribute means what, over the conventions in use. The first one present counts.

Sources: OpenTelemetry GenAI semantic conventions (v1.41 and the names before it), OpenInference
(Arize-ai/openinference), and the attributes named in ``docs/connect-traces.md``.
"""

# Who
AGENT = ("gen_ai.agent.name", "gen_ai.workflow.name", "agent.name", "graph.node.name")
AGENT_VERSION = ("gen_ai.agent.version", "metadata.version", "service.version")
SERVICE = ("service.name",)
SESSION = ("gen_ai.conversation.id", "session.id", "conversation.id")
ENVIRONMENT = ("deployment.environment.name", "deployment.environment")
PROMPT_VERSION = (
    "agent.prompt.version",
    "gen_ai.prompt.version",
    "llm.prompt_template.version",
    "prompt.id",
    "gen_ai.prompt.name",
)

# What kind of step
OPERATION = ("gen_ai.operation.name",)
KIND = ("openinference.span.kind", "traceloop.span.kind")

# Model calls
PROVIDER = ("gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system")
MODEL_REQUESTED = ("gen_ai.request.model", "llm.request.model_name", "llm.model_name")
MODEL_ANSWERING = ("gen_ai.response.model", "llm.response.model_name")
INPUT_TOKENS = ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.token_count.prompt")
OUTPUT_TOKENS = ("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.token_count.completion")
FIRST_CHUNK = ("gen_ai.response.time_to_first_chunk", "gen_ai.server.time_to_first_token")
MODEL_OUTPUT = ("gen_ai.output.messages", "gen_ai.completion", "output.value")

# Tool calls
TOOL = ("gen_ai.tool.name", "tool.name", "tool_call.function.name")
CALL_ID = ("gen_ai.tool.call.id", "tool.id", "tool_call.id")
ARGUMENTS = ("gen_ai.tool.call.arguments", "tool.parameters", "tool_call.function.arguments", "input.value")
RESULT = ("gen_ai.tool.call.result", "tool.result", "output.value")
SIDE_EFFECT = ("tool.side_effect",)
PRIVILEGED = ("tool.privileged",)
APPROVAL = ("tool.approval.id",)
DESTINATION = ("tool.destination",)
MANIFEST = ("tool.manifest.hash",)
TRUST = ("content.trust",)

# Guardrails
GUARDRAIL = ("guardrail.name", "gen_ai.guardrail.name")
TRIGGERED = ("guardrail.triggered", "gen_ai.guardrail.triggered")

# Errors
ERROR_TYPE = ("error.type", "exception.type")
ERROR_MESSAGE = ("error.message", "exception.message")

# Evaluation results
EVALUATION_EVENT = "gen_ai.evaluation.result"
EVALUATION_NAME = ("gen_ai.evaluation.name",)
EVALUATION_VALUE = ("gen_ai.evaluation.score.value", "gen_ai.evaluation.score")
EVALUATION_LABEL = ("gen_ai.evaluation.score.label", "gen_ai.evaluation.label")
EVALUATION_EXPLANATION = ("gen_ai.evaluation.explanation",)
PROBE = ("probe.id",)
TASK_TYPE = ("task.type",)

# What a root span says, under the name our store keeps it: canonical name -> names it may come by
ROOT = {
    "gen_ai.agent.version": AGENT_VERSION,
    "gen_ai.conversation.id": SESSION,
    "deployment.environment.name": ENVIRONMENT,
    "agent.prompt.version": PROMPT_VERSION,
    "gen_ai.provider.name": PROVIDER,
    "service.name": SERVICE,
    "service.instance.id": ("service.instance.id",),
}
STEP = {"service.name": SERVICE}  # the same for any other span that names no agent

# Message bodies are long and personal: only previews are kept of them
BODIES = frozenset(
    {
        "gen_ai.input.messages",
        "gen_ai.output.messages",
        "gen_ai.system_instructions",
        "gen_ai.prompt",
        "gen_ai.completion",
        "input.value",
        "output.value",
        *ARGUMENTS,
        *RESULT,
    }
)
BODY_PREFIXES = ("llm.input_messages.", "llm.output_messages.", "gen_ai.prompt.", "gen_ai.completion.")
KEPT_DESPITE_PREFIX = frozenset({"gen_ai.prompt.name", "gen_ai.prompt.version"})
