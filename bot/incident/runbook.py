"""A runbook: what to do in the first five minutes for one class, and what not to do."""

from dataclasses import dataclass

from bot.incident.taxonomy import IncidentClass


@dataclass(frozen=True, slots=True)
class Runbook:
    """One class's runbook. ``body`` is Markdown; ``first_five`` are the steps shown on the card."""

    incident_class: IncidentClass
    title: str
    first_five: tuple[str, ...]
    containment: tuple[str, ...]
    do_not: tuple[str, ...]
    confirm: tuple[str, ...]
    recovered_when: str
    body: str
