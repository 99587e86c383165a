"""The suspected cause: a hypothesis from what changed shortly before it began."""

from typing import assert_never

from bot.incident.classification import Suspect
from bot.incident.evidence import Change, ChangeKind, Direction, EvidenceBundle
from bot.incident.quantities import in_minutes
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


def suspects_of(
    incident_class: IncidentClass | None, bundle: EvidenceBundle, taxonomy: Taxonomy
) -> tuple[Suspect, ...]:
    """The causes that may be behind it, the likeliest first, each once; none where nothing points anywhere."""
    if incident_class is None:
        return ()
    facts = taxonomy.facts(incident_class)
    if facts.cause is not None:
        found = [Suspect(facts.cause, facts.cause_because), *_of_changes(bundle)]
    else:
        match facts.cause_rule:
            case CauseRule.NOTHING:
                found = []
            case CauseRule.TOOL:
                found = [_of_tool(bundle), *_of_changes(bundle)]
            case CauseRule.CHANGES:
                found = [*_of_changes(bundle), *_of_mix(bundle)]
            case other:
                assert_never(other)
    return tuple({one.cause: one for one in reversed(found)}.values())[::-1]


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


def _of_tool(bundle: EvidenceBundle) -> Suspect:
    empty, errors = bundle.signal("empty_results"), bundle.signal("tool_errors")
    emptiness = (empty.value or 0.0) - (empty.baseline or 0.0) if empty else 0.0
    errs = (errors.value or 0.0) - (errors.baseline or 0.0) if errors else 0.0
    if emptiness > max(0.0, errs):
        return Suspect(Cause.DATA_OR_INDEX_OR_MEMORY, "answers are empty rather than failing")
    return Suspect(Cause.TOOL_OR_API, "the tool fails, not the agent")


def _of_changes(bundle: EvidenceBundle) -> list[Suspect]:
    """One for each change near the beginning that points to a cause, the nearest first."""
    began = bundle.onset.at_ns if bundle.onset else bundle.window.start_ns
    found = []
    for change in recent_changes(bundle):
        if cause := _BY_CHANGE.get(change.kind):
            minutes = round((began - change.first_seen_ns) / MINUTE)
            when = f"{in_minutes(minutes)} before it began" if minutes > 0 else "as it began"
            said = f"{change.in_words} first seen {when}{_was(change)}"
            found.append(Suspect(_asked(cause, change, bundle), said))
    return found


def _of_mix(bundle: EvidenceBundle) -> list[Suspect]:
    mix = bundle.signal("task_mix")
    if mix and mix.direction is Direction.UP:
        return [Suspect(Cause.TRAFFIC_MIX, f"other tasks arrive than before: {mix.label}")]
    return []


def _was(change: Change) -> str:
    return f" (was {change.before})" if change.before else ""


def _asked(cause: Cause, change: Change, bundle: EvidenceBundle) -> Cause:
    """A model that answers because we asked for it is our own change."""
    if change.kind is not ChangeKind.MODEL_ANSWERING:
        return cause
    asked = any(other.kind is ChangeKind.MODEL_REQUESTED for other in recent_changes(bundle))
    return Cause.OUR_CODE_OR_CONFIG if asked else cause
