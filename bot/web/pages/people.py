"""Who acts through a form."""

from bot.incident.errors import BadInput
from bot.incident.model import Person


def person_in(filled: dict[str, str]) -> Person:
    """Whoever gave their name in the form.

    Raises:
        BadInput: nobody did.
    """
    name = " ".join(filled.get("name", "").split())[:80]
    if not name:
        raise BadInput("name", "Write your name: the timeline says who filled it in.")
    return Person(f"api:{name}", name)
