"""The postmortem as the timeline supports it.

Nothing here invents: a sentence cites the events it rests on, and what no event
supports is a gap that says what is missing.
"""

from datetime import UTC, datetime
from typing import TypeVar

from bot.incident.charts.drawn import charts_for
from bot.incident.checklist import checklist_of
from bot.incident.environments import said_of
from bot.incident.evidence import EvidenceBundle
from bot.incident.facts.classifying import ClassificationOverdue, Classified, StepTicked
from bot.incident.facts.closing import Resolved
from bot.incident.facts.declaring import Declared, EvidenceFrozen
from bot.incident.gap import monitoring_gap
from bot.incident.labels import labels_in_words
from bot.incident.mitigation_story import actions, approvals, course, times
from bot.incident.model import Via
from bot.incident.narration import narrate
from bot.incident.postmortem import REVIEW_QUESTIONS, Postmortem, Section, Todo
from bot.incident.quantities import duration
from bot.incident.rules import Taxonomy
from bot.incident.runbook import Runbook
from bot.incident.state import IncidentState
from bot.incident.statements import Statement, clock
from bot.incident.taxonomy import Cause
from bot.incident.timeline import Event
from bot.incident.wording import measured, tasks_since

F = TypeVar("F")
HEADLINES = ("task_failures", "quality", "probes", "escalations")  # what users felt


def draft(
    state: IncidentState,
    events: tuple[Event, ...],
    bundle: EvidenceBundle | None,
    now: datetime,
    taxonomy: Taxonomy,
    runbook: Runbook | None = None,
) -> Postmortem:
    """The postmortem as the timeline supports it at ``now``. What people wrote replaces nothing: it stands beside."""
    sections = {
        Section.SUMMARY: _summary(state, events, taxonomy),
        Section.IMPACT: _impact(events, bundle),
        Section.DETECTION: _detection(events, bundle),
        Section.CONTRIBUTING_FACTORS: _factors(events, bundle),
        Section.MONITORING_GAP: _gap(events, bundle),
        Section.ACTIONS: actions(events),
    }
    return Postmortem(
        state=state,
        events=events,
        bundle=bundle,
        drafted_at=now,
        sections=sections,
        classification_story=_story(events),
        mitigations=course(events, state),
        times=times(events),
        approvals=approvals(events, state),
        todos=_todos(state, sections),
        charts=charts_for(bundle, events),
        steps=_steps(state, events, runbook),
        asked=_asked(events, runbook),
        labels=_labels(events, taxonomy),
        class_name=taxonomy.facts(state.incident_class).name if state.incident_class else "",
    )


def _todos(state: IncidentState, sections: dict[Section, tuple[Statement, ...]]) -> tuple[Todo, ...]:
    """A section is a gap until people write it; summary and detection also stand on events alone."""
    stands_alone = {Section.SUMMARY, Section.DETECTION}
    return tuple(
        Todo(section, question)
        for section, question in REVIEW_QUESTIONS.items()
        if not state.review.get(section.value, "").strip() and not (section in stands_alone and sections[section])
    )


def _of(events: tuple[Event, ...], kind: type[F]) -> list[tuple[Event, F]]:
    return [(event, event.fact) for event in events if isinstance(event.fact, kind)]


def _frozen(events: tuple[Event, ...]) -> tuple[str, ...]:
    """The events that figures of the bundle are cited from."""
    return tuple(event.id for event, _ in _of(events, EvidenceFrozen))


def _summary(state: IncidentState, events: tuple[Event, ...], taxonomy: Taxonomy) -> tuple[Statement, ...]:
    said = []
    for event, fact in _of(events, Declared):
        place = f" in {fact.environment}" if fact.environment else ""
        said.append(
            Statement(
                f"{fact.title} ({fact.agent}{place}), declared by {event.by.name} at {clock(event.at)}.", (event.id,)
            )
        )
    for event, last in _of(events, Classified)[-1:]:
        name = taxonomy.facts(last.incident_class).name
        said.append(
            Statement(
                f"Class {last.incident_class.value}: {name}; suspected cause {last.cause.value}; {state.severity.value}.",
                (event.id,),
            )
        )
    for event, end in _of(events, Resolved):
        took = duration((event.at - state.incident.declared_at).total_seconds())
        said.append(
            Statement(f"Resolved at {clock(event.at)}, {took} after the declaration: {end.summary}", (event.id,))
        )
    return tuple(said)


def _impact(events: tuple[Event, ...], bundle: EvidenceBundle | None) -> tuple[Statement, ...]:
    frozen = _frozen(events)
    if bundle is None or not frozen:
        return ()
    named = [bundle.signal(name) for name in HEADLINES]
    figures = [measured(signal) for signal in named if signal and signal.value is not None]
    said = [Statement(f"At the declaration: {text}.", frozen) for text in (*figures, *said_of(bundle))]
    if bundle.also_affected:
        said.append(Statement(f"Other agents with the same trouble: {', '.join(bundle.also_affected)}.", frozen))
    return tuple(said)


def _detection(events: tuple[Event, ...], bundle: EvidenceBundle | None) -> tuple[Statement, ...]:
    said = []
    frozen = _frozen(events)
    for event, fact in _of(events, Declared):
        how = f" In their words: {fact.detection}" if fact.detection else ""
        by = "a monitor" if fact.via in {Via.MONITOR, Via.ALERT} else "a person"
        said.append(Statement(f"Noticed by {by} and declared through {fact.via.in_words}.{how}", (event.id,)))
        gap = monitoring_gap(fact, event.at, bundle)
        if gap.onset and gap.unseen_seconds is not None and frozen:
            took = duration((event.at - gap.onset).total_seconds())
            said.append(
                Statement(
                    f"Telemetry puts the onset at {clock(gap.onset)}, {took} before the declaration.",
                    (event.id, *frozen),
                )
            )
    return tuple(said)


def _factors(events: tuple[Event, ...], bundle: EvidenceBundle | None) -> tuple[Statement, ...]:
    frozen = _frozen(events)
    if bundle is None or not frozen:
        return ()
    said = []
    for change in bundle.changes:
        first = clock(datetime.fromtimestamp(change.first_seen_ns / 1e9, UTC))
        was = f"was {change.before}" if change.before else "not seen before"
        text = f"Changed near the onset: {change.in_words} ({was}), first seen {first}, {tasks_since(change)}."
        said.append(Statement(text, frozen))
    return tuple(said)


def _gap(events: tuple[Event, ...], bundle: EvidenceBundle | None) -> tuple[Statement, ...]:
    said: list[Statement] = []
    frozen = _frozen(events)
    for event, fact in _of(events, Declared):
        gap = monitoring_gap(fact, event.at, bundle)
        if gap.found_by_monitor:
            said.append(Statement("A monitor raised it.", (event.id,)))
        elif gap.unseen_seconds is not None and gap.onset:
            took = duration((event.at - gap.onset).total_seconds())
            said.append(
                Statement(f"For {took} after the estimated onset no monitor spoke; a person did.", (event.id, *frozen))
            )
        moved = gap.moved[:4] if frozen else ()
        said.extend(Statement(f"Had moved by the declaration: {measured(signal)}.", frozen) for signal in moved)
    return tuple(said)


def _story(events: tuple[Event, ...]) -> tuple[Statement, ...]:
    kinds = (EvidenceFrozen, ClassificationOverdue, Classified)
    said = []
    for event in events:
        if not isinstance(event.fact, kinds):
            continue
        said.append(Statement(f"{clock(event.at)} {event.by.name}: {narrate(event)}", (event.id,)))
        reasons = _reasons(event)
        said.extend(Statement(f"— {text}", (event.id,)) for text in reasons)
    return tuple(said)


def _reasons(event: Event) -> tuple[str, ...]:
    match event.fact:
        case Classified(classification=classification):
            return (*classification.because[1:], *classification.rules_out)
        case EvidenceFrozen(suggested=suggested) if suggested:
            return suggested.because
        case _:
            return ()


def _steps(state: IncidentState, events: tuple[Event, ...], runbook: Runbook | None) -> tuple[Statement, ...]:
    """Every tick and untick as it happened; then the steps of the last class that are not ticked."""
    said = [
        Statement(f"{clock(event.at)} {event.by.name}: {narrate(event, state)}", (event.id,))
        for event, _ in _of(events, StepTicked)
    ]
    named = _of(events, Classified)[-1:]
    if runbook is None or not named:
        return tuple(said)
    cited = (named[0][0].id,)
    left = [item for item in checklist_of(state, runbook).items if not item.done and _due(item.step.causes, state)]
    said += [Statement(f"Not ticked, {item.step.phase.value}: {item.step.text}.", cited) for item in left]
    return tuple(said)


def _due(causes: tuple[Cause, ...], state: IncidentState) -> bool:
    return not causes or state.cause in causes


def _asked(events: tuple[Event, ...], runbook: Runbook | None) -> tuple[Statement, ...]:
    named = _of(events, Classified)[-1:]
    if runbook is None or not named:
        return ()
    return tuple(Statement(question, (named[0][0].id,)) for question in runbook.postmortem)


def _labels(events: tuple[Event, ...], taxonomy: Taxonomy) -> tuple[Statement, ...]:
    return tuple(
        Statement(text, (event.id,))
        for event, last in _of(events, Classified)[-1:]
        for text in labels_in_words(last.incident_class, taxonomy, last.cause)
    )
