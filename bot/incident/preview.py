"""Before the click: what a control would touch, what stands against it, and how it would be known to work, in sentences."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.incident.choices import full_label
from bot.incident.control_values import in_words
from bot.incident.direction import Direction
from bot.incident.kinds import LEVERS, MitigationKind
from bot.incident.mitigation import Mitigation, OnExpiry
from bot.incident.obedience import UNSEEN, describe
from bot.incident.offer import Standing
from bot.incident.reach import Reach, Sharing


@dataclass(frozen=True, slots=True)
class Preview:
    """Everything to know before the click; nothing has been changed for it."""

    wanted: Mitigation
    standing: Standing
    why: str
    running: int
    reaches: tuple[Reach, ...]
    sessions: int | None  # in which a task is running now; None where telemetry names no session
    instances: int
    stale: tuple[str, ...]
    before: str  # the agent's controls in words, now and after
    after: str
    direction: Direction
    conflicts: tuple[str, ...]
    shared: tuple[Sharing, ...]
    warnings: tuple[str, ...]
    plan: tuple[str, ...]
    proof: tuple[str, ...]
    undo: str
    refusal: str = ""  # why it would be refused as it is asked; empty when it would be taken
    approval: str = ""  # why a second person has to approve it; empty when one click is enough

    @property
    def lines(self) -> tuple[str, ...]:
        """The preview in sentences, in the order in which people ask."""
        control = self.control
        said = [
            LEVERS[self.wanted.kind].does,
            f"{_WORDS[self.standing]}: {self.why}.",
            self.busy,
            *(f"{_capital(reach.in_words(control))}." for reach in self.reaches),
            self.connected,
            f"In force now: {self.before}. Then: {self.after}.",
            *self.conflicts,
            *([f"Shared with: {'; '.join(other.in_words for other in self.shared)}."] if self.shared else []),
            *(f"Careful: {warning}." for warning in self.warnings),
            *self.plan,
            f"Proof: {'; '.join(self.proof)}.",
            self.ends,
            self.undo,
            *([f"Needs a second person: {self.approval}."] if self.approval else []),
            *([f"Would be refused: {self.refusal}"] if self.refusal else []),
        ]
        return tuple(said)

    @property
    def control(self) -> str:
        """The control within a sentence: ``turn limit 5``, ``kill switch``."""
        return _control(self.wanted)

    @property
    def busy(self) -> str:
        """Tasks running now, and in how many sessions."""
        tasks = {0: "No task is", 1: "1 task is"}.get(self.running, f"{self.running} tasks are")
        sessions = (
            "" if not self.sessions else f", in {self.sessions} {'session' if self.sessions == 1 else 'sessions'}"
        )
        return f"{tasks} running now{sessions}."

    @property
    def connected(self) -> str:
        """How many instances read controls."""
        asked = {0: "No instance has", 1: "1 instance has"}.get(self.instances, f"{self.instances} instances have")
        return f"{asked} asked for controls in the last minute."

    @property
    def obstacle(self) -> str:
        """Why it would be refused, unless an override of what is advised against is all that is missing."""
        return "" if self.standing is Standing.CONTRAINDICATED and self.why in self.refusal else self.refusal

    @property
    def ends(self) -> str:
        """When it ends and what happens then."""
        until = f"{self.wanted.expires_at:%Y-%m-%d %H:%M} UTC"
        if self.wanted.on_expiry is OnExpiry.HOLD_AND_PAGE:
            return f"At {until} it stays in force and the channel is called."
        return f"Ends by itself at {until}; a warning comes when a fifth of its time is left."


_WORDS = {Standing.FITS: "Fits", Standing.ALLOWED: "Possible", Standing.CONTRAINDICATED: "Advised against"}


def _control(wanted: Mitigation) -> str:
    lever = LEVERS[wanted.kind]
    return lever.label.lower() if lever.is_switch else in_words(wanted.kind, wanted.value)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def proofs_of(wanted: Mitigation) -> tuple[str, ...]:
    """How it will be known to work, one clause for each signal."""
    unseen = UNSEEN.get(wanted.kind)
    seen = f"tasks that start afterwards show {describe(wanted)}"
    if wanted.kind is MitigationKind.GUARDRAIL_LEVEL:
        return "read back at once", "delivered to each instance", f"its effect stays unproven: {unseen}"
    last = f"{seen} (unproven where {unseen})" if unseen else seen
    return "read back at once", "delivered to each instance", last


def undo_of(wanted: Mitigation) -> str:
    """How it is undone."""
    name = _control(wanted)
    return f"Undo ends {f'the {name}' if LEVERS[wanted.kind].is_switch else name} earlier; a second person approves that. What others ask for stays."


def conflicts_of(wanted: Mitigation, live: Sequence[Mitigation]) -> tuple[str, ...]:
    """Live mitigations of the same agent that meet it, in sentences."""
    said = []
    for other in live:
        if not other.state.is_live or other.agent != wanted.agent or not other.scope.meets(wanted.scope):
            continue
        name = full_label(other.kind, other.value, other.scope)
        same = other.kind is wanted.kind
        meets = "it meets the same control, and the safer value wins" if same else "it stays as it is"
        said.append(f"{name} is in force for {other.incident}: {meets}.")
    return tuple(said)
