"""Reading a control as an agent does: over HTTP, through OFREP, with the agents' token."""

from typing import Any

import httpx

from bot.controls.readers import OURSELVES
from bot.incident.errors import Unavailable
from bot.incident.mitigation import Scope


class OfrepRead:
    """``(agent, scope, key) -> value`` through the public path; see :data:`bot.controls.builtin.PublicRead`."""

    def __init__(self, client: httpx.AsyncClient, base_url: str, token: str | None = None) -> None:
        self._client = client
        self._base_url = base_url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    async def __call__(self, agent: str, scope: Scope, key: str) -> object:
        """The value an agent would get now.

        Raises:
            Unavailable: no answer, or one without a value.
        """
        named = {"env": scope.environment, "tenant": scope.tenant, "channel": scope.channel, "version": scope.version}
        context = {"targetingKey": OURSELVES, "agent": agent, "instance": OURSELVES, **named}
        address = f"{self._base_url}/ofrep/v1/evaluate/flags/{key}"
        try:
            answer = await self._client.post(address, json={"context": context}, headers=self._headers)
            body: Any = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise Unavailable(f"the control plane did not answer: {type(error).__name__}") from error
        if answer.status_code != httpx.codes.OK or not isinstance(body, dict) or "value" not in body:
            raise Unavailable(f"the control plane answered {answer.status_code}")
        value: object = body["value"]
        return value
