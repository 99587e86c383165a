"""The suspected cause: a hypothesis from what changed shortly before it began."""

from typing import assert_never

from bot.incident.evidence import Change, ChangeKind, Direction, EvidenceBundle
from bot.incident.rules import CauseRule, Taxonomy
from bot.incident.taxonomy import Cause, IncidentClass

MINUTE = 60 * 1_000_000_000
BEFORE_ONSET = 10 * MINUTE  # a change this long before the beginning may be its cause
AFTER_ONSET = 3 * MINUTE  # the estimate of the beginning may be this early
FEWEST_SHARE = 0.1  # of the tasks since; less is a trial that explains little

_BY_CHANGE: dict[ChangeKind, Cause] = {
    ChangeKind.PROMPT_VERSION: Cause.OUR_PROMPT,
    ChangeKind.AGENT_VERSION: Cause.OUR_CODE_OR_CONFIG,
    ChangeKind.MODEL_REQUESTED: Cause.OUR_CODE_OR_CONFIG,
    ChangeKind.MODEL_ANSWERING: Cause.MODEL_OR_PROVIDER,
    ChangeKind.PROMPT: Cause.OUR_PROMPT,
    ChangeKind.DEPLOY: Cause.OUR_CODE_OR_CONFIG,
    ChangeKind.FLAG: Cause.OUR_CODE_OR_CONFIG,
    ChangeKind.TOOL: Cause.TOOL_OR_API,
    ChangeKind.INDEX: Cause.DATA_OR_INDEX_OR_MEMORY,
}


def suspected_cause(
    incident_class: IncidentClass | None, bundle: EvidenceBundle, taxonomy: Taxonomy
) -> tuple[Cause, str]:
    """The cause and the sentence that says why; the sentence is empty for an unknown cause."""
    if incident_class is None:
        return Cause.UNKNOWN, ""
    facts = taxonomy.facts(incident_class)
    if facts.cause is not None:
        return facts.cause, facts.cause_because
    match facts.cause_rule:
        case CauseRule.NOTHING:
            return Cause.UNKNOWN, ""
        case CauseRule.TOOL:
            return _of_tool(bundle)
        case CauseRule.CHANGES:
            return _of_change(bundle)
        case other:
            assert_never(other)


def recent_changes(bundle: EvidenceBundle) -> tuple[Change, ...]:
    """Changes that may have caused it: near the beginning, and in a real share of the tasks since; nearest first."""
    began = bundle.onset.at_ns if bundle.onset else bundle.window.start_ns
    earliest = (bundle.onset.low_ns if bundle.onset else began) - BEFORE_ONSET
    latest = (bundle.onset.high_ns if bundle.onset else bundle.at_ns) + AFTER_ONSET
    near = [
        change
        for change in bundle.changes
        if earliest <= change.first_seen_ns <= latest and change.n and change.k / change.n >= FEWEST_SHARE
    ]
    return tuple(sorted(near, key=lambda change: abs(change.first_seen_ns - began)))


def _of_tool(bundle: EvidenceBundle) -> tuple[Cause, str]:
    empty, errors = bundle.signal("empty_results"), bundle.signal("tool_errors")
    emptiness = (empty.value or 0.0) - (empty.baseline or 0.0) if empty else 0.0
    errs = (errors.value or 0.0) - (errors.baseline or 0.0) if errors else 0.0
    if emptiness > max(0.0, errs):
        return Cause.DATA_OR_INDEX_OR_MEMORY, "answers are empty rather than failing"
    return Cause.TOOL_OR_API, "the tool fails, not the agent"


def _of_change(bundle: EvidenceBundle) -> tuple[Cause, str]:
    for change in recent_changes(bundle):
        cause = _BY_CHANGE.get(change.kind)
        if cause:
            minutes = round(
                ((bundle.onset.at_ns if bundle.onset else bundle.window.start_ns) - change.first_seen_ns) / MINUTE
            )
            when = f"{minutes} min before it began" if minutes > 0 else "as it began"
            return _asked(cause, change, bundle), f"{change.kind.value} {change.after} first seen {when}{_was(change)}"
    mix = bundle.signal("task_mix")
    if mix and mix.direction is Direction.UP:
        return Cause.TRAFFIC_MIX, f"other tasks arrive than before: {mix.label}"
    return Cause.UNKNOWN, ""


def _was(change: Change) -> str:
    return f" (was {change.before})" if change.before else ""


def _asked(cause: Cause, change: Change, bundle: EvidenceBundle) -> Cause:
    """A model that answers because we asked for it is our own change."""
    if change.kind is not ChangeKind.MODEL_ANSWERING:
        return cause
    asked = any(other.kind is ChangeKind.MODEL_REQUESTED for other in recent_changes(bundle))
    return Cause.OUR_CODE_OR_CONFIG if asked else cause
