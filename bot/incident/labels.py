"""What each class is called in public taxonomies, for the postmortem: candidates to choose from, not a verdict."""

from bot.incident.rules import Taxonomy
from bot.incident.taxonomy import Cause, IncidentClass


def labels_in_words(incident_class: IncidentClass, taxonomy: Taxonomy, cause: Cause | None = None) -> tuple[str, ...]:
    """One sentence for each public taxonomy that has a name for the class.

    MITRE ATLAS names techniques of adversaries only, so most classes have none unless somebody attacks.
    """
    known, names = taxonomy.facts(incident_class).labels, taxonomy.label_names
    atlas = known.atlas + (known.atlas_if_attacked if cause is Cause.ADVERSARY else ())
    said = (
        ("MAST", [f"{code} {names.mast[code]}" for code in known.mast]),
        ("OWASP agentic", [f"ASI{number:02} {names.owasp[number]}" for number in known.owasp]),
        ("MITRE ATLAS", [f"{code} {names.atlas[code]}" for code in atlas]),
        ("CoSAI", [known.cosai] if known.cosai else []),
        ("AgentRx", list(known.agentrx)),
    )
    return tuple(f"{name}: {', '.join(listed)}." for name, listed in said if listed)
