"""The three axes of an incident.

Class is the symptom that telemetry shows in five minutes. Suspected cause is a hypothesis
and unlocks remediation. Severity is impact; a class only sets its floor. What a class means, and how it is told, is data:
see ``rules.py`` and ``taxonomy.yaml``.
"""

from enum import StrEnum
from typing import ClassVar

from bot.incident.names import Name


class IncidentClass(Name):
    """An operational class, by its id. These nine come along; a team's taxonomy may have more."""

    SECU: ClassVar["IncidentClass"]
    ACTN: ClassVar["IncidentClass"]
    BEHV: ClassVar["IncidentClass"]
    HARD: ClassVar["IncidentClass"]
    PROV: ClassVar["IncidentClass"]
    TOOL: ClassVar["IncidentClass"]
    LOOP: ClassVar["IncidentClass"]
    QUAL: ClassVar["IncidentClass"]
    UNKN: ClassVar["IncidentClass"]


for _id in ("SECU", "ACTN", "BEHV", "HARD", "PROV", "TOOL", "LOOP", "QUAL", "UNKN"):
    setattr(IncidentClass, _id, IncidentClass(_id))


class Cause(StrEnum):
    """The suspected cause: a hypothesis that unlocks remediation."""

    OUR_PROMPT = "our-prompt"
    OUR_CODE_OR_CONFIG = "our-code-or-config"
    MODEL_OR_PROVIDER = "model-or-provider"
    TOOL_OR_API = "tool-or-API"
    DATA_OR_INDEX_OR_MEMORY = "data-or-index-or-memory"
    TRAFFIC_MIX = "traffic-mix"
    ADVERSARY = "adversary"
    UNKNOWN = "unknown"


class Severity(StrEnum):
    """Impact, worst first."""

    SEV1 = "SEV1"
    SEV2 = "SEV2"
    SEV3 = "SEV3"
    SEV4 = "SEV4"

    @property
    def rank(self) -> int:
        """1 for the worst, 4 for a near miss."""
        return int(self.value[-1])

    def at_least(self, floor: "Severity") -> "Severity":
        """The worse of the two."""
        return self if self.rank <= floor.rank else floor

    def raised(self) -> "Severity":
        """One level worse, SEV1 at most."""
        return Severity(f"SEV{max(1, self.rank - 1)}")


class Confidence(StrEnum):
    """How far telemetry carries a classification."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
