"""The shape of a runbook's front matter, and its entries as values."""

from typing import Annotated

from pydantic import Field

from bot.documents.strict import Strict
from bot.incident.recovery import Gate, Trouble, Watch
from bot.incident.runbook import ACTIONS, DoNot, Notice, Phase, Runbook, Step
from bot.incident.taxonomy import Cause, IncidentClass

_Line = Annotated[str, Field(min_length=3, max_length=240)]
_Lines = Annotated[tuple[_Line, ...], Field(min_length=1, max_length=20)]


class StepEntry(Strict):
    """One step."""

    id: str = Field(pattern="^[a-z0-9][a-z0-9-]{1,39}$")
    text: _Line
    phase: Phase
    action: str | None = None
    verify: str = Field(default="", max_length=240)
    undo: str = Field(default="", max_length=240)
    causes: tuple[Cause, ...] = ()
    rollback: bool = False


class DoNotEntry(Strict):
    """What not to do, and why."""

    text: _Line
    because: _Line


class NoticeEntry(Strict):
    """Who hears what, and when."""

    who: _Line
    when: _Line
    what: _Line


class WatchEntry(Strict):
    """A signal that has to be well again."""

    signal: str
    direction: Trouble = Trouble.UP
    at_least: int = Field(ge=1, le=100_000)
    minutes: int = Field(ge=1, le=1440)
    at_most: int | None = Field(default=None, ge=0)


class RecoveryEntry(Strict):
    """When the incident is over."""

    text: _Line
    lifted: bool = False
    signals: tuple[WatchEntry, ...] = ()


class Front(Strict):
    """The front matter of a whole runbook."""

    incident_class: str = Field(alias="class")
    version: str = Field(pattern="^[A-Za-z0-9][A-Za-z0-9._-]{0,29}$")
    title: str = Field(min_length=3, max_length=120)
    trigger: _Line
    signature: _Lines
    questions: _Lines
    blast_radius: _Lines
    in_flight: _Lines
    first_five: tuple[str, ...] = Field(min_length=2, max_length=5)
    steps: tuple[StepEntry, ...] = Field(min_length=2, max_length=40)
    do_not: tuple[DoNotEntry, ...] = Field(min_length=1, max_length=20)
    snapshot: _Lines
    recovery: RecoveryEntry
    communication: tuple[NoticeEntry, ...] = Field(min_length=1, max_length=10)
    postmortem: _Lines


def made(front: Front, body: str) -> Runbook:
    """The runbook; ``body`` is the text below its front matter."""
    steps = tuple(
        Step(
            one.id,
            one.text,
            one.phase,
            ACTIONS[one.action] if one.action else None,
            one.verify,
            one.undo,
            one.causes,
            one.rollback,
        )
        for one in front.steps
    )
    texts = {step.id: step.text for step in steps}
    return Runbook(
        incident_class=IncidentClass(front.incident_class),
        title=front.title,
        version=front.version,
        trigger=front.trigger,
        signature=front.signature,
        questions=front.questions,
        blast_radius=front.blast_radius,
        in_flight=front.in_flight,
        first_five=tuple(texts[named] for named in front.first_five),
        steps=steps,
        do_not=tuple(DoNot(one.text, one.because) for one in front.do_not),
        snapshot=front.snapshot,
        recovery=_gate(front.recovery),
        communication=tuple(Notice(one.who, one.when, one.what) for one in front.communication),
        postmortem=front.postmortem,
        body=body.strip() + "\n",
    )


def _gate(said: RecoveryEntry) -> Gate:
    watches = tuple(Watch(one.signal, one.direction, one.at_least, one.minutes, one.at_most) for one in said.signals)
    return Gate(said.text, watches, said.lifted)
