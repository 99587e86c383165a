"""Which attribute means what, over the conventions in use. The first one present counts.

Sources: OpenTelemetry GenAI semantic conventions (semantic-conventions-genai v0.1.0, v1.41 and the names
before it), OpenInference (Arize-ai/openinference), Traceloop's OpenLLMetry, the OTLP exports of Langfuse,
MLflow and LangSmith, Vercel's AI SDK, Mastra, Genkit, VoltAgent, LiteLLM, Pydantic AI and Google's ADK, as their SDKs were seen to send them
(versions in ``docs/connect-traces.md``).
"""

# Who
AGENT = (
    "gen_ai.agent.name",
    "gen_ai.workflow.name",
    "agent.name",
    "graph.node.name",
    "langfuse.trace.name",
    "ai.telemetry.functionId",
    "langsmith.metadata.lc_agent_name",  # LangChain's and LangGraph's own name of the agent, by three roads
    "traceloop.association.properties.lc_agent_name",
    "langfuse.observation.metadata.lc_agent_name",
)
AGENT_NODE = (  # of an agent's span only
    "graph.node.id",  # CrewAI's and OpenAI's agents by OpenInference
    "genkit:name",  # a flow of Genkit's
    "entity.name",  # VoltAgent's
)
METADATA = ("metadata",)  # OpenInference and MLflow: one JSON object; read on roots only
AGENT_IN_METADATA = ("lc_agent_name", "agent_name")
AGENT_VERSION = (
    "gen_ai.agent.version",
    "metadata.version",
    "langfuse.version",
    "langfuse.release",
    "service.version",
)
SERVICE = ("service.name",)
SESSION = (
    "gen_ai.conversation.id",
    "session.id",
    "conversation.id",
    "langfuse.session.id",
    "mlflow.trace.session",
    "gcp.vertex.agent.session_id",
    "langsmith.trace.session_id",
    "langsmith.metadata.session_id",
    "langsmith.metadata.thread_id",
    "traceloop.association.properties.session_id",
    "traceloop.association.properties.thread_id",
    "ai.telemetry.metadata.sessionId",
    "mastra.metadata.sessionId",
    "genkit:metadata:agent:sessionId",
)
STEP_SESSION = (  # where the root does not say it, its steps may
    "session.id",
    "gcp.vertex.agent.session_id",
    "traceloop.association.properties.session_id",
    "traceloop.association.properties.thread_id",
)
USER = (
    "user.id",
    "enduser.id",
    "langfuse.user.id",
    "mlflow.trace.user",
    "langsmith.metadata.user_id",
    "traceloop.association.properties.user_id",
    "ai.telemetry.metadata.userId",
    "mastra.metadata.userId",
    "mastra.metadata.resourceId",  # whose memory the agent has
)
ENVIRONMENT = ("deployment.environment.name", "deployment.environment", "langfuse.environment")
STEP_ENVIRONMENT = ENVIRONMENT[1:2]  # of a step alone: the first is kept as it is, and Langfuse tells roots too
PROMPT_NAME = ("gen_ai.prompt.name", "prompt.id", "llm.prompt_template.name", "langfuse.observation.prompt.name")
PROMPT_VERSION = (
    "agent.prompt.version",
    "gen_ai.prompt.version",
    "llm.prompt_template.version",
    "langfuse.observation.prompt.version",
)

# What kind of step
OPERATION = ("gen_ai.operation.name", "ai.operationId", "mastra.span.type")
KIND = (
    "openinference.span.kind",
    "traceloop.span.kind",
    "langfuse.observation.type",
    "mlflow.spanType",
    "genkit:metadata:subtype",
    "llm.request.type",  # LiteLLM, and OpenLLMetry before it knew the operation
)
KIND_BY_VOLTAGENT = ("span.type", "entity.type")  # its roots have the second only; elsewhere these say other things

# Model calls
PROVIDER_IN_METADATA = ("ls_provider",)  # LangChain's own word for it
PROVIDER = (
    "gen_ai.provider.name",
    "gen_ai.system",
    "llm.provider",
    "llm.system",
    "mlflow.llm.provider",
    "ai.model.provider",
)
MODEL_REQUESTED = (
    "gen_ai.request.model",
    "llm.request.model_name",
    "llm.model_name",
    "langfuse.observation.model.name",
    "mlflow.llm.model",
    "ai.model.id",
    "llm.model",
)
CALL_PARAMETERS = (
    "llm.invocation_parameters",
)  # OpenInference: the model asked for, where it names only the answering
MODEL_NAMED = ("genkit:name",)  # of a model's span only: "provider/model"
MODEL_ANSWERING = ("gen_ai.response.model", "llm.response.model_name", "ai.response.model")
RESPONSE_ID = ("gen_ai.response.id",)
WHOLE_ANSWER = "output.value"  # OpenInference: the provider's answer as it came, its id at the beginning
INPUT_TOKENS = (
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.prompt_tokens",
    "llm.token_count.prompt",
    "ai.usage.inputTokens",
    "ai.usage.promptTokens",
    "llm.usage.prompt_tokens",
)
OUTPUT_TOKENS = (
    "gen_ai.usage.output_tokens",
    "gen_ai.usage.completion_tokens",
    "llm.token_count.completion",
    "ai.usage.outputTokens",
    "ai.usage.completionTokens",
    "llm.usage.completion_tokens",
)
CACHED_TOKENS = (
    "gen_ai.usage.cache_read.input_tokens",
    "gen_ai.usage.cache_read_input_tokens",
    "llm.token_count.prompt_details.cache_read",
    "ai.usage.cachedInputTokens",
)
REASONING_TOKENS = (
    "gen_ai.usage.reasoning.output_tokens",
    "gen_ai.usage.reasoning_tokens",
    "gen_ai.usage.details.reasoning_tokens",
    "llm.token_count.completion_details.reasoning",
    "ai.usage.reasoningTokens",
)
COST = ("gen_ai.usage.cost", "llm.cost.total", "llm.usage.total_cost", "operation.cost", "gen_ai.cost.total_cost")
USAGE = (
    "langfuse.observation.usage_details",
    "mlflow.chat.tokenUsage",
    "mlflow.trace.tokenUsage",
    "langsmith.usage_metadata",
)  # one object of many
COSTS = ("langfuse.observation.cost_details", "mlflow.llm.cost")
FINISH = ("gen_ai.response.finish_reasons", "ai.response.finishReason", "llm.finish_reason")
FIRST_CHUNK = ("gen_ai.response.time_to_first_chunk", "gen_ai.server.time_to_first_token")
MODEL_INPUT = (
    "gen_ai.input.messages",
    "gen_ai.prompt",
    "langfuse.observation.input",
    "mlflow.spanInputs",
    "ai.prompt.messages",
    "gcp.vertex.agent.llm_request",
    "pydantic_ai.all_messages",
    "traceloop.entity.input",
    "genkit:input",
    "llm.messages",
    "input",  # Logfire's and VoltAgent's word for it, as "output" below
    "input.value",
)
INSTRUCTIONS = ("gen_ai.system_instructions",)  # told apart from the messages
MODEL_OUTPUT = (
    "gen_ai.output.messages",
    "gen_ai.completion",
    "langfuse.observation.output",
    "mlflow.spanOutputs",
    "ai.response.text",
    "gcp.vertex.agent.llm_response",
    "final_result",
    "traceloop.entity.output",
    "genkit:output",
    "output",
    "output.value",
)
MODEL_CALLS = ("ai.response.toolCalls",)  # tool calls a model asks for, where they stand apart from its words

# Tool calls
TOOL = (
    "gen_ai.tool.name",
    "tool.name",
    "tool_call.function.name",
    "ai.toolCall.name",
    "traceloop.entity.name",
    "genkit:name",
)
TOOL_VERSION = ("gen_ai.tool.version", "tool.version")
CALL_ID = ("gen_ai.tool.call.id", "tool.id", "tool_call.id", "ai.toolCall.id", "tool.call.id")
ARGUMENTS = (
    "gen_ai.tool.call.arguments",
    "tool_call.function.arguments",
    "ai.toolCall.args",
    "ai.toolCall.input",
    "tool_arguments",
    "gcp.vertex.agent.tool_call_args",
    "langfuse.observation.input",
    "mlflow.spanInputs",
    "traceloop.entity.input",
    "genkit:input",
    "input.value",
    "input",
    "tool.parameters",  # some instrumentations put the tool's schema there, so what was sent in counts before it
    "gen_ai.prompt",
)
RESULT = (
    "gen_ai.tool.call.result",
    "tool.result",
    "ai.toolCall.result",
    "ai.toolCall.output",
    "tool_response",
    "gcp.vertex.agent.tool_response",
    "langfuse.observation.output",
    "mlflow.spanOutputs",
    "traceloop.entity.output",
    "genkit:output",
    "output.value",
    "output",
    "gen_ai.completion",
)
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
ERROR_MESSAGE = ("error.message", "exception.message", "langfuse.observation.status_message")
LEVEL = ("langfuse.observation.level",)  # ERROR is an error
FAILS_BY_EXCEPTION = "langsmith.span.kind"  # whose spans tell a failure by an exception's event, whatever their status

# Evaluation results
EVALUATION_EVENT = "gen_ai.evaluation.result"
EVALUATION_NAME = ("gen_ai.evaluation.name",)
EVALUATION_VALUE = ("gen_ai.evaluation.score.value", "gen_ai.evaluation.score")
EVALUATION_LABEL = ("gen_ai.evaluation.score.label", "gen_ai.evaluation.label")
EVALUATION_EXPLANATION = ("gen_ai.evaluation.explanation",)
PROBE = ("probe.id",)
TASK_TYPE = ("task.type",)
