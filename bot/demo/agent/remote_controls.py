"""Controls read through OpenFeature before every step.

Fail-static: when the control plane cannot be asked, the last value it gave stays in force. A halt
does not end because the network did.
"""

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar, cast

from openfeature import api
from openfeature.client import OpenFeatureClient
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import FlagEvaluationDetails

from bot.demo.agent.clock import NANOSECONDS, Clock
from bot.demo.agent.controls import DISABLED_TOOLS, HALT, HANDOFF, MAX_STEPS, MAX_TURNS, MODEL, PROMPT, Caller

T = TypeVar("T")
Ask = Callable[[EvaluationContext], FlagEvaluationDetails[T]]
_TIMEOUT_SECONDS = 0.25
_PAUSE_AFTER_FAILURE_NS = NANOSECONDS // 2


def connect(base_url: str) -> OpenFeatureClient:
    """Return the OpenFeature client that asks the control plane at `base_url` over OFREP.

    The bearer token is `FIRSTFIVE_CONTROL_TOKEN`, when set.
    """
    token = os.environ.get("FIRSTFIVE_CONTROL_TOKEN")
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    provider = OFREPProvider(base_url, headers_factory=lambda: headers, timeout=_TIMEOUT_SECONDS)
    domain = f"helpdesk {base_url}"
    api.set_provider(provider, domain)
    return api.get_client(domain)


@dataclass(slots=True)
class RemoteControls:
    """Controls asked for at every step, each remembered by who asked for what."""

    client: OpenFeatureClient
    clock: Clock
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _known: dict[tuple[str, str], object] = field(default_factory=dict)
    _unreachable_until_ns: int = 0

    def halted(self, caller: Caller) -> bool:
        """Whether no further step may be taken; false until the control plane has said otherwise."""
        return self.on(HALT, caller)

    def on(self, switch: str, caller: Caller) -> bool:
        """Whether a switch is on; false until the control plane has said otherwise."""
        ask = self.client.get_boolean_details
        return self._ask(switch, caller, False, lambda context: ask(switch, False, context))

    def turn_limit(self, caller: Caller, default: int) -> int:
        """Model calls that a task may make; never more than the agent's own limit, which zero or less means."""
        return self._limit(MAX_TURNS, caller, default)

    def step_limit(self, caller: Caller, default: int) -> int:
        """Tool calls that a task may make; never more than the agent's own limit, which zero or less means."""
        return self._limit(MAX_STEPS, caller, default)

    def _limit(self, key: str, caller: Caller, default: int) -> int:
        ask = self.client.get_integer_details
        limit = self._ask(key, caller, default, lambda context: ask(key, default, context))
        return min(limit, default) if limit > 0 else default

    def handoff(self, caller: Caller) -> str:
        """Which tasks people take over: off, new or all."""
        ask = self.client.get_string_details
        return self._ask(HANDOFF, caller, "off", lambda context: ask(HANDOFF, "off", context))

    def prompt(self, caller: Caller, default: str) -> str:
        """The version of the prompt to use; an empty one means the released one."""
        ask = self.client.get_string_details
        return self._ask(PROMPT, caller, default, lambda context: ask(PROMPT, default, context)) or default

    def disabled_tools(self, caller: Caller) -> frozenset[str]:
        """Tools that may not be called: a list of names, or an object with such a list under `tools`."""
        nothing: list[str] = []
        ask = self.client.get_object_details
        value = self._ask(
            DISABLED_TOOLS,
            caller,
            cast("object", nothing),
            lambda context: cast("FlagEvaluationDetails[object]", ask(DISABLED_TOOLS, nothing, context)),
        )
        return _names(value)

    def model(self, caller: Caller, default: str) -> str:
        """The model to ask; an empty name means the agent's own."""
        ask = self.client.get_string_details
        return self._ask(MODEL, caller, default, lambda context: ask(MODEL, default, context)) or default

    def seen(self) -> dict[str, object]:
        """Return the values last heard of, by agent and control."""
        with self._lock:
            return {
                f"{agent} {key}": sorted(_names(value)) if key == DISABLED_TOOLS else value
                for (agent, key), value in self._known.items()
            }

    def reachable(self) -> bool:
        """Whether the last question was answered."""
        return self._unreachable_until_ns == 0

    def _ask(self, key: str, caller: Caller, default: T, ask: "Ask[T]") -> T:
        slot = (caller.agent, key)
        if self.clock.now_ns() < self._unreachable_until_ns:
            return self._last(slot, default)
        details = ask(_context(caller))
        if details.error_code is ErrorCode.FLAG_NOT_FOUND:
            # An answer, not an outage: the control plane knows of no such control.
            value = default
        elif details.error_code is not None:
            # A hung control plane must not cost every step its time-out.
            self._unreachable_until_ns = self.clock.now_ns() + _PAUSE_AFTER_FAILURE_NS
            return self._last(slot, default)
        else:
            value = details.value
        self._unreachable_until_ns = 0
        with self._lock:
            self._known[slot] = value
        return value

    def _last(self, slot: tuple[str, str], default: T) -> T:
        with self._lock:
            return cast("T", self._known.get(slot, default))


def _context(caller: Caller) -> EvaluationContext:
    return EvaluationContext(
        targeting_key=caller.session,
        attributes={
            "agent": caller.agent,
            "env": caller.environment,
            "tenant": caller.tenant,
            "version": caller.version,
            "channel": caller.channel,
            "instance": caller.instance,
        },
    )


def _names(value: object) -> frozenset[str]:
    if isinstance(value, Mapping):
        value = value.get("tools", [])
    if isinstance(value, Sequence) and not isinstance(value, str):
        return frozenset(str(name) for name in value)
    return frozenset()
