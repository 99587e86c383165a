"""What is well-formed in a taxonomy and still wrong: where it stands, and what to do."""

from collections.abc import Iterator

from bot.documents.taxonomy_file import ClassEntry, QuestionEntry, SeverityEntry, TaxonomyFile
from bot.incident.recovery import FAMILIES, known_signal
from bot.incident.rules import AnswerRule, QuestionRole, Taxonomy
from bot.incident.signals.troubles import troubles
from bot.incident.taxonomy import IncidentClass

Path = tuple[str | int, ...]
Odd = tuple[Path, str]
LISTED = "docs/write-a-runbook.md lists them"
BEGINNINGS = (*troubles((), (), 0, 0), "tool:", "empty:", "slow:")  # whose beginning is looked for
SINGLE = {AnswerRule.FRESHNESS: QuestionRole.FRESHNESS, AnswerRule.HARM: QuestionRole.HARM}


def odd(parsed: TaxonomyFile, taxonomy: Taxonomy) -> Iterator[Odd]:
    """Every mistake as a path into the file and a sentence."""
    yield from _order(parsed)
    for at, question in enumerate(parsed.questions):
        for path, said in _question(question, parsed, taxonomy):
            yield ("questions", at, *path), said
    for at, one in enumerate(parsed.classes):
        for path, said in _class(one, parsed):
            yield ("classes", at, *path), said
    for at, rule in enumerate(parsed.severity):
        for path, said in _severity(rule, taxonomy):
            yield ("severity", at, *path), said
    for role in (QuestionRole.FRESHNESS, QuestionRole.HARM):
        found = [at for at, one in enumerate(parsed.questions) if one.role is role]
        if len(found) != 1:
            yield ("questions", *found[1:2]), f"{len(found)} questions have the role {role.value}; keep exactly one."
    if IncidentClass.UNKN not in taxonomy.classes:
        yield ("classes",), "there is no class UNKN; it is what an incident is until somebody knows better."


def _order(parsed: TaxonomyFile) -> Iterator[Odd]:
    known = {one.id: one for one in parsed.questions}
    for at, name in enumerate(parsed.order):
        if name not in known:
            yield ("order", at), f"no question has the id {name!r}; use ids of questions."
        elif known[name].role is not QuestionRole.CLASS:
            yield ("order", at), f"{name} does not lead to a class, so it has no place in the order; remove it."
    places: dict[str, list[Path]] = {}
    for at, name in enumerate(parsed.order):
        places.setdefault(name, []).append(("order", at))
    for at, one in enumerate(parsed.questions):
        for below, name in enumerate(one.then):
            places.setdefault(name, []).append(("questions", at, "then", below))
    for name, found in places.items():
        if len(found) > 1:
            yield found[-1], f"{name} is asked in {len(found)} places; keep it in one of order and then."


def _question(one: QuestionEntry, parsed: TaxonomyFile, taxonomy: Taxonomy) -> Iterator[Odd]:
    classes = {known.id: known for known in parsed.classes}
    if one.id not in taxonomy.questions:
        yield (
            (),
            f"{one.id} is never asked; say `after:` or `before:` which question of the order, or name it in a then.",
        )
    if one.leads_to is not None and one.leads_to not in classes:
        yield ("leads_to",), f"there is no class {one.leads_to}; use one of {', '.join(classes)}, or add it."
    if one.role is QuestionRole.CLASS and one.leads_to is None:
        yield (), f"{one.id} leads to no class; say `leads_to:` which one."
    for at, name in enumerate(one.then):
        if name not in {known.id for known in parsed.questions}:
            yield ("then", at), f"no question has the id {name!r}; use ids of questions."
    needs = SINGLE.get(one.telemetry, QuestionRole.CLASS)
    if one.telemetry is not AnswerRule.PEOPLE and one.role is not needs:
        yield ("telemetry",), f"{one.telemetry.value} answers a question with the role {needs.value}; choose another."
    led = classes.get(one.leads_to or "")
    if one.telemetry in {AnswerRule.CASE, AnswerRule.STRONGEST} and led is not None and led.case is None:
        yield (
            ("telemetry",),
            f"{led.id} has no case to answer {one.id} by; give the class one, or say `telemetry: people`.",
        )


def _class(one: ClassEntry, parsed: TaxonomyFile) -> Iterator[Odd]:
    if one.id != IncidentClass.UNKN and one.id not in {question.leads_to for question in parsed.questions}:
        yield (), f"no question leads to {one.id}; add one with `leads_to: {one.id}`."
    for path, name in _named_signals(one):
        if not known_signal(name) and not (path[0] == "case" and name in FAMILIES):
            yield path, f"no signal is called {name!r}; {LISTED}."
    for at, name in enumerate(one.onset):
        if name not in BEGINNINGS:
            yield ("onset", at), f"nothing that begins is called {name!r}; use {', '.join(BEGINNINGS)}."
    yield from _labels(one, parsed)


def _named_signals(one: ClassEntry) -> Iterator[tuple[Path, str]]:
    for at, sign in enumerate(one.case.signals if one.case else ()):
        yield ("case", "signals", at, "name"), sign.name
    for at, name in enumerate(one.telling):
        yield ("telling", at), name
    for kind, lever in one.levers.items():
        for at, name in enumerate(lever.moves):
            yield ("levers", kind.value, "moves", at), name


def _severity(rule: SeverityEntry, taxonomy: Taxonomy) -> Iterator[Odd]:
    for at, name in enumerate(rule.classes):
        if taxonomy.class_named(name) is None:
            yield ("classes", at), f"there is no class {name}; use one of {', '.join(taxonomy.classes)}."
    for at, name in enumerate(rule.signals):
        if not known_signal(name):
            yield ("signals", at), f"no signal is called {name!r}; {LISTED}."


def _labels(one: ClassEntry, parsed: TaxonomyFile) -> Iterator[Odd]:
    names = parsed.label_names
    listed = (
        ("mast", one.labels.mast, names.mast),
        ("owasp", one.labels.owasp, names.owasp),
        ("atlas", one.labels.atlas, names.atlas),
        ("atlas_if_attacked", one.labels.atlas_if_attacked, names.atlas),
    )
    for name, codes, known in listed:
        for at, code in enumerate(codes):
            if code not in known:
                taxonomy = name.removesuffix("_if_attacked")
                yield ("labels", name, at), f"{code} has no name; add it to label_names.{taxonomy}, or mend the code."
