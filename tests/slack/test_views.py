"""Every dialog, whatever it holds: within Slack's limits, and fillable in the local workspace's browser."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.incident.choices import Choices
from bot.incident.evidence import (
    Change,
    ChangeKind,
    Direction,
    EvidenceBundle,
    Finding,
    FindingKind,
    Interval,
    Onset,
    Pair,
    Signal,
    SlowStep,
    SourceStatus,
    Unit,
    Window,
)
from bot.incident.facts.closing import ReviewWritten
from bot.incident.kinds import MitigationKind
from bot.incident.mitigation import Scope
from bot.incident.offer import Standing
from bot.incident.reach import Sharing
from bot.incident.remediation import Permission, RemediationOffer, Wish
from bot.incident.rules import RemediationKind
from bot.incident.state import IncidentState
from bot.response.orders import Order
from bot.slack import messages
from bot.slack.views import (
    contain_now,
    declare,
    evidence,
    menu,
    mitigate,
    note,
    postmortem,
    preview,
    question,
    remediate,
    resolve,
    role,
    severity,
    undo,
    update,
    verdict,
)
from bot.slack.views.declared import declared as declared_view
from bot.slack.views.loading import notice
from tests.slack.stories import APPLIED, AT, KNOWN, OFFERS, PREVIEWS, ROOM, STAGES, URL, mitigation, questions_of, told
from tests.slack.stories import declared as declaration
from tests.strict_slack.limits import message_problems, unfillable_in_local_workspace, view_problems
from tests.taxonomies import TAXONOMY

NS = int(AT.timestamp() * 1e9)
MINUTE_NS = 60 * 10**9


def bundle(words: str = "prompt p-119") -> EvidenceBundle:
    def signal(name: str, direction: Direction, value: float | None) -> Signal:
        return Signal(
            name=name,
            label=words,
            unit=Unit.SHARE,
            value=value,
            baseline=0.03,
            n=50,
            baseline_n=240,
            window=Window(0, 1),
            direction=direction,
            k=17,
            interval=Interval(0.22, 0.48),
            fresh_seconds=4.0,
            note=words if value is None else "",
        )

    return EvidenceBundle(
        agent="helpdesk-agent",
        at_ns=NS,
        window=Window(NS - 10 * MINUTE_NS, NS),
        baseline_window=Window(NS - 90 * MINUTE_NS, NS - 10 * MINUTE_NS),
        signals=(
            signal("tool_errors", Direction.FLAT, 0.03),
            signal("quality", Direction.UNKNOWN, None),
            signal("cap", Direction.UP, 0.34),
        ),
        findings=(Finding(FindingKind.LOOP, "a" * 32, ("s",), words),),
        changes=(Change(ChangeKind.PROMPT_VERSION, words, words, NS, 17, 50),),
        onset=Onset(NS, NS - MINUTE_NS, NS, words),
        sources=(SourceStatus("otlp", 50, 40), SourceStatus("langfuse", 0, 0, words)),
        also_affected=(words,),
        slow_steps=(SlowStep(words, 4.2, 0.8, 0.61, 40, ("a" * 32,)),),
        pair=Pair("a" * 32, "b" * 32, 0.8, words),
    )


def repairs(words: str) -> tuple[RemediationOffer, ...]:
    wishes = (*(Wish(RemediationKind.ROLLBACK, f"{words}{n}") for n in range(6)), Wish(RemediationKind.RESTART))
    return tuple(
        RemediationOffer(wish, Permission(granted=not at, because=(words,) * 9)) for at, wish in enumerate(wishes)
    )


def previews(state: IncidentState, words: str) -> dict[str, dict[str, Any]]:
    """Every kind with a preview and without one, with long names wherever names stand."""
    names = tuple(f"{n} {words}" for n in range(40))
    known = Choices(names, names, names, tuple(Scope(tenant=name) for name in names))
    said = replace(
        PREVIEWS[0],
        why=words,
        stale=(words,) * 9,
        before=words,
        after=words,
        conflicts=(words,) * 9,
        shared=(Sharing(words, (words,)),) * 9,
        warnings=(words,) * 3,
        plan=(words,) * 5,
        undo=words,
        approval=words,
        refusal=words,
    )
    shown = {}
    for kind in MitigationKind:
        order = Order(kind, None, scope=Scope(tenant=words[:200]))
        shown[f"choose {kind}"] = preview.preview(state, None, order, known, (mitigation(),), news=words)
    for one in (*PREVIEWS, said, replace(said, standing=Standing.CONTRAINDICATED)):
        order = Order(one.wanted.kind, one.wanted.value)
        name = f"preview {one.wanted.kind} {one.standing} {one.why[:9]}"
        shown[name] = preview.preview(state, one, order, KNOWN, (mitigation(),))
    return shown


def every_view(state: IncidentState, words: str = "words") -> dict[str, dict[str, Any]]:
    key = str(state.incident.key)
    live = next(iter(state.mitigations), "none")
    asking = questions_of(state, words)
    agents = [declare.AgentChoice(f"agent-{n}", words) for n in range(120)]
    return {
        "declare skeleton": declare.skeleton("n", "C1", words),
        "declare": declare.dialog("n", "C1", agents, prefill_title=words),
        "declare somewhere": declare.dialog(
            "n", "C1", agents, environments=[words[:150] or "a", *map(str, range(120))]
        ),
        "declare nobody": declare.dialog("n", "C1", []),
        "declare few": declare.dialog("n", "C1", [declare.AgentChoice(words[:150] or "a", words)]),
        "declared": declared_view(state),
        **{f"question {one.value}": question.dialog(asking, one, URL, news="*News*") for one in TAXONOMY.questions},
        **{f"verdict {one.value}": verdict.dialog(asking, one, (words,) * 9, news=words) for one in TAXONOMY.classes},
        "confirmed": verdict.confirmed(state),
        "contain now": contain_now.dialog(state, OFFERS),
        "mitigate list": mitigate.list_view(state, OFFERS),
        "mitigate none": mitigate.list_view(state, ()),
        "remediate": remediate.dialog(state, repairs(words), URL),
        "mitigate repairs": mitigate.list_view(state, OFFERS, repairs(words), URL),
        **previews(state, words),
        "undo": undo.dialog(state, live),
        "update": update.dialog(key, words),
        "note": note.dialog(key, words),
        "role": role.dialog(state, [role.PersonChoice(f"U{n}", words) for n in range(120)]),
        "severity": severity.dialog(state),
        "resolve": resolve.dialog(state, (words,) * 9, recovered=None),
        "postmortem": postmortem.dialog(state, URL),
        "menu": menu.dialog(state),
        "evidence": evidence.dialog(state, bundle(words), URL, AT),
        "no evidence": evidence.dialog(state, None),
        "notice": notice("Contain INC-7", words),
    }


def every_message(state: IncidentState, events: tuple[Any, ...], words: str = "words") -> dict[str, Any]:
    return {
        "error": messages.answer_error(words),
        "answer": messages.answer(words),
        "help": messages.help_text(),
        "unknown": messages.unknown_verb(words, "classify"),
        "list": messages.incident_list([state] * 25, AT, URL),
        "no list": messages.incident_list([], AT),
        "nudge": messages.nudge(state, AT),
        "raised": messages.raised(state, words),
        "update": messages.update_posted(state, words, state.incident.declared_by),
        "postmortem": messages.postmortem_posted(state, URL),
        "said": messages.said_in(state, words),
        **{f"timeline {at}": card for at, card in enumerate(messages.timeline_messages(state, events * 60, URL))},
    }


def sound(state: IncidentState, events: tuple[Any, ...], words: str) -> None:
    for name, view in every_view(state, words).items():
        assert view_problems(view) == [], name
        assert unfillable_in_local_workspace(view) == [], name
        assert not calls_people(view), name
    for name, card in every_message(state, events, words).items():
        assert message_problems(card.blocks, card.text) == [], name
        assert not calls_people(card.blocks), name


def calls_people(value: Any) -> bool:
    """Formatted text anywhere in it would notify a channel; plain text cannot."""
    if isinstance(value, dict):
        formatted = value.get("type") == "mrkdwn" and "<!channel" in value["text"]
        return formatted or any(calls_people(item) for item in value.values())
    return isinstance(value, list) and any(calls_people(item) for item in value)


@pytest.mark.parametrize("stage", STAGES)
def test_every_dialog_and_message_fits_slack_at_every_stage(stage: str) -> None:
    state, events = told(*STAGES[stage])
    sound(state, events, "a few words")


@settings(max_examples=25, deadline=None)
@given(st.text(min_size=1, max_size=200), st.integers(1, 80))
def test_no_text_breaks_a_dialog_or_a_message(text: str, times: int) -> None:
    words = (text * times)[:10_000]
    opened = declaration(title=words, agent=words)
    facts = (opened, ROOM, APPLIED, ReviewWritten("impact", words), ReviewWritten("summary", words))
    state, events = told(*facts, title=words, agent=words)
    sound(state, events, words)


@pytest.mark.parametrize(
    "words", ["<!channel> <https://evil.example|x>", "🔥" * 5000, "הבוט תקוע " * 1000, "&" * 10_000]
)
def test_hostile_and_huge_words_do_nothing(words: str) -> None:
    state, events = told(declaration(title=words, agent=words), APPLIED, title=words, agent=words)
    sound(state, events, words)


SKELETONS: list[Callable[[str], dict[str, Any]]] = [
    question.skeleton,
    mitigate.skeleton,
    undo.skeleton,
    update.skeleton,
    note.skeleton,
    role.skeleton,
    severity.skeleton,
    resolve.skeleton,
    postmortem.skeleton,
    menu.skeleton,
    evidence.skeleton,
]


@pytest.mark.parametrize("skeleton", SKELETONS)
def test_every_dialog_opens_at_once(skeleton: Callable[[str], dict[str, Any]]) -> None:
    view = skeleton("INC-12345678")
    assert view_problems(view) == []
    assert json.loads(view["private_metadata"]) == {"k": "INC-12345678"}


def test_evidence_comes_worst_first_and_says_what_it_does_not_know() -> None:
    state, _ = told(APPLIED)
    shown = json.dumps(evidence.dialog(state, bundle(), URL, AT), ensure_ascii=False)
    assert shown.index("17 of 50 prompt p-119 (34 %, 22-48 %; was 3 % of 240): 🔴 up") < shown.index(
        "⚪ prompt p-119: can't tell"
    )
    assert shown.index("⚪ prompt p-119: can't tell") < shown.index("🟢 flat")
    assert f"{URL}/traces/{'a' * 32}" in shown
    assert "Missing from langfuse: prompt p-119" in shown


def test_evidence_of_an_agent_leads_to_its_page_however_it_is_called() -> None:
    shown = json.dumps(evidence.of_agent(replace(bundle(), agent="org/what? 100%|now"), URL, AT))
    assert f"<{URL}/agents/org%2Fwhat%3F%20100%25%7Cnow|Charts and traces>" in shown


def test_evidence_names_where_time_goes_the_pair_and_what_is_usual() -> None:
    state, _ = told(APPLIED)
    known = bundle()
    cap = replace(known.signals[2], difference=Interval(0.18, 0.45), usual=0.02, usual_n=900)
    shown = json.dumps(evidence.dialog(state, replace(known, signals=(cap,)), URL, AT), ensure_ascii=False)
    assert "+31 points (+18 to +45) · usually 2 % at this hour" in shown
    assert "4.2 s a task, was 800 ms (61 % of all time, n = 40)" in shown
    assert f"{URL}/traces/{'a' * 32}/beside/{'b' * 32}" in shown
    assert "80 % of the steps are alike" in shown


def test_evidence_says_whose_tasks_it_does_not_count() -> None:
    state, _ = told(APPLIED)
    places = {"<!here>": 412, "production": 9}
    known = replace(bundle(), environment="production", environments=places, left_out={"<!here>": 412})
    shown = json.dumps(evidence.dialog(state, known, URL, AT), ensure_ascii=False)
    assert "412 tasks of" in shown
    assert "are not counted" in shown
    assert "<!here>" not in shown


def test_few_observations_are_called_what_they_are() -> None:
    state, _ = told(APPLIED)
    few = replace(bundle().signals[2], n=12, direction=Direction.UNKNOWN, difference=Interval(0.1, 0.5))
    shown = json.dumps(evidence.dialog(state, replace(bundle(), signals=(few,)), URL, AT), ensure_ascii=False)
    assert "⚪ not enough data, 20 are needed on each side" in shown
    assert "points (" not in shown


@pytest.mark.parametrize(
    ("theirs", "taken"),
    [
        ("https://smith.test/t/1?a=b&c=d", True),
        ("javascript:alert(1)", False),
        ("https://x.test/|<!channel>", False),
        ("https://x.test/ y", False),
        ("https://x.test/" + "y" * 5000, False),
    ],
)
def test_a_trace_is_looked_at_in_the_tool_it_came_from(theirs: str, *, taken: bool) -> None:
    state, _ = told(APPLIED)
    known = replace(bundle(), links={"a" * 32: theirs})
    shown = json.dumps(evidence.dialog(state, known, URL, AT), ensure_ascii=False)
    address = theirs.replace("&", "&amp;") if taken else f"{URL}/traces/{'a' * 32}|trace"
    assert address in shown
    assert taken == ("task in your tool" in shown)


def test_the_declarer_is_told_to_contain_first_when_harm_is_happening() -> None:
    calm, harmed = (declared_view(told(declaration(harm_now=harm))[0]) for harm in (False, True))
    assert "Next: classify it" in json.dumps(calm)
    assert "Next: contain it" in json.dumps(harmed)
    assert (calm["submit"]["text"], harmed["submit"]["text"]) == ("Classify", "Contain")


def test_the_menu_puts_the_obvious_step_first() -> None:
    firsts = {stage: menu.steps(told(*facts)[0])[0][0] for stage, facts in STAGES.items()}
    assert firsts["just declared"] == "classify"
    assert firsts["classified"] == "contain"
    assert firsts["mitigated"] == "update"
    assert firsts["resolved"] == "postmortem"


def test_undoing_what_has_ended_shows_no_form() -> None:
    state, _ = told()
    assert "submit" not in undo.dialog(state, mitigation().id)


def test_the_list_of_incidents_hides_a_private_title() -> None:
    state, _ = told(title="secret thing")
    from_private = messages.incident_list([_private(state)], AT, URL)
    assert "secret thing" not in json.dumps(from_private.blocks)


def _private(state: IncidentState) -> IncidentState:
    return replace(state, incident=replace(state.incident, private=True))
