"""Postmortems from typed values: Markdown and HTML by Jinja.

The templates see only what :class:`bot.incident.postmortem.Postmortem` holds; they add headings, never facts.
"""

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError, select_autoescape

from bot.documents.yaml_lines import Mistake
from bot.incident.evidence import Signal
from bot.incident.narration import narrate
from bot.incident.postmortem import Postmortem, Section
from bot.incident.quantities import between, duration, quantity
from bot.incident.statements import Statement
from bot.incident.summary import worst_first
from bot.ports import Renderer

FORMS = ("md", "html")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|~&])")
_LIST_MARK = re.compile(
    r"^(\d*)(?=[-+=]|[.)](?:\s|$))"
)  # at the start of a line it would begin a list or underline a heading
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff]")


@dataclass(frozen=True, slots=True)
class _Picture:
    name: str
    alt: str
    source: str


@dataclass(frozen=True, slots=True)
class _Part:
    name: str
    title: str
    statements: tuple[Statement, ...]
    written: str
    todo: str
    charts: tuple[_Picture, ...]


def packaged() -> Path:
    """The folder of the templates that come along."""
    here = Path(__file__).resolve().parents[1]
    inside = here / "data" / "postmortem_templates"
    return inside if inside.is_dir() else here.parent / "postmortem_templates"


class JinjaRenderer(Renderer):
    """Renders with the templates of one folder."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or packaged()
        self._templates = _environment(self._folder)

    def postmortem(self, postmortem: Postmortem, form: str, pictures: Mapping[str, str] | None = None) -> str:
        """The document as "md" or "html"; ``pictures`` holds an image address by chart name.

        A chart without one keeps its figures as text.
        """
        template = self._templates.get_template(f"postmortem.{form}.j2")
        return template.render(_context(postmortem, pictures or {})).strip() + "\n"

    def mistakes(self) -> tuple[Mistake, ...]:
        """Templates that cannot be read, with file and line."""
        found = []
        for form in FORMS:
            name = f"postmortem.{form}.j2"
            try:
                self._templates.get_template(name)
            except TemplateError as error:
                line = getattr(error, "lineno", None) or 1
                found.append(Mistake(self._folder / name, line, f"the template cannot be used: {error.message}."))
        return tuple(found)


def embedded(svg: bytes) -> str:
    """An SVG picture as an address that holds the picture itself."""
    return f"data:image/svg+xml;base64,{base64.b64encode(svg).decode()}"


def _environment(folder: Path) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=select_autoescape(enabled_extensions=("html.j2",)),
        undefined=StrictUndefined,
        finalize=_shown,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        {"text": markdown_text, "cell": markdown_text, "people": people, "utc": utc, "cite": cite}
    )
    return environment


def _shown(value: object) -> object:
    return visible(value) if type(value) is str else value


def visible(text: str) -> str:
    """Text without control characters and without those that turn the direction of what follows."""
    return _UNSEEN.sub("", text)


def markdown_text(text: str) -> str:
    """Text that Markdown shows as it is, on one line."""
    line = " ".join(visible(text).split())
    return _LIST_MARK.sub(r"\1\\", _MARKDOWN.sub(r"\\\1", line))


def people(text: str) -> str:
    """What people wrote: their Markdown stays, raw HTML does not."""
    return visible(text).replace("<", "&lt;").strip()


def utc(at: datetime) -> str:
    """``2026-11-23 14:31:05``."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def cite(events: Sequence[str]) -> str:
    """`` [INC-7#3, INC-7#5]``, or nothing."""
    return f" [{', '.join(events)}]" if events else ""


def _context(postmortem: Postmortem, pictures: Mapping[str, str]) -> dict[str, object]:
    state = postmortem.state
    named = state.incident_class
    signals = worst_first(postmortem.bundle) if postmortem.bundle else ()
    return {
        "postmortem": postmortem,
        "state": state,
        "incident": state.incident,
        "class_line": f"{named.value}: {postmortem.class_name}" if named else "not classified",
        "cause": state.cause.value if state.cause else "not set",
        "todos_line": _todos_line(len(postmortem.todos)),
        "sections": _parts(postmortem, pictures),
        "timeline": [
            {"at": event.at, "who": event.by.name, "what": narrate(event, state), "id": event.id}
            for event in postmortem.events
        ],
        "figures": [_row(signal) for signal in signals if signal.value is not None],
        "unmeasured": [signal.label for signal in signals if signal.value is None],
    }


def _todos_line(count: int) -> str:
    if count == 0:
        return "No gaps are open."
    return f"{count} {'gap is' if count == 1 else 'gaps are'} open, each marked TODO(human)."


def _parts(postmortem: Postmortem, pictures: Mapping[str, str]) -> list[_Part]:
    todos = {todo.section: todo.question for todo in postmortem.todos}
    shown = {"course": Section.SUMMARY, "shares": Section.IMPACT}
    parts = []
    for section in Section:
        charts = [chart for chart in postmortem.charts if shown.get(chart.name, Section.IMPACT) is section]
        part = _Part(
            section.value,
            section.heading,
            postmortem.sections.get(section, ()),
            postmortem.state.review.get(section.value, ""),
            todos.get(section, ""),
            tuple(_Picture(f"chart-{chart.name}", chart.alt, pictures.get(chart.name, "")) for chart in charts),
        )
        parts.append(part)
    story = _Part("classification", "Classification story", postmortem.classification_story, "", "", ())
    none = Statement("No mitigation was applied.", (postmortem.events[0].id, postmortem.events[-1].id))
    levers = _Part("mitigations", "Mitigations and their proof", postmortem.mitigations or (none,), "", "", ())
    times = _Part("mitigation-times", "From the click to the effect", postmortem.times, "", "", ())
    seconds = _Part("approvals", "Second persons and broken glass", postmortem.approvals, "", "", ())
    steps = _Part("runbook", "Runbook steps", postmortem.steps, "", "", ())
    asked = _Part("runbook-questions", "Questions of the runbook", postmortem.asked, "", "", ())
    labels = _Part("labels", "Names in public taxonomies, to choose from", postmortem.labels, "", "", ())
    beside = [part for part in (times, seconds, steps, asked, labels) if part.statements]
    return [*parts[:3], story, levers, *beside, *parts[3:]]


def _row(signal: Signal) -> dict[str, str]:
    return {
        "label": signal.label,
        "value": _value(signal, signal.value),
        "n": str(signal.n),
        "interval": between(signal.interval, signal.unit) if signal.interval else "",
        "baseline": f"{_value(signal, signal.baseline)} (n = {signal.baseline_n})"
        if signal.baseline is not None
        else "no baseline",
        "direction": signal.direction.value,
        "fresh": duration(round(signal.fresh_seconds)) if signal.fresh_seconds is not None else "never seen",
    }


def _value(signal: Signal, value: float | None) -> str:
    if value is None:
        return "can't tell"
    return quantity(value, signal.unit)
