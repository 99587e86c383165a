"""One lever: its name, its states, and what older versions stored of it."""

import pytest

from bot.incident.codec import decode, encode
from bot.incident.control_values import label_of
from bot.incident.errors import BadInput
from bot.incident.facts.mitigating import MitigationApplied
from bot.incident.kinds import MitigationKind, Value
from bot.incident.mitigation import DEFAULT_TTL, Mitigation, MitigationState, Scope
from bot.incident.timeline import fact_from_json
from bot.incident.wishes import value_of
from tests.incident import stories

K = MitigationKind
_NO_LIMITS = (0, -1, 10**9, 10**400, 5.5, "five", "", None, True, float("nan"), float("inf"), [5], "1e3")


@pytest.mark.parametrize(
    ("kind", "value", "label"),
    [
        (K.HALT, True, "Kill switch"),
        (K.TURN_LIMIT, 6, "Turn limit 6"),
        (K.COST_CAP, 0.5, "Cost cap $0.5"),
        (K.DISABLE_TOOLS, ("search_kb", "send_mail"), "Tools off: search_kb, send_mail"),
        (K.HANDOFF, "new", "Hand-off of new tasks"),
        (K.MODEL_PIN, "gpt-x", "Model pinned to gpt-x"),
        (K.CANARY_SHARE, 10, "Canary share 10 %"),
    ],
)
def test_a_label_carries_its_figure(kind: MitigationKind, value: Value, label: str) -> None:
    assert label_of(kind, value) == label


def test_waiting_longer_teaches_nothing_about_a_lever_seen_to_work() -> None:
    waiting = {state for state in MitigationState if not state.is_proven_or_given_up}
    assert waiting == {
        MitigationState.APPLIED,
        MitigationState.DELIVERED,
        MitigationState.UNPROVEN,
        MitigationState.INEFFECTIVE,
    }


def test_what_is_not_certain_counts_as_in_force() -> None:
    assert MitigationState.APPLYING.is_live
    assert MitigationState.REVERTING.is_live
    assert not MitigationState.AWAITING_APPROVAL.is_live


@pytest.mark.parametrize(("kind", "limit", "value"), [("turn-limit", 5, 5), ("halt", None, True)])
def test_what_was_stored_before_there_were_scopes_is_still_read(kind: str, limit: int | None, value: Value) -> None:
    kept = encode(stories.mitigation())
    for name in ("value", "scope", "driver", "requests", "uncertain", "supersedes"):
        kept.pop(name)
    kept |= {"kind": kind, "limit": limit, "environment": "staging"}
    read = decode(Mitigation, kept)
    assert (read.value, read.limit, read.scope, read.driver) == (value, limit, Scope("staging"), "built-in")
    fact = fact_from_json("mitigation_applied", {"mitigation": kept, "before": "no control", "after": "halted"})
    assert isinstance(fact, MitigationApplied)
    assert fact.mitigation == read


def test_one_stored_before_its_first_moment_was_kept_counts_from_when_it_was_applied() -> None:
    kept = encode(stories.mitigation())
    kept.pop("first_at")
    read = decode(Mitigation, kept)
    assert read.since == read.applied_at
    later = read.applied_anew(read.expires_at).applied_anew(read.expires_at + DEFAULT_TTL)
    assert (later.since, later.applied_at) == (read.applied_at, read.expires_at + DEFAULT_TTL)


@pytest.mark.parametrize(
    ("kind", "raw", "value"),
    [
        (K.HALT, None, True),
        (K.HALT, "on", True),
        (K.TURN_LIMIT, " 5 ", 5),
        (K.TURN_LIMIT, 5.0, 5),
        (K.COST_CAP, "0.25", 0.25),
        (K.COST_CAP, 2, 2.0),
        (K.DISABLE_TOOLS, "b, a,", ("a", "b")),
        (K.DISABLE_TOOLS, ["a", "a"], ("a",)),
        (K.HANDOFF, "All", "all"),
        (K.MODEL_PIN, " gpt-x ", "gpt-x"),
        (K.CANARY_SHARE, 0, 0),
    ],
)
def test_what_people_type_becomes_a_value(kind: MitigationKind, raw: object, value: Value) -> None:
    assert value_of(kind, raw) == value
    assert type(value_of(kind, raw)) is type(value)


@pytest.mark.parametrize(
    ("kind", "raw", "sentence"),
    [
        *((K.TURN_LIMIT, raw, "Give the turn limit as a whole number from 1 to 1000.") for raw in _NO_LIMITS),
        (K.HALT, 5, "Kill switch is on or off and takes no value; leave it out."),
        (K.COST_CAP, 0, "Give the cost cap as a number from 0.001 to 10000."),
        (K.GUARDRAIL_LEVEL, 4, "Give the guardrail level as a whole number from 1 to 3."),
        (K.CANARY_SHARE, 100, "Give the canary share as a whole number from 0 to 99."),
        (K.DISABLE_TOOLS, " , ", "Name the tools to switch off, 1 to 50, as telemetry names them."),
        (K.DISABLE_TOOLS, ["a", 5], "Name the tools to switch off, 1 to 50, as telemetry names them."),
        (K.HANDOFF, "off", 'Say which tasks people take over: "new" or "all".'),
        (K.MODEL_PIN, "", "Name the model to pin, 200 characters at most."),
        (K.PROMPT_PIN, "a\nb", "Name the version of the prompt to pin, 200 characters at most."),
    ],
)
def test_what_cannot_be_a_value_is_refused_with_what_can(kind: MitigationKind, raw: object, sentence: str) -> None:
    with pytest.raises(BadInput) as refused:
        value_of(kind, raw)
    assert str(refused.value) == sentence
    assert refused.value.field == "value"
