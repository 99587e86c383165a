"""What the agent's spans say, in the words of OpenTelemetry's GenAI conventions and a few of its own."""

import json

from bot.demo.agent.faults import Deployment
from bot.demo.agent.fleet import STEP_LIMIT, TOOLS, Profile
from bot.demo.agent.model import Completion
from bot.demo.agent.planner import CallTool
from bot.demo.agent.tasks import Task
from bot.demo.agent.telemetry import AttributeValue

Attributes = dict[str, AttributeValue]


def task_attributes(profile: Profile, deployment: Deployment, task: Task) -> Attributes:
    """Of a task's root span, as it begins."""
    return {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": profile.name,
        "gen_ai.agent.version": deployment.version,
        "gen_ai.conversation.id": task.session,
        "gen_ai.provider.name": profile.provider,
        "agent.prompt.version": deployment.prompt_version,
        "agent.step.limit": STEP_LIMIT,
        "task.type": task.kind.name,
        "session.turn": task.turn,
        "user.locale": task.locale,
        "tenant.id": task.tenant,
    }


def asked_attributes(profile: Profile, model: str) -> Attributes:
    """Of a model call, as it begins."""
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": profile.provider,
        "gen_ai.request.model": model,
        "gen_ai.request.stream": True,
    }


def answered_attributes(completion: Completion) -> Attributes:
    """Of a model call that was answered."""
    return {
        "gen_ai.response.model": completion.model,
        "gen_ai.response.finish_reasons": [completion.finish_reason],
        "gen_ai.response.time_to_first_chunk": round(completion.first_chunk_seconds, 4),
        "gen_ai.usage.input_tokens": completion.input_tokens,
        "gen_ai.usage.output_tokens": completion.output_tokens,
    }


def tool_attributes(call: CallTool, call_id: str) -> Attributes:
    """Of a tool call, as it begins."""
    tool = TOOLS[call.tool]
    attributes: Attributes = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": tool.name,
        "gen_ai.tool.type": "function",
        "gen_ai.tool.call.id": call_id,
        "gen_ai.tool.call.arguments": json.dumps(call.arguments, sort_keys=True),
        "tool.side_effect": "write" if tool.writes else "read",
        "tool.privileged": tool.privileged,
        "tool.manifest.hash": tool.manifest_hash,
    }
    if tool.writes and call.approval is not None:
        attributes["tool.approval.id"] = call.approval
    destination = call.arguments.get("to", tool.destination)
    if destination is not None:
        attributes["tool.destination"] = destination
    if tool.untrusted:
        attributes["content.trust"] = "untrusted"
    return attributes


def guardrail_attributes(name: str, *, triggered: bool) -> Attributes:
    """Of a guardrail's look."""
    return {"gen_ai.operation.name": "guardrail", "guardrail.name": name, "guardrail.triggered": triggered}
