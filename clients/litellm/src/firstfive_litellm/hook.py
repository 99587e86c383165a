"""The hook as LiteLLM's proxy loads it: ``callbacks: firstfive_litellm.hook.proxy``."""

import asyncio
import logging
import os
from collections.abc import AsyncGenerator
from typing import Any

from fastapi import HTTPException
from litellm.integrations.custom_logger import CustomLogger

from firstfive_client import Client, Refused
from firstfive_litellm.gate import Gate, TooManyAgents, connected, described
from firstfive_litellm.requests import agent_of, task_of, turns_in

log = logging.getLogger("firstfive_litellm")

MODEL_CALLS = frozenset({"completion", "acompletion", "text_completion", "atext_completion", "responses", "aresponses"})
ALSO_MODEL_CALLS = frozenset({"anthropic_messages", "agenerate_content", "generate_content"})
TURNS_KEPT = 3600  # seconds for which the turns of a task are counted after its last call
FORBIDDEN = 403  # not 429: client libraries repeat those by themselves


class FirstfiveHook(CustomLogger):
    """Enforces halt, hand-off, drain, turn limit, tool blocks and model pin before and after each model call."""

    def __init__(self, gate: Gate, default_agent: str = "") -> None:
        super().__init__()
        self._gate = gate
        self._default_agent = default_agent

    async def async_pre_call_hook(
        self, user_api_key_dict: Any, cache: Any, data: dict[str, Any], call_type: str
    ) -> dict[str, Any]:
        """Refuse the call with 403, or pass it on with the pinned model and without blocked tools."""
        client = await self._client(user_api_key_dict, data)
        if client is None or call_type not in MODEL_CALLS | ALSO_MODEL_CALLS:
            return data
        task = task_of(data)
        controls = client.controls()
        turns = await self._turns(cache, f"{client.agent}:{task}") if task else turns_in(data)
        refusal = self._gate.admit(controls, data, turns, task)
        if refusal is not None:
            raise forbidden(refusal)
        return data

    async def async_post_call_success_hook(self, data: dict[str, Any], user_api_key_dict: Any, response: Any) -> Any:
        """Refuse an answer that calls a blocked tool all the same."""
        client = await self._client(user_api_key_dict, data)
        refusal = client and self._gate.calls_refused(client.controls(), response)
        if refusal:
            raise forbidden(refusal)
        return response

    async def async_post_call_streaming_iterator_hook(
        self, user_api_key_dict: Any, response: Any, request_data: dict[str, Any]
    ) -> AsyncGenerator[Any, None]:
        """As above for a streamed answer: it ends before the piece that names a blocked tool."""
        client = await self._client(user_api_key_dict, request_data)
        async for piece in response:
            refusal = client and self._gate.calls_refused(client.controls(), piece)
            if refusal:
                raise forbidden(refusal)
            yield piece

    async def _client(self, key: Any, data: dict[str, Any]) -> Client | None:
        agent = agent_of(data, getattr(key, "metadata", None) or {}, self._default_agent)
        if not agent:
            return None  # nobody's traffic: there is no agent whose controls could apply
        try:
            return self._gate.known(agent) or await asyncio.to_thread(self._gate.client, agent)
        except TooManyAgents as error:
            raise HTTPException(FORBIDDEN, detail={"error": str(error), "type": "firstfive"}) from error

    async def _turns(self, cache: Any, name: str) -> int:
        """Model calls of this task before this one, counted across proxies where LiteLLM has a shared cache."""
        count = await cache.async_increment_cache(key=f"firstfive:turns:{name}", value=1, ttl=TURNS_KEPT)
        return int(count) - 1


def forbidden(refusal: Refused) -> HTTPException:
    """403 with the sentence, the control and the incident."""
    detail = {
        "error": str(refusal),
        "type": "firstfive",
        "control": str(refusal.kind),
        "incident": refusal.incident,
        "mitigation": refusal.mitigation,
    }
    return HTTPException(FORBIDDEN, detail=detail)


proxy = FirstfiveHook(
    Gate(
        connected,
        described(os.environ.get("FIRSTFIVE_READ_TOOLS", ""), os.environ.get("FIRSTFIVE_INTERNAL_TOOLS", "")),
    ),
    os.environ.get("FIRSTFIVE_AGENT", ""),
)
