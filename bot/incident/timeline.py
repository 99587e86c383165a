"""The timeline is the truth: immutable events, each of which holds one *fact* (``bot/incident/facts``).

The name under which a fact is stored is its class name in snake case (``MitigationApplied`` is
stored as ``mitigation_applied``); renaming one needs a migration.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from bot.incident.codec import decode, encode
from bot.incident.facts.approving import ApprovalFact
from bot.incident.facts.classifying import ClassifyingFact
from bot.incident.facts.closing import ClosingFact
from bot.incident.facts.control import ControlFact
from bot.incident.facts.declaring import DeclaringFact
from bot.incident.facts.mitigating import MitigatingFact
from bot.incident.facts.people import PeopleFact
from bot.incident.model import IncidentKey, Person
from bot.incident.remediation import RemediationFact

Fact: TypeAlias = (
    DeclaringFact
    | ClassifyingFact
    | PeopleFact
    | MitigatingFact
    | ControlFact
    | ApprovalFact
    | RemediationFact
    | ClosingFact
)


def kind_of(fact: Fact | type) -> str:
    """The stored name of a fact: ``mitigation_applied``."""
    name = fact.__name__ if isinstance(fact, type) else type(fact).__name__
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


FACTS: Mapping[str, type] = {kind_of(fact): fact for fact in Fact.__args__}


def fact_to_json(fact: Fact) -> tuple[str, dict[str, Any]]:
    """The stored name and JSON body of a fact."""
    body: dict[str, Any] = encode(fact)
    return kind_of(fact), body


def fact_from_json(kind: str, body: Mapping[str, Any]) -> Fact:
    """The fact stored under ``kind``.

    Raises:
        ValueError: the kind is unknown or its body does not fit.
    """
    if kind not in FACTS:
        raise ValueError(f"unknown event kind {kind!r}")
    fact: Fact = decode(FACTS[kind], body)
    return fact


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of a timeline. ``seq`` counts from 1 within its incident."""

    incident: IncidentKey
    seq: int
    at: datetime
    by: Person
    fact: Fact

    @property
    def id(self) -> str:
        """The name by which the postmortem cites it: ``INC-7#3``."""
        return f"{self.incident}#{self.seq}"
