"""What each class is called in public taxonomies, for the postmortem: candidates to choose from, not a verdict.

Sources: MAST (arXiv 2503.13657), OWASP Top 10 for Agentic Applications, MITRE ATLAS, CoSAI AI incident
response, AgentRx. ATLAS names techniques of adversaries only, so most classes have none unless somebody attacks.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.incident.taxonomy import Cause, IncidentClass

_MAST = {
    "1.1": "disobey task specification",
    "1.2": "disobey role specification",
    "1.3": "step repetition",
    "1.4": "loss of conversation history",
    "1.5": "unaware of termination conditions",
    "2.1": "conversation reset",
    "2.2": "fail to ask for clarification",
    "2.3": "task derailment",
    "2.4": "information withholding",
    "2.5": "ignored other agent's input",
    "2.6": "reasoning-action mismatch",
    "3.1": "premature termination",
    "3.2": "no or incomplete verification",
    "3.3": "incorrect verification",
}
_OWASP = {
    1: "agent goal hijack",
    2: "tool misuse and exploitation",
    3: "identity and privilege abuse",
    4: "agentic supply chain",
    5: "unexpected code execution",
    6: "memory and context poisoning",
    7: "insecure inter-agent communication",
    8: "cascading failures",
    9: "human-agent trust exploitation",
    10: "rogue agents",
}
_ATLAS = {
    "AML.T0010": "AI supply chain compromise",
    "AML.T0029": "denial of AI service",
    "AML.T0034": "cost harvesting",
    "AML.T0051": "LLM prompt injection",
    "AML.T0053": "AI agent tool invocation",
    "AML.T0054": "LLM jailbreak",
    "AML.T0070": "RAG poisoning",
    "AML.T0080": "AI agent context poisoning",
    "AML.T0086": "exfiltration via AI agent tool invocation",
}


@dataclass(frozen=True, slots=True)
class Labels:
    """The names of one class elsewhere. ``atlas_if_attacked`` counts only where the cause is an adversary."""

    mast: tuple[str, ...] = ()
    owasp: tuple[int, ...] = ()
    atlas: tuple[str, ...] = ()
    atlas_if_attacked: tuple[str, ...] = ()
    cosai: str = ""
    agentrx: tuple[str, ...] = ()


LABELS: Mapping[IncidentClass, Labels] = {
    IncidentClass.SECU: Labels(
        owasp=(1, 3, 4, 5, 6, 7),
        atlas=("AML.T0051", "AML.T0053", "AML.T0070", "AML.T0080", "AML.T0086", "AML.T0010"),
        cosai="B, D",
    ),
    IncidentClass.ACTN: Labels(
        mast=("2.6",),
        owasp=(2, 3, 10),
        atlas_if_attacked=("AML.T0053",),
        cosai="rogue agent",
        agentrx=("Adherence, with a write",),
    ),
    IncidentClass.BEHV: Labels(
        mast=("1.2",),
        owasp=(9, 10),
        atlas_if_attacked=("AML.T0054",),
        cosai="A output, C",
        agentrx=("Guardrails Triggered",),
    ),
    IncidentClass.HARD: Labels(
        owasp=(8,), atlas_if_attacked=("AML.T0029",), cosai="infrastructure", agentrx=("System Failure",)
    ),
    IncidentClass.PROV: Labels(
        owasp=(8,), atlas_if_attacked=("AML.T0029",), cosai="infrastructure", agentrx=("System Failure",)
    ),
    IncidentClass.TOOL: Labels(
        mast=("2.1", "2.4"),
        owasp=(2, 8),
        atlas_if_attacked=("AML.T0053",),
        cosai="deployment",
        agentrx=("Invalid Invocation", "System Failure"),
    ),
    IncidentClass.LOOP: Labels(
        mast=("1.3", "1.5", "2.1"),
        owasp=(8,),
        atlas_if_attacked=("AML.T0034",),
        cosai="A",
        agentrx=("Adherence, repeated",),
    ),
    IncidentClass.QUAL: Labels(
        mast=("1.1", "1.4", "2.2", "2.3", "2.4", "2.5", "2.6", "3.1", "3.2", "3.3"),
        owasp=(8, 9),
        atlas_if_attacked=("AML.T0070",),
        cosai="A",
        agentrx=("Adherence", "Invention", "Misinterpretation", "Intent-Plan", "Underspecified"),
    ),
    IncidentClass.UNKN: Labels(),
}


def labels_in_words(incident_class: IncidentClass, cause: Cause | None = None) -> tuple[str, ...]:
    """One sentence for each public taxonomy that has a name for the class."""
    known = LABELS[incident_class]
    atlas = known.atlas + (known.atlas_if_attacked if cause is Cause.ADVERSARY else ())
    said = (
        ("MAST", [f"{code} {_MAST[code]}" for code in known.mast]),
        ("OWASP agentic", [f"ASI{number:02} {_OWASP[number]}" for number in known.owasp]),
        ("MITRE ATLAS", [f"{code} {_ATLAS[code]}" for code in atlas]),
        ("CoSAI", [known.cosai] if known.cosai else []),
        ("AgentRx", list(known.agentrx)),
    )
    return tuple(f"{name}: {', '.join(names)}." for name, names in said if names)
