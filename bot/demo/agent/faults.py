"""The faults the demo can be given, and what each one deploys.

A fault is never announced. What shows is only what it changes: a prompt version, a release,
a slow provider, a tool that fails.
"""

import threading
from dataclasses import dataclass, replace
from enum import StrEnum


class Fault(StrEnum):
    """What is wrong with the simulated agents at the moment."""

    NONE = "none"
    LOOP = "loop"
    TOOL = "tool"
    PROVIDER = "provider"
    MODEL_SWAP = "model-swap"
    QUALITY = "quality"
    HARD = "hard"
    BEHAVIOUR = "behaviour"
    ACTION = "action"
    SECURITY = "security"


DESCRIPTIONS: dict[Fault, str] = {
    Fault.NONE: "Everything works.",
    Fault.LOOP: "A new prompt makes the planner repeat one call until its step limit.",
    Fault.TOOL: "The knowledge base and the VPN status tool fail or time out.",
    Fault.PROVIDER: "The model provider refuses many calls and answers slowly.",
    Fault.MODEL_SWAP: "The provider answers with a smaller model than was asked for.",
    Fault.QUALITY: "A new prompt gives wrong answers; nothing else changes.",
    Fault.HARD: "A new release crashes or hangs before the first model call.",
    Fault.BEHAVIOUR: "A new prompt breaks the content policy, more so late in a conversation.",
    Fault.ACTION: "A new release writes without approval and claims what it has not done.",
    Fault.SECURITY: "Ticket attachments carry instructions that the agent follows.",
}


@dataclass(frozen=True, slots=True)
class Deployment:
    """What is deployed for one agent."""

    version: str
    prompt_version: str


_STABLE = Deployment(version="4.12.0", prompt_version="p-118")
_HELPDESK_DEPLOYMENTS: dict[Fault, Deployment] = {
    Fault.LOOP: Deployment("4.12.0", "p-120"),
    Fault.QUALITY: Deployment("4.12.0", "p-119"),
    Fault.BEHAVIOUR: Deployment("4.12.0", "p-121"),
    Fault.HARD: Deployment("4.13.0", "p-118"),
    Fault.ACTION: Deployment("4.13.1", "p-118"),
}


_PROVIDER_FAULTS = frozenset({Fault.PROVIDER, Fault.MODEL_SWAP})


def felt(agent: str, provider: str, fault: Fault) -> Fault:
    """Return the fault as one agent feels it: the provider's hit all its customers, the rest the helpdesk alone."""
    hit = provider == "orion" if fault in _PROVIDER_FAULTS else agent == "helpdesk-agent"
    return fault if hit else Fault.NONE


def deployed(agent: str, fault: Fault) -> Deployment:
    """Return the release and prompt that `agent` runs under `fault`; only the helpdesk is ever redeployed."""
    if agent != "helpdesk-agent":
        return Deployment(version="2.3.1", prompt_version="p-40")
    return _HELPDESK_DEPLOYMENTS.get(fault, _STABLE)


_PROMPT_FAULTS = frozenset({Fault.LOOP, Fault.QUALITY, Fault.BEHAVIOUR})


def with_prompt(fault: Fault, deployment: Deployment, version: str) -> tuple[Fault, Deployment]:
    """Return what is felt with another version of the prompt: a fault that came with the released one is gone."""
    if version == deployment.prompt_version:
        return fault, deployment
    return Fault.NONE if fault in _PROMPT_FAULTS else fault, replace(deployment, prompt_version=version)


class FaultSwitch:
    """The fault of the moment, set by one thread and read by all."""

    def __init__(self, fault: Fault = Fault.NONE) -> None:
        self._lock = threading.Lock()
        self._fault = fault

    @property
    def current(self) -> Fault:
        """The fault that new tasks start under."""
        with self._lock:
            return self._fault

    def set(self, fault: Fault) -> None:
        """Switch to `fault`; tasks already running finish under the old one."""
        with self._lock:
            self._fault = fault
