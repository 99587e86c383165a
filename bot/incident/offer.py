"""What is put before a responder to choose from."""

from dataclasses import dataclass
from enum import StrEnum

from bot.incident.control_values import label_of
from bot.incident.kinds import MitigationKind, Value
from bot.incident.mitigation import whole


class Standing(StrEnum):
    """How a mitigation stands to the incident at hand."""

    FITS = "fits"
    ALLOWED = "allowed"
    CONTRAINDICATED = "contraindicated"


@dataclass(frozen=True, slots=True)
class Offer:
    """A mitigation put before a responder: what, how it stands and why, and what it would touch.

    ``touches_k`` of ``touches_n`` tasks of the last hour would have been affected; None when
    there was no traffic to tell from.
    """

    kind: MitigationKind
    value: Value
    standing: Standing
    why: str
    touches_k: int | None = None
    touches_n: int | None = None

    @property
    def label(self) -> str:
        """Name with its figure."""
        return label_of(self.kind, self.value)

    @property
    def limit(self) -> int | None:
        """Its figure, where that is a whole number; else None."""
        return whole(self.kind, self.value)
