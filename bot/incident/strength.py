"""How strongly one signal speaks for trouble, in nats (see ``statistics``).

One that is worse by chance in one of seven hundred looks reaches about 4.5.
"""

from bot.incident.case_rules import CONVINCING, Sign
from bot.incident.evidence import Direction, Signal
from bot.incident.statistics import evidence, poisson_evidence

NOTABLE = 1.0  # nats from which a signal is mentioned
FEWEST_BASELINE = 8
FEWEST_ALARMS = 2
FEWEST_EVENTS = 3  # bad outcomes of one kind below which everyday noise explains them
FEWEST_VERDICTS_AGAINST = 4  # the same for verdicts: judges and guardrails err
PRIOR = (0.5, 10)  # added to what is known: everyday noise is never quite absent
PRIOR_OF_VERDICTS = (1.5, 10)  # the same for answers: no agent is right every time, and no judge either
ALARM = "guardrail:"  # how the signal of one guardrail is named
COLLAPSE = 0.5
FEWEST_EXPECTED = 10  # tasks that should have come before their absence means anything
QUIET_SPELL = 2.5  # nats: tasks bunch more than chance, so a quiet spell must be quieter

VERDICTS_ON_ANSWERS = frozenset(
    {"quality", "quality_evaluator", "probes", "feedback", "quality_slice", "quality_elsewhere"}
)
VERDICTS_ON_CONDUCT = frozenset({"policy_hits", "breaches", "policy_verdicts", "breaches_slice"})
_NO_NOISE = frozenset(
    {
        "new_destinations",
        "untrusted_privileged",
        "unapproved_writes",
        "unbacked_claims",
        "many_writes",
        "write_amounts",
        "model_mismatch",
    }
)


def strength(signal: Signal | None) -> float:
    """Evidence in nats that a share is worse than before; negative when it is better.

    An agent without a history is compared with a modest assumption, where that makes sense.
    """
    if signal is None or signal.k is None:
        return 0.0
    if signal.name in _NO_NOISE:
        known = signal.baseline_n >= FEWEST_BASELINE
        return evidence(signal.k, signal.n, signal.baseline_k or 0, signal.baseline_n) if known else 0.0
    bad, of = PRIOR_OF_VERDICTS if signal.name in VERDICTS_ON_ANSWERS else PRIOR
    nats = evidence(signal.k, signal.n, (signal.baseline_k or 0) + bad, signal.baseline_n + of)
    if signal.baseline_n >= FEWEST_EVENTS:  # what always was so is no news, however rare one would think it
        nats = min(nats, evidence(signal.k, signal.n, signal.baseline_k or 0, signal.baseline_n))
    alarm = signal.name == "security_hits" or signal.name.startswith(ALARM)
    verdict = signal.name in VERDICTS_ON_ANSWERS or signal.name in VERDICTS_ON_CONDUCT
    few = FEWEST_ALARMS if alarm else FEWEST_VERDICTS_AGAINST if verdict else FEWEST_EVENTS
    return min(nats, NOTABLE) if signal.k < few else nats


def speaks(signal: Signal | None, sign: Sign) -> float:
    """Nats with which a signal speaks for a class, before what choosing it costs; negative when it speaks against."""
    if not sign.bounded:
        return sign.weight * strength(signal)
    if signal is None or signal.value is None or signal.n < sign.at_least:
        return 0.0
    return sign.weight * CONVINCING if _crossed(signal.value, signal.baseline, sign) else 0.0


def _crossed(value: float, baseline: float | None, sign: Sign) -> bool:
    above = sign.above is None or value > sign.above
    below = sign.below is None or value < sign.below
    times = sign.times is None or (baseline is not None and baseline > 0 and value > sign.times * baseline)
    return above and below and times


def collapse(pace: Signal | None) -> float:
    """Evidence in nats that less than half the usual tasks arrive."""
    if pace is None or pace.value is None or pace.value > COLLAPSE * (pace.baseline or 0.0):
        return 0.0
    return max(0.0, fewer(pace) - QUIET_SPELL)


def fewer(pace: Signal | None) -> float:
    """Evidence in nats that fewer tasks arrive, where enough should have come to tell."""
    if (
        pace is None
        or pace.direction is not Direction.DOWN
        or not pace.baseline
        or pace.baseline * pace.window.seconds / 60 < FEWEST_EXPECTED
    ):
        return 0.0
    before_seconds = pace.baseline_n / pace.baseline * 60
    return max(0.0, -poisson_evidence(pace.n, pace.window.seconds, pace.baseline_n, before_seconds))
