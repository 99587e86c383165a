"""Whether telemetry is fresh enough to answer at all."""

from bot.incident.cases import silent
from bot.incident.classification import Answer, Question, Reply
from bot.incident.evidence import Direction, EvidenceBundle
from bot.incident.quantities import ago

TOO_OLD_SECONDS = 300.0
STALE = "telemetry is stale"


def too_old(bundle: EvidenceBundle) -> bool:
    """Nothing arrives from anybody, and not just for a moment: even what was seen last says little about now."""
    newest = bundle.signal("span_age")
    return silent(bundle) and (newest is None or newest.value is None or newest.value > TOO_OLD_SECONDS)


def freshness_of(question: Question, bundle: EvidenceBundle) -> Answer:
    """N0. Another agent's fresh spans show that the pipeline delivers: then this agent's silence is news, not doubt."""
    spans, scores, fleet = (bundle.signal(name) for name in ("span_age", "score_age", "fleet_age"))
    newest = spans.value if spans else None
    pipeline = bool(fleet and fleet.direction is Direction.FLAT)
    if newest is None:
        return Answer(question, Reply.NO, "no span of this agent in the last 90 min", ("span_age",))
    if spans and spans.direction is Direction.UP and not pipeline:
        return Answer(question, Reply.NO, f"the newest span came {ago(newest)}", ("span_age",))
    if scores and scores.direction is Direction.UP:
        said = f"the newest score came {ago(scores.value)}, so answers may be worse without a sign"
        return Answer(question, Reply.NO, said, ("score_age",))
    if spans and spans.direction is Direction.UP:
        said = f"the newest span came {ago(newest)}, while other agents' spans arrive"
        return Answer(question, Reply.YES, said, ("span_age", "fleet_age"))
    last = f", the newest score {ago(scores.value)}" if scores and scores.value is not None else ""
    return Answer(question, Reply.YES, f"the newest span came {ago(newest)}{last}", ("span_age", "score_age"))
