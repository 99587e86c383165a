"""Runbooks: Markdown with YAML front matter, one file a class, into :class:`bot.incident.runbook.Runbook`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.documents.yaml_lines import Document, Mistake, mistakes_of, parse, read_text
from bot.incident.runbook import Runbook
from bot.incident.taxonomy import IncidentClass

_Step = Annotated[str, Field(min_length=3, max_length=200)]
_SHORTEST_BODY = 200  # characters; less is a placeholder


class _Front(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    incident_class: IncidentClass = Field(alias="class")
    title: str = Field(min_length=3, max_length=120)
    first_five: tuple[_Step, ...] = Field(min_length=2, max_length=5)
    containment: tuple[_Step, ...] = Field(min_length=1)
    do_not: tuple[_Step, ...] = Field(min_length=1)
    confirm: tuple[_Step, ...] = Field(min_length=1)
    recovered_when: str = Field(min_length=10)


def packaged() -> Path:
    """The folder of the runbooks that come along."""
    here = Path(__file__).resolve().parents[1]
    return here / "data" / "runbooks" if (here / "data" / "runbooks").is_dir() else here.parent / "runbooks"


def read_runbooks(folder: Path) -> tuple[Mapping[IncidentClass, Runbook], tuple[Mistake, ...]]:
    """Every class's runbook, and what is wrong in the folder.

    A class that ``folder`` does not cover takes the packaged runbook, so that no class is without one.
    """
    found: dict[IncidentClass, Runbook] = {}
    mistakes: list[Mistake] = []
    if not folder.is_dir():
        mistakes.append(Mistake(folder, 1, "is no folder; set FIRSTFIVE_RUNBOOKS to one, or unset it."))
    for file in sorted(folder.glob("*.md")):
        runbook = read_runbook(file)
        if isinstance(runbook, tuple):
            mistakes.extend(runbook)
        elif runbook.incident_class in found:
            mistakes.append(
                Mistake(file, 1, f"{runbook.incident_class.value} has a runbook already; keep one file a class.")
            )
        else:
            found[runbook.incident_class] = runbook
    if folder != packaged():
        found = {**read_runbooks(packaged())[0], **found}
    missing = [name.value for name in IncidentClass if name not in found]
    if missing:
        mistakes.append(Mistake(folder, 1, f"no runbook for {', '.join(missing)}; add one file a class."))
    return found, tuple(mistakes)


def read_runbook(file: Path) -> Runbook | tuple[Mistake, ...]:
    """The runbook in ``file``, or every mistake in it."""
    text = read_text(file)
    if isinstance(text, Mistake):
        return (text,)
    if not text.startswith("---\n") or "\n---\n" not in text[4:]:
        return (Mistake(file, 1, "starts without front matter; begin with a line ---, the fields, and another ---."),)
    front, body = text[4:].split("\n---\n", 1)
    document = parse(front, file, first_line=2)
    if isinstance(document, Mistake):
        return (document,)
    if len(body.strip()) < _SHORTEST_BODY:
        line = front.count("\n") + 4
        return (Mistake(file, line, f"the text has under {_SHORTEST_BODY} characters; write what a responder needs."),)
    return _runbook(document, body, file)


def _runbook(document: Document, body: str, file: Path) -> Runbook | tuple[Mistake, ...]:
    try:
        front = _Front.model_validate(document.value or {})
    except ValidationError as error:
        return mistakes_of(error, document, file)
    return Runbook(
        incident_class=front.incident_class,
        title=front.title,
        first_five=front.first_five,
        containment=front.containment,
        do_not=front.do_not,
        confirm=front.confirm,
        recovered_when=front.recovered_when,
        body=body.strip() + "\n",
    )
