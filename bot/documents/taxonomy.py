"""The taxonomy: ``taxonomy.yaml``, and a team's own file over it, into :class:`bot.incident.rules.Taxonomy`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bot.documents.taxonomy_checks import odd
from bot.documents.taxonomy_file import TaxonomyFile
from bot.documents.yaml_lines import Document, Mistake, mistakes_of, parse, read_text
from bot.incident.classification import Question
from bot.incident.rules import Taxonomy
from bot.incident.taxonomy import IncidentClass

LISTS = ("classes", "questions", "severity")
PLACES = ("after", "before")
_Where = tuple[str | int, ...]
_Plain = dict[str, Any]


def packaged() -> Path:
    """The file that comes along."""
    here = Path(__file__).resolve().parents[1]
    shipped = here / "data" / "taxonomy.yaml"
    return shipped if shipped.is_file() else here.parent / "taxonomy.yaml"


@dataclass(frozen=True, slots=True)
class Read:
    """A taxonomy, what is wrong in its files, and where each class stands in them.

    With a mistake in the team's own file the taxonomy is the one that comes along.
    """

    taxonomy: Taxonomy
    mistakes: tuple[Mistake, ...] = ()
    places: Mapping[IncidentClass, tuple[Path, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Written:
    """One file as it was written."""

    file: Path
    document: Document

    @property
    def value(self) -> _Plain:
        """Its mapping; empty where it holds nothing."""
        return self.document.value or {}

    def entries(self, name: str) -> list[_Plain]:
        """The entries of one list."""
        return list(self.value.get(name) or [])

    def at(self, path: _Where) -> Mistake:
        """A mistake at that path, its sentence still empty."""
        return Mistake(self.file, self.document.line(path), "")


def read_taxonomy(own: Path | None = None, ours: Path | None = None) -> Read:
    """The taxonomy that comes along, with ``own`` over it where a team has one."""
    base = _written(ours or packaged())
    if isinstance(base, tuple):
        return Read(Taxonomy(), base)
    plain = _read(base, None)
    over = _written(own) if own else None
    if own is None or plain.mistakes:
        return plain
    if isinstance(over, tuple):
        return Read(plain.taxonomy, over, plain.places)
    both = _read(base, over)
    return both if not both.mistakes else Read(plain.taxonomy, both.mistakes, plain.places)


def _written(file: Path) -> Written | tuple[Mistake, ...]:
    text = read_text(file)
    if isinstance(text, Mistake):
        return (text,)
    document = parse(text, file)
    if isinstance(document, Mistake):
        return (document,)
    written = Written(file, document)
    wrong = tuple(_misshapen(written))
    return wrong or written


def _misshapen(written: Written) -> list[Mistake]:
    """What must be right before two files can be laid over one another: lists of mappings with an id each, once."""
    file, document = written.file, written.document
    if not isinstance(document.value, dict | None):
        return [Mistake(file, 1, "must be a mapping; write fields like `classes:` and `questions:`.")]
    found = []
    for name in LISTS:
        listed = written.value.get(name) or []
        if not isinstance(listed, list):
            found.append(Mistake(file, document.line((name,)), f"{name} must be a list; begin each entry with a dash."))
            continue
        seen: set[str] = set()
        for at, entry in enumerate(listed):
            line = document.line((name, at))
            if not isinstance(entry, dict) or not isinstance(entry.get("id"), str):
                found.append(Mistake(file, line, f"{name}.{at} has no id; begin it with `- id: …`."))
            elif entry["id"] in seen:
                found.append(Mistake(file, line, f"{entry['id']} stands here twice; keep one entry."))
            else:
                seen.add(entry["id"])
    return found


def _read(base: Written, over: Written | None) -> Read:
    merged = laid_over(base.value, over.value if over else {})
    try:
        parsed = TaxonomyFile.model_validate(merged)
    except ValidationError as error:
        return Read(Taxonomy(), _mended(error, merged, base, over))
    taxonomy = made(parsed)
    wrong = [
        Mistake(place.file, place.line, said)
        for path, said in odd(parsed, taxonomy)
        for place in [place_of(path, merged, base, over)]
    ]
    places = {
        IncidentClass(one.id): (place.file, place.line)
        for at, one in enumerate(parsed.classes)
        for place in [place_of(("classes", at), merged, base, over)]
    }
    return Read(taxonomy, tuple(wrong), places)


def laid_over(base: _Plain, over: _Plain) -> _Plain:
    """``over``'s entries by id over ``base``'s: a field that is given replaces ours, an entry we lack is added."""
    merged: _Plain = {**base, **{key: value for key, value in over.items() if key not in {*LISTS, "label_names"}}}
    for name in LISTS:
        theirs = {entry["id"]: entry for entry in over.get(name) or []}
        ours = [{**entry, **theirs.pop(entry["id"], {})} for entry in base.get(name) or []]
        merged[name] = [*ours, *theirs.values()]
    names, more = base.get("label_names") or {}, over.get("label_names") or {}
    merged["label_names"] = {key: {**(names.get(key) or {}), **(more.get(key) or {})} for key in {*names, *more}}
    if over.get("version"):
        merged["version"] = f"{base.get('version')} + {over['version']}"
    merged["order"] = _placed(list(merged.get("order") or []), merged["questions"])
    merged["questions"] = [{k: v for k, v in one.items() if k not in PLACES} for one in merged["questions"]]
    return merged


def _placed(order: list[str], questions: list[_Plain]) -> list[str]:
    """The order with every question that says behind or before which other one it is asked."""
    for question in questions:
        for side, step in (("after", 1), ("before", 0)):
            if (other := question.get(side)) in order and question["id"] not in order:
                order.insert(order.index(other) + step, question["id"])
    return order


def place_of(path: _Where, merged: _Plain, base: Written, over: Written | None) -> Mistake:
    """Where a path of the merged taxonomy was written: in the team's file where it has that entry and field."""
    if over is None:
        return base.at(path)
    if path and path[0] not in LISTS:
        return over.at(path) if path[0] in over.value else base.at(path)
    name, at = str(path[0]), path[1] if len(path) > 1 else None
    if not isinstance(at, int):
        return over.at(path) if name in over.value else base.at(path)
    wanted = merged[name][at]["id"]
    for written, whole in ((over, not any(one["id"] == wanted for one in base.entries(name))), (base, True)):
        found = next((i for i, one in enumerate(written.entries(name)) if one["id"] == wanted), None)
        if found is not None and (whole or len(path) < 3 or path[2] in written.entries(name)[found]):  # noqa: PLR2004
            return written.at((name, found, *path[2:]))
    return base.at(path)


def _mended(error: ValidationError, merged: _Plain, base: Written, over: Written | None) -> tuple[Mistake, ...]:
    """Validation errors with the place each was written in."""
    found = []
    for problem, said in zip(error.errors(), mistakes_of(error, base.document, base.file), strict=True):
        path = tuple(problem["loc"])
        place = place_of(path, merged, base, over)
        found.append(Mistake(place.file, place.line, said.sentence))
    return tuple(found)


def made(parsed: TaxonomyFile) -> Taxonomy:
    """The value, its questions in the order in which they are asked."""
    facts = {Question(one.id): one.made() for one in parsed.questions}
    order = tuple(Question(name) for name in parsed.order)
    about = [name for name, one in facts.items() if one.role.value != "class"]
    asked: list[Question] = []
    left = [*about, *order]
    while left:
        question = left.pop(0)
        if question in facts and question not in asked:
            asked.append(question)
            left = [*facts[question].then, *left]
    return Taxonomy(
        parsed.version,
        {IncidentClass(one.id): one.made() for one in parsed.classes},
        {question: facts[question] for question in asked},
        order,
        tuple(one.made() for one in parsed.severity),
        parsed.label_names.made(),
    )
