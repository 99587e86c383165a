"""Runbooks: Markdown with YAML front matter, one file a class, into :class:`bot.incident.runbook.Runbook`."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from pydantic import ValidationError

from bot.documents.runbook_file import Front, StepEntry, made
from bot.documents.taxonomy import Read
from bot.documents.yaml_lines import Document, Mistake, mistakes_of, parse, read_text
from bot.incident.recovery import known_signal
from bot.incident.rules import ROLLBACK_CAUSES, ClassFacts, Taxonomy
from bot.incident.runbook import ACTIONS, Phase, Runbook
from bot.incident.taxonomy import IncidentClass

_SHORTEST_BODY = 200  # characters; less is a placeholder
_NEEDED = (Phase.CONTAINMENT, Phase.DIAGNOSIS, Phase.COMMUNICATION, Phase.RECOVERY)
_Path = tuple[str | int, ...]


def packaged() -> Path:
    """The folder of the runbooks that come along."""
    here = Path(__file__).resolve().parents[1]
    return here / "data" / "runbooks" if (here / "data" / "runbooks").is_dir() else here.parent / "runbooks"


def read_runbooks(folder: Path, known: Read) -> tuple[Mapping[IncidentClass, Runbook], tuple[Mistake, ...]]:
    """Every class's runbook, and what is wrong in the folder; ``known`` says which classes there are.

    A file of ``folder`` replaces the runbook of its class alone; a class that it does not cover, or whose file
    has a mistake, takes the packaged one, so that no class is without.
    """
    found: dict[IncidentClass, Runbook] = {}
    mistakes: list[Mistake] = []
    if not folder.is_dir():
        mistakes.append(Mistake(folder, 1, "is no folder; set FIRSTFIVE_RUNBOOKS to one, or unset it."))
    for file in sorted(folder.glob("*.md")):
        runbook = read_runbook(file, known.taxonomy)
        if isinstance(runbook, tuple):
            mistakes.extend(runbook)
        elif runbook.incident_class in found:
            mistakes.append(
                Mistake(file, 1, f"{runbook.incident_class.value} has a runbook already; keep one file a class.")
            )
        else:
            found[runbook.incident_class] = runbook
    if folder.resolve() != packaged().resolve():
        own = {name: replace(runbook, own=True) for name, runbook in found.items()}
        found = {**read_runbooks(packaged(), known)[0], **own}
    ours = folder.resolve() == packaged().resolve()
    place = "a folder, and point FIRSTFIVE_RUNBOOKS at it" if ours else str(folder)
    mistakes += [
        Mistake(
            *known.places.get(name, (folder, 1)), f"{name} has no runbook; add a file with `class: {name}` to {place}."
        )
        for name in known.taxonomy.classes
        if name not in found
    ]
    return {name: found[name] for name in known.taxonomy.classes if name in found}, tuple(mistakes)


def read_runbook(file: Path, taxonomy: Taxonomy) -> Runbook | tuple[Mistake, ...]:
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
    return _runbook(document, body, file, taxonomy)


def whose(runbooks: Mapping[IncidentClass, Runbook]) -> str:
    """Which classes have a runbook of the organisation's own, for ``firstfive check``."""
    own = [f"{name.value} {book.version}" for name, book in runbooks.items() if book.own]
    ours = [name.value for name, book in runbooks.items() if not book.own]
    said = f"{len(runbooks)} classes"
    if not own:
        return f"{said}, all as they came along"
    return f"{said}; your own: {', '.join(own)}" + (f"; as they came along: {', '.join(ours)}" if ours else "")


def _runbook(document: Document, body: str, file: Path, taxonomy: Taxonomy) -> Runbook | tuple[Mistake, ...]:
    value = document.value or {}
    if isinstance(value, dict) and isinstance(value.get("version"), int | float):
        value = {**value, "version": str(value["version"])}  # a bare 2 is a version too
    try:
        front = Front.model_validate(value)
    except ValidationError as error:
        return mistakes_of(error, document, file)
    wrong = tuple(Mistake(file, document.line(path), said) for path, said in _odd(front, taxonomy))
    return wrong or made(front, body)


def _odd(front: Front, taxonomy: Taxonomy) -> Iterator[tuple[_Path, str]]:
    """What is well-formed and still wrong: where it stands, and what to do."""
    if taxonomy.class_named(front.incident_class) is None:
        yield ("class",), f"there is no class {front.incident_class}; use one of {', '.join(taxonomy.classes)}."
        return
    facts = taxonomy.facts(IncidentClass(front.incident_class))
    seen: set[str] = set()
    for at, step in enumerate(front.steps):
        here: _Path = ("steps", at)
        if step.id in seen:
            yield (*here, "id"), f"step id {step.id!r} stands here twice; give each step an id of its own."
        seen.add(step.id)
        yield from (((*here, part), said) for part, said in _odd_step(step, facts))
    for at, named in enumerate(front.first_five):
        if named not in seen:
            yield ("first_five", at), f"no step has the id {named!r}; name steps of this runbook."
    for phase in _NEEDED:
        if phase not in {step.phase for step in front.steps}:
            yield ("steps",), f"no step has the phase {phase.value}; add one."
    for at, watch in enumerate(front.recovery.signals):
        if not known_signal(watch.signal):
            yield (
                ("recovery", "signals", at, "signal"),
                f"no signal is called {watch.signal!r}; docs/write-a-runbook.md lists them.",
            )


def _odd_step(step: StepEntry, facts: ClassFacts) -> Iterator[tuple[str, str]]:
    if step.action is not None and step.action not in ACTIONS:
        yield "action", f"no action is called {step.action!r}; use one of {', '.join(ACTIONS)}."
    if step.phase is Phase.CONTAINMENT:
        for part in ("verify", "undo"):
            if not getattr(step, part).strip():
                yield "id", f"containment step {step.id!r} has no {part}; say how to {part} it."
    if step.causes and step.phase is not Phase.REMEDIATION:
        yield "causes", f"step {step.id!r} has causes; only remediation depends on the cause."
    if step.phase is Phase.REMEDIATION and facts.id is IncidentClass.UNKN:
        yield "phase", "UNKN takes no remediation; classify first, and keep to containment and diagnosis."
    if step.rollback:
        yield from (("rollback", said) for said in _odd_rollback(step, facts))


def _odd_rollback(step: StepEntry, facts: ClassFacts) -> Iterator[str]:
    allowed = ", ".join(sorted(cause.value for cause in ROLLBACK_CAUSES))
    if not facts.rollback:
        yield f"{facts.id} takes no rollback; it was not our release, or nobody knows yet."
    if step.phase is not Phase.REMEDIATION:
        yield "a rollback is remediation; give the step that phase."
    if not step.causes or not ROLLBACK_CAUSES.issuperset(step.causes):
        yield f"a rollback needs causes, and only of these: {allowed}."
