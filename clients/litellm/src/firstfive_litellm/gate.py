"""What the gateway refuses and changes, from the controls of the agent that asks. Knows nothing of LiteLLM."""

import os
import socket
import threading
from collections.abc import Callable, Mapping
from typing import Any

from firstfive_client import Client, Controls, Kind, Refused, Tool
from firstfive_client.decisions import of_budget, of_call, of_task
from firstfive_litellm.requests import tools_called, without_tools

ENFORCED = frozenset(
    {
        Kind.HALT,
        Kind.HANDOFF,
        Kind.DRAIN,
        Kind.TURN_LIMIT,
        Kind.DISABLE_TOOLS,
        Kind.READ_ONLY,
        Kind.EGRESS_CUT,
        Kind.MODEL_PIN,
    }
)
"""What a gateway sees enough to enforce; nothing else is reported as applied."""
MOST_AGENTS = 200
UNDESCRIBED = Tool()


class TooManyAgents(Exception):
    """More agents than one gateway is meant to keep connections for."""


class Gate:
    """One client per agent that comes by, connected at its first request."""

    def __init__(self, connect: Callable[[str], Client], tools: Mapping[str, Tool]) -> None:
        self._connect = connect
        self._tools = tools
        self._clients: dict[str, Client] = {}
        self._lock = threading.Lock()

    def client(self, agent: str) -> Client:
        """The client of that agent; the first call waits up to 2 s for the controls, so never on an event loop.

        Raises:
            TooManyAgents: more than 200 agents were named.
        """
        with self._lock:
            if agent not in self._clients:
                if len(self._clients) >= MOST_AGENTS:
                    raise TooManyAgents(f"This gateway already serves {MOST_AGENTS} agents; {agent!r} is one too many.")
                self._clients[agent] = self._connect(agent).start()
            return self._clients[agent]

    def known(self, agent: str) -> Client | None:
        """The client of an agent that came by before, without waiting."""
        return self._clients.get(agent)

    def close(self) -> None:
        """End all connections."""
        with self._lock:
            for client in self._clients.values():
                client.close()
            self._clients.clear()

    def admit(self, controls: Controls, data: dict[str, Any], turns: int, task: str) -> Refused | None:
        """Refuse the request, or change it in place: pinned model, fewer tools."""
        refusal = of_call(controls, None) or of_budget(controls, turns, None, 0.0)
        if refusal is None and turns == 0:
            refusal = of_task(_seen_here(controls), task, queued=False)
        if refusal is not None:
            return refusal
        if controls.model:
            data["model"] = controls.model
        without_tools(data, lambda name: self.refused(controls, name))
        return None

    def refused(self, controls: Controls, tool: str) -> Refused | None:
        """Why that tool may not be called, or None."""
        return of_call(controls, tool, self._tools.get(tool, UNDESCRIBED))

    def calls_refused(self, controls: Controls, answer: object) -> Refused | None:
        """Why an answer may not be passed on: it calls a tool that may not be called."""
        if not (controls.disabled_tools or controls.read_only or controls.egress_cut or controls.halt):
            return None
        return next((why for name in tools_called(answer) if (why := self.refused(controls, name))), None)


def _seen_here(controls: Controls) -> Controls:
    """Of what speaks about new tasks, the part that a gateway can tell."""
    return Controls(drain=controls.drain, handoff=controls.handoff, because=controls.because)


def connected(agent: str) -> Client:
    """A client with the settings of the environment; see the README."""
    return Client(
        agent=agent,
        environment=os.environ.get("FIRSTFIVE_ENVIRONMENT", ""),
        instance=f"litellm-{socket.gethostname()}-{os.getpid()}",
        enforces=ENFORCED,
    )


def described(read_only: str, internal: str) -> dict[str, Tool]:
    """Tools from two comma-separated lists: those that only read, and those that do not reach out."""
    reads, stays = _names(read_only), _names(internal)
    return {name: Tool(writes=name not in reads, egress=name not in stays) for name in reads | stays}


def _names(text: str) -> frozenset[str]:
    return frozenset(name.strip() for name in text.split(",") if name.strip())
