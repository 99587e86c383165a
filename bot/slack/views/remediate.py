"""Remediate: what may be done to repair it, why the rest may not, and the evaluations it waits for."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bot.incident.approval import Approval
from bot.incident.remediation import RemediationOffer, Wish
from bot.incident.rules import RemediationKind
from bot.incident.state import IncidentState
from bot.slack.blocks import Block, Option, View, context, modal, radio, section, text_input
from bot.slack.text import plain_untrusted, quote_untrusted
from bot.slack.views.loading import loading, notice
from bot.slack.views.reading import InputErrors, choice_of, key_of, metadata, text_of, too_long

CALLBACK: Final = "remediate"
CHOICE, REASON, OVERRIDE, ALONE = "remediation", "remediation_reason", "remediation_override", "remediation_alone"
CHARACTERS = 500
SHOWN = 4  # each may stand twice among the options: to start, and to have its version evaluated
WIDEST = 600  # of a version as JSON: a dialog carries 3,000 characters; longer ones stand on the page
DO, EVALUATE = "do", "evaluate"


@dataclass(frozen=True, slots=True)
class RemediateForm:
    """What was chosen: to start ``wish``, or with ``evaluate`` to have its version evaluated first."""

    key: str
    wish: Wish
    evaluate: bool
    reason: str
    override: str
    alone: str


def skeleton(key: str) -> View:
    """The dialog until everything was weighed."""
    return loading(CALLBACK, f"Repair {key}", key, "Weighing what may be done …")


def dialog(state: IncidentState, offers: Sequence[RemediationOffer], public_url: str = "") -> View:
    """Each remediation with its reasons, then which one, and why."""
    key = state.incident.key
    shown = [offer for offer in offers if len(json.dumps(offer.wish.target)) <= WIDEST][:SHOWN]
    page = (
        f" <{public_url}/incidents/{key}/remediation|The page> has all of it, and takes outcomes." if public_url else ""
    )
    blocks: list[Block] = [
        *[section(_told(offer)) for offer in shown],
        context(f"You or your pipeline carry it out; this records it with its reasons.{page}"),
        radio(CHOICE, "What do you want to do?", _options(shown)),
        text_input(REASON, "Why?", placeholder="p-119 answers worse", limit=CHARACTERS),
        text_input(
            OVERRIDE,
            "In spite of what is locked, because",
            optional=True,
            limit=CHARACTERS,
            hint="Only for what is locked. A second person reads it with everything that speaks against it, and approves.",
        ),
        text_input(
            ALONE,
            "Nobody there, and it cannot wait? Say why.",
            optional=True,
            limit=CHARACTERS,
            hint="Only for what is locked. It starts at once, is posted to the channel, and is looked at afterwards.",
        ),
    ]
    about = {"k": key, "w": [[offer.wish.kind.value, offer.wish.target] for offer in shown]}
    return modal(CALLBACK, f"Repair {key}", blocks, about, submit="Record")


def read(view: Mapping[str, Any]) -> RemediateForm | InputErrors:
    """What was chosen, or which field needs another look."""
    action, _, place = (choice_of(view, CHOICE) or "").partition(":")
    wishes = list(metadata(view).get("w") or [])
    reason, override, alone = (text_of(view, block) for block in (REASON, OVERRIDE, ALONE))
    if action not in {DO, EVALUATE} or not place.isdigit() or int(place) >= len(wishes):
        return {CHOICE: "Choose what to do."}
    for block, text in ((REASON, reason), (OVERRIDE, override), (ALONE, alone)):
        if said := too_long(text, CHARACTERS):
            return {block: said}
    kind, target = wishes[int(place)]
    return RemediateForm(key_of(view), Wish(RemediationKind(kind), target), action == EVALUATE, reason, override, alone)


def waits(asked: Approval) -> View:
    """What was asked for has not started, and who starts it."""
    sentence = (
        f"To {asked.words} waits for a second person, until {asked.expires_at:%H:%M} UTC. "
        "Nothing has started: the question stands in the incident's channel with its two buttons."
    )
    return notice(f"Repair {asked.incident}", sentence)


def _told(offer: RemediationOffer) -> str:
    word = "allowed" if offer.permission.granted else "locked"
    reasons = "\n".join(f"• {quote_untrusted(one, 300)}" for one in offer.permission.because[:5])
    return f"*{quote_untrusted(offer.wish.label, 120)}*: {word}\n{reasons}"


def _options(offers: Sequence[RemediationOffer]) -> list[Option]:
    found: list[Option] = []
    for place, offer in enumerate(offers):
        locked = "" if offer.permission.granted else " (locked)"
        found.append((f"{DO}:{place}", f"{plain_untrusted(offer.wish.label, 60)}{locked}"))
        if offer.wish.target:
            found.append((f"{EVALUATE}:{place}", f"Have {plain_untrusted(offer.wish.target, 50)} evaluated now"))
    return found
