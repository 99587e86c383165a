"""What people wrote for us, read with every mistake in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.app.drivers import mistakes_in
from bot.documents.catalogue import read_catalogue
from bot.documents.redaction import read_redaction
from bot.documents.runbooks import packaged, read_runbooks
from bot.documents.taxonomy import read_taxonomy
from bot.documents.yaml_lines import Mistake
from bot.incident.errors import Misconfigured
from bot.incident.model import Catalogue
from bot.incident.rules import Taxonomy
from bot.incident.runbook import Runbook
from bot.incident.taxonomy import IncidentClass
from bot.settings.concerns import Settings
from bot.settings.home import HomeSettings
from bot.sources.redaction import Privacy, Redaction


@dataclass(frozen=True, slots=True)
class Documents:
    """What people wrote for us: agents, classes and questions, runbooks, and what must not be kept."""

    catalogue: Catalogue
    runbooks: Mapping[IncidentClass, Runbook]
    taxonomy: Taxonomy
    redacted: Sequence[tuple[str, str]] = ()  # mark and pattern, beside those of everybody

    @property
    def privacy(self) -> Privacy:
        """How much of what agents and users say is kept."""
        open_books = [agent.telemetry_names for agent in self.catalogue.agents if agent.full_text]
        return Privacy(Redaction(self.redacted), frozenset(name for names in open_books for name in names))


def read_documents(settings: Settings) -> Documents:
    """The catalogue, the taxonomy and the runbooks.

    Raises:
        Misconfigured: one of them has a mistake; the first is named with file and line.
    """
    documents, mistakes = documents_and_mistakes(settings)
    if mistakes:
        more = f" ({len(mistakes) - 1} more; `firstfive check` lists them)" if len(mistakes) > 1 else ""
        raise Misconfigured(f"{mistakes[0]}{more}")
    return documents


def documents_and_mistakes(settings: Settings) -> tuple[Documents, tuple[Mistake, ...]]:
    """What can be read, and every mistake in it."""
    file = Path(settings.home.catalogue)
    if not file.exists() and settings.home.catalogue != HomeSettings().catalogue:
        missing = Mistake(file, 1, "does not exist; FIRSTFIVE_CATALOGUE names it.")
        return Documents(Catalogue(), {}, Taxonomy()), (missing,)
    found = read_catalogue(file)
    catalogue, mistakes = (found, ()) if isinstance(found, Catalogue) else (Catalogue(), found)
    read = read_taxonomy(Path(settings.home.taxonomy) if settings.home.taxonomy else None)
    folder = Path(settings.home.runbooks) if settings.home.runbooks else packaged()
    runbooks, wrong = read_runbooks(folder, read)
    redacted, odd = read_redaction(Path(settings.telemetry.redaction)) if settings.telemetry.redaction else ((), ())
    wiring = mistakes_in(settings, catalogue)
    return Documents(catalogue, runbooks, read.taxonomy, redacted), (*mistakes, *wiring, *read.mistakes, *wrong, *odd)
