"""Resolve: what telemetry says about recovery, and a decision on every control in force."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bot.incident.control_words import NONE_IN_FORCE
from bot.incident.state import IncidentState, MitigationStatus
from bot.slack.blocks import Block, View, checkboxes, context, modal, section, text_input
from bot.slack.text import date_token, quote_untrusted
from bot.slack.views.loading import loading
from bot.slack.views.reading import InputErrors, choices_of, key_of, text_of, too_long

CALLBACK: Final = "resolve"
SUMMARY, KEEP = "resolve_summary", "keep"
SUMMARY_CHARACTERS = 3000
SHOWN_LINES = 6
SHOWN_CONTROLS = 10


@dataclass(frozen=True, slots=True)
class ResolveForm:
    """How it ended, and the ids of the mitigations that stay in force."""

    key: str
    summary: str
    keep: frozenset[str]


def skeleton(key: str) -> View:
    """The dialog until fresh evidence is there."""
    return loading(CALLBACK, f"Resolve {key}", key, "Asking telemetry whether it is over …")


def dialog(
    state: IncidentState,
    outlook_lines: Sequence[str] = (),
    recovered: bool | None = None,  # noqa: FBT001 - yes, no, or telemetry cannot tell
    live: Sequence[MitigationStatus] | None = None,
) -> View:
    """Recovery as telemetry sees it, then the summary and what stays on. Unticked controls are undone."""
    key = state.incident.key
    in_force = list(state.live_mitigations if live is None else live)[:SHOWN_CONTROLS]
    blocks: list[Block] = [
        section(
            f"*{_verdict(recovered)}*\n"
            + "\n".join(f"• {quote_untrusted(one, 400)}" for one in outlook_lines[:SHOWN_LINES])
        ),
        text_input(
            SUMMARY,
            "How did it end?",
            placeholder="The loop ended with turn limit 5; the retry bug is fixed",
            multiline=True,
            limit=SUMMARY_CHARACTERS,
        ),
    ]
    if in_force:
        lines = [f"• {one.mitigation.label}, until {date_token(one.mitigation.expires_at)}" for one in in_force]
        options = [(one.mitigation.id, f"Keep {one.mitigation.label}") for one in in_force]
        blocks += [
            section("*Controls in force*\n" + "\n".join(lines)),
            checkboxes(KEEP, "Keep any?", options, hint="Unticked ones are undone now. Kept ones end at their time."),
        ]
    else:
        blocks.append(context(NONE_IN_FORCE))
    blocks.append(context("The postmortem is drafted from the timeline and posted here."))
    return modal(CALLBACK, f"Resolve {key}", blocks, {"k": key}, submit="Resolve")


def read(view: Mapping[str, Any]) -> ResolveForm | InputErrors:
    """How it ended, or what is missing."""
    said = text_of(view, SUMMARY)
    if not said:
        return {SUMMARY: "Say in a sentence how it ended; nothing was resolved."}
    if sentence := too_long(said, SUMMARY_CHARACTERS):
        return {SUMMARY: sentence}
    return ResolveForm(key_of(view), said, choices_of(view, KEEP))


def _verdict(recovered: bool | None) -> str:  # noqa: FBT001 - yes, no, or telemetry cannot tell
    if recovered is None:
        return "Telemetry can't tell whether it is over."
    return "Telemetry shows recovery." if recovered else "Telemetry still shows trouble."
