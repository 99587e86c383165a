"""The riskier direction: asked by one, approved by another, or done alone behind broken glass."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from bot.incident.errors import Closed, Conflict, KeyReused, NeedsSecondPerson, NotAllowed, NotFound, Stale, Unavailable
from bot.incident.kinds import MitigationKind
from bot.incident.mitigation import Mitigation, MitigationState, OnExpiry, Scope
from bot.incident.model import Agent, Catalogue, Person, Via
from bot.ports import Groups, JobName
from bot.response.orders import Order
from tests.fakes.verbs import HELPDESK
from tests.response.conftest import ANA, BEN, Office

CHRIS = Person("U3", "Chris")
LIMIT = Order(MitigationKind.TURN_LIMIT, 6)


async def limited(office: Office, order: Order = LIMIT, key: str = "k") -> Mitigation:
    if "INC-1" not in office.records.kept.opened:
        await office.declared()
    return await office.verbs.apply("INC-1", order, ANA, key)


async def test_undoing_waits_for_a_second_person_and_stays_in_force_meanwhile(office: Office) -> None:
    lever = await limited(office)
    asked = await office.verbs.revert(lever.id, "pass rate is back", ANA, "u")
    assert asked.state.is_live
    (question,) = (await office.verbs.look.state("1")).pending_approvals
    assert (question.id, question.words) == (asked.approval, "undo Turn limit 6 on helpdesk-agent")
    assert "ana asks to undo" in office.posted()[-1].lower()
    done = await office.verbs.decide(asked.approval, BEN, granted=True)
    assert (done.state, done.approved_by) == (MitigationState.REVERTED, BEN)
    assert office.told()[-2:] == ["approval_decided", "mitigation_reverted"]
    assert (await office.verbs.look.timeline("1"))[-1].by == ANA


@pytest.mark.parametrize(
    "other",
    [
        ANA,
        Person("api:ana", "ana"),
        Person("cli:Ana", "ANA"),
        Person("api:u0ana", "u0ana"),
        Person("api:@Ana", "@Ana"),
        Person("api:cli:ana", "cli:ana"),
    ],
)
async def test_nobody_approves_their_own_question_through_any_door(office: Office, other: Person) -> None:
    lever = await limited(office)
    asked = await office.verbs.revert(lever.id, "", ANA, "u")
    with pytest.raises(NotAllowed, match="somebody else has to approve"):
        await office.verbs.decide(asked.approval, other, granted=True)
    assert office.records.kept.levers[lever.id].state.is_live


async def test_a_token_without_a_name_is_no_second_person(office: Office) -> None:
    asked = await office.verbs.revert((await limited(office)).id, "", ANA, "u")
    with pytest.raises(NotAllowed, match="Firstfive-Actor"):
        await office.verbs.decide(asked.approval, Person("api:token", "API"), granted=True)


async def test_a_token_without_a_name_may_apply_but_not_ask_for_what_takes_two_people(office: Office) -> None:
    nobody = Person("api:token", "API")
    await office.declared()
    lever = await office.verbs.apply("INC-1", LIMIT, nobody, "k")
    assert (await office.verbs.extend(lever.id, 30, nobody, "e")).state.is_live
    before = office.told()
    for alone in ("", "nobody is awake"):
        with pytest.raises(NotAllowed, match=r"undo Turn limit 6 .* say who asks in the header Firstfive-Actor"):
            await office.verbs.revert(lever.id, "", nobody, f"u{alone}", alone=alone)
    with pytest.raises(NotAllowed, match="Firstfive-Actor"):
        await office.verbs.resolve("INC-1", "over", frozenset(), nobody, "r")
    assert office.told() == before
    await office.verbs.resolve("INC-1", "over", frozenset({lever.id}), nobody, "r2")


async def test_whoever_asked_may_take_it_back_and_the_first_answer_counts(office: Office) -> None:
    lever = await limited(office)
    asked = await office.verbs.revert(lever.id, "", ANA, "u")
    taken_back = await office.verbs.decide(asked.approval, ANA, granted=False)
    assert (taken_back.approval, taken_back.state.is_live) == ("", True)
    with pytest.raises(Closed, match="refused already by ana"):
        await office.verbs.decide(asked.approval, BEN, granted=True)


async def test_a_question_lapses_after_half_an_hour_and_can_be_asked_again(office: Office) -> None:
    lever = await limited(office)
    asked = await office.verbs.revert(lever.id, "", ANA, "u")
    office.later(minutes=30)
    with pytest.raises(Closed, match="time to approve"):
        await office.verbs.decide(asked.approval, BEN, granted=True)
    await office.timers(JobName.APPROVAL_EXPIRY, asked.approval)
    await office.timers(JobName.APPROVAL_EXPIRY, asked.approval)
    assert office.told().count("approval_lapsed") == 1
    assert office.records.kept.levers[lever.id].approval == ""
    assert (await office.verbs.revert(lever.id, "", ANA, "u2")).approval not in {"", asked.approval}


async def test_two_people_asking_the_same_make_one_question(office: Office) -> None:
    lever = await limited(office)
    one = await office.verbs.revert(lever.id, "", ANA, "u1")
    two = await office.verbs.revert(lever.id, "", BEN, "u2")
    assert one.approval == two.approval
    assert office.told().count("approval_requested") == 1


async def test_there_is_no_question_of_an_unknown_id(office: Office) -> None:
    for name in ("", "nonsense", "INC-9-0123456789", "INC-1-0123456789"):
        with pytest.raises(NotFound):
            await office.verbs.decide(name, BEN, granted=True)


async def test_broken_glass_undoes_at_once_and_falls_back_without_a_second_person(office: Office) -> None:
    lever = await limited(office)
    done = await office.verbs.revert(lever.id, "", ANA, "u", alone="customers cannot pay and nobody answers")
    assert done.state is MitigationState.REVERTED
    state = await office.verbs.look.state("1")
    assert state.actions == (
        (
            "Find out why nobody could approve in time to undo Turn limit 6 on helpdesk-agent; it was done alone "
            "(customers cannot pay and nobody answers)."
        ),
    )
    assert "broke the glass" in office.posted()[-1]
    (question,) = state.pending_approvals
    office.later(minutes=31)
    await office.timers(JobName.APPROVAL_EXPIRY, question.id)
    (again,) = (await office.verbs.look.state("1")).live_mitigations
    assert (again.mitigation.label, again.mitigation.id != lever.id) == ("Turn limit 6", True)
    await office.timers(JobName.APPROVAL_EXPIRY, question.id)
    assert len((await office.verbs.look.state("1")).live_mitigations) == 1


async def test_broken_glass_that_somebody_approves_stays_broken(office: Office) -> None:
    lever = await limited(office)
    await office.verbs.revert(lever.id, "", ANA, "u", alone="nobody answers")
    (question,) = (await office.verbs.look.state("1")).pending_approvals
    await office.verbs.decide(question.id, BEN, granted=True)
    office.later(minutes=31)
    await office.timers(JobName.APPROVAL_EXPIRY, question.id)
    assert (await office.verbs.look.state("1")).live_mitigations == ()


async def test_a_tighter_value_is_one_click_and_a_looser_one_is_not(office: Office) -> None:
    lever = await limited(office)
    tighter = await office.verbs.adjust(lever.id, 3, "still too many", BEN, "a1")
    assert (tighter.value, tighter.approval) == (3, "")
    asked = await office.verbs.adjust(lever.id, 9, "it recovers", BEN, "a2")
    assert (asked.value, bool(asked.approval)) == (3, True)
    assert (await office.verbs.decide(asked.approval, ANA, granted=True)).value == 9
    alone = await office.verbs.adjust(lever.id, 20, "", ANA, "a3", alone="backlog burns")
    assert alone.value == 20
    (question,) = (await office.verbs.look.state("1")).pending_approvals
    office.later(minutes=31)
    await office.timers(JobName.APPROVAL_EXPIRY, question.id)
    assert office.records.kept.levers[lever.id].value == 9


async def test_more_than_three_days_needs_a_second_person(office: Office) -> None:
    lever = await limited(office)
    asked = await office.verbs.extend(lever.id, 72 * 60, ANA, "e")
    assert asked.approval
    longer = await office.verbs.decide(asked.approval, BEN, granted=True)
    assert longer.expires_at == lever.expires_at + timedelta(hours=72)


@dataclass
class Lists(Groups):
    """Slack's user groups; those that are not listed cannot be looked up."""

    known: Mapping[str, frozenset[str]] = field(default_factory=dict)

    async def members(self, group: str) -> frozenset[str]:
        if group not in self.known:
            raise Unavailable("Slack does not answer.")
        return self.known[group]


def with_approvers(office: Office, *approvers: str, groups: Groups | None = None) -> None:
    entry = replace(HELPDESK.agents[0], approvers=approvers)
    office.catalogue, office.groups = Catalogue((entry,)), groups


async def test_the_catalogue_says_who_approves(office: Office) -> None:
    with_approvers(office, "chris", "S0LEADS", groups=Lists({"S0LEADS": frozenset({"U2"})}))
    lever = await limited(office)
    asked = await office.verbs.revert(lever.id, "", ANA, "u")
    with pytest.raises(NotAllowed, match="is no approver of helpdesk-agent; these are: chris, S0LEADS"):
        await office.verbs.decide(asked.approval, Person("U9", "Dora"), granted=True)
    assert (await office.verbs.decide(asked.approval, CHRIS, granted=True)).state is MitigationState.REVERTED


async def test_a_group_that_cannot_be_looked_up_lets_nobody_in_and_says_so(office: Office) -> None:
    with_approvers(office, "S0LEADS", groups=Lists())
    asked = await office.verbs.revert((await limited(office)).id, "", ANA, "u")
    with pytest.raises(NotAllowed, match="members of S0LEADS could not be looked up"):
        await office.verbs.decide(asked.approval, BEN, granted=True)


async def test_pins_have_no_order_so_one_has_to_name_the_other(office: Office) -> None:
    pin = await limited(office, Order(MitigationKind.MODEL_PIN, "gpt-x"))
    with pytest.raises(Conflict) as refused:
        await limited(office, Order(MitigationKind.MODEL_PIN, "gpt-y"), "k2")
    assert refused.value.with_id == pin.id
    other = await limited(office, Order(MitigationKind.MODEL_PIN, "gpt-y", supersedes=pin.id), "k3")
    assert other.state is MitigationState.APPLIED
    assert office.records.kept.levers[pin.id].state is MitigationState.REVERTED


async def test_a_pin_that_leaves_somebody_unpinned_waits_and_then_takes_its_place(office: Office) -> None:
    pin = await limited(office, Order(MitigationKind.MODEL_PIN, "gpt-x"))
    narrow = Order(MitigationKind.MODEL_PIN, "gpt-y", supersedes=pin.id, scope=Scope(tenant="acme"))
    waiting = await limited(office, narrow, "k2")
    assert (waiting.state, waiting.state.is_live) == (MitigationState.AWAITING_APPROVAL, False)
    done = await office.verbs.decide(waiting.approval, BEN, granted=True)
    assert done.state is MitigationState.APPLIED
    assert office.records.kept.levers[pin.id].state is MitigationState.REVERTED


async def test_what_nobody_approves_never_comes_into_force(office: Office) -> None:
    pin = await limited(office, Order(MitigationKind.MODEL_PIN, "gpt-x"))
    narrow = Order(MitigationKind.MODEL_PIN, "gpt-y", supersedes=pin.id, scope=Scope(tenant="acme"))
    waiting = await limited(office, narrow, "k2")
    refused = await office.verbs.decide(waiting.approval, BEN, granted=False)
    assert refused.state is MitigationState.REFUSED
    assert office.records.kept.levers[pin.id].state.is_live


async def test_a_key_is_good_for_one_order_and_a_revision_for_one_look(office: Office) -> None:
    lever = await limited(office)
    with pytest.raises(KeyReused):
        await limited(office, Order(MitigationKind.TURN_LIMIT, 9), "k")
    await office.verbs.extend(lever.id, 5, ANA, "e")
    with pytest.raises(KeyReused):
        await office.verbs.extend(lever.id, 6, ANA, "e")
    with pytest.raises(Stale, match="has changed since you read it"):
        await office.verbs.revert(lever.id, "", ANA, "u", expected=lever.revision)
    with pytest.raises(Stale, match="revision 2, not 1"):
        await limited(office, Order(MitigationKind.HALT, expected=1), "k2")


async def test_glass_whose_breaking_is_refused_falls_back_at_once_also_when_taken_back_alone(office: Office) -> None:
    for who, key in ((BEN, "1"), (ANA, "2")):
        office = Office()
        lever = await limited(office)
        await office.verbs.revert(lever.id, "", ANA, key, alone="nobody answers")
        (question,) = (await office.verbs.look.state("1")).pending_approvals
        again = await office.verbs.decide(question.id, who, granted=False)
        assert (again.label, again.state.is_live, again.id != lever.id) == ("Turn limit 6", True, True)
        assert "is in force again" in office.posted()[-1]


async def test_the_glass_is_broken_once_and_not_half_an_hour_after_the_other(office: Office) -> None:
    lever = await limited(office)
    await office.verbs.adjust(lever.id, 50, "", ANA, "a1", alone="nobody answers")
    for deed in (
        office.verbs.adjust(lever.id, 60, "", ANA, "a2", alone="still"),
        office.verbs.revert(lever.id, "", BEN, "u", alone="still"),
    ):
        with pytest.raises(NeedsSecondPerson, match="ana broke the glass"):
            await deed
    (question,) = (await office.verbs.look.state("1")).pending_approvals
    office.later(minutes=31)
    await office.timers(JobName.APPROVAL_EXPIRY, question.id)
    assert office.records.kept.levers[lever.id].value == 6
    with pytest.raises(NeedsSecondPerson):
        await office.verbs.adjust(lever.id, 50, "", ANA, "a3", alone="again")
    assert (await office.verbs.adjust(lever.id, 50, "", ANA, "a4")).approval


async def test_what_falls_back_stays_as_tight_as_somebody_made_it_since(office: Office) -> None:
    lever = await limited(office)
    await office.verbs.adjust(lever.id, 50, "", ANA, "a1", alone="nobody answers")
    (question,) = (await office.verbs.look.state("1")).pending_approvals
    await office.verbs.adjust(lever.id, 3, "it got worse", BEN, "a2")
    office.later(minutes=31)
    await office.timers(JobName.APPROVAL_EXPIRY, question.id)
    assert office.records.kept.levers[lever.id].value == 3


async def test_a_yes_to_what_was_asked_before_it_was_tightened_loosens_nothing(office: Office) -> None:
    lever = await limited(office)
    asked = await office.verbs.adjust(lever.id, 10, "", ANA, "a1")
    await office.verbs.adjust(lever.id, 2, "it got worse", BEN, "a2")
    with pytest.raises(Closed, match="Turn limit 2 now, tighter than when ana asked"):
        await office.verbs.decide(asked.approval, BEN, granted=True)
    anew = await office.verbs.adjust(lever.id, 10, "", ANA, "a3")
    assert anew.approval not in {"", asked.approval}
    assert (await office.verbs.decide(anew.approval, BEN, granted=True)).value == 10


async def test_the_same_answer_again_is_the_same_answer(office: Office) -> None:
    lever = await limited(office)
    asked = await office.verbs.revert(lever.id, "", ANA, "u")
    once = await office.verbs.decide(asked.approval, BEN, granted=True)
    twice = await office.verbs.decide(asked.approval, BEN, granted=True)
    assert once.state is twice.state is MitigationState.REVERTED
    assert office.told().count("approval_decided") == 1


async def test_what_takes_the_place_of_a_lever_lasts_at_least_as_long(office: Office) -> None:
    halt = Order(MitigationKind.HALT, minutes=600, on_expiry=OnExpiry.HOLD_AND_PAGE)
    first = await limited(office, halt)
    brief = replace(halt, minutes=1, on_expiry=OnExpiry.REVERT, supersedes=first.id)
    second = await office.verbs.apply("INC-1", brief, ANA, "k2")
    assert (second.expires_at, second.on_expiry) == (first.expires_at, OnExpiry.HOLD_AND_PAGE)


async def test_a_key_that_came_for_another_agent_halts_nobody_by_mistake() -> None:
    office = Office(catalogue=Catalogue((Agent("helpdesk-agent"), Agent("field-agent"))))
    limit = Order(MitigationKind.HALT)
    await office.verbs.contain("helpdesk-agent", limit, ANA, "k", Via.API)
    with pytest.raises(KeyReused, match="field-agent is untouched"):
        await office.verbs.contain("field-agent", limit, ANA, "k", Via.API)


async def waiting_pin(office: Office) -> Mitigation:
    """A pin for one tenant that asks to take the place of the pin for all."""
    pin = await limited(office, Order(MitigationKind.MODEL_PIN, "gpt-x"))
    narrow = Order(MitigationKind.MODEL_PIN, "gpt-y", supersedes=pin.id, scope=Scope(tenant="acme"))
    return await office.verbs.apply("INC-1", narrow, ANA, "narrow")


async def test_a_pin_approved_late_is_checked_again_for_conflicts(office: Office) -> None:
    waits = await waiting_pin(office)
    other = Order(MitigationKind.MODEL_PIN, "gpt-z", supersedes=waits.supersedes)
    newer = await office.verbs.apply("INC-1", other, CHRIS, "newer")
    with pytest.raises(Conflict, match="Another model pin came into force since ana asked") as refused:
        await office.verbs.decide(waits.approval, BEN, granted=True)
    assert refused.value.with_id == newer.id
    assert office.records.kept.levers[waits.id].state is MitigationState.AWAITING_APPROVAL
    declined = await office.verbs.decide(waits.approval, BEN, granted=False)
    assert declined.state is MitigationState.REFUSED


async def test_a_pin_approved_after_its_incident_was_resolved_is_not_applied(office: Office) -> None:
    waits = await waiting_pin(office)
    await office.verbs.resolve("INC-1", "over", frozenset({waits.supersedes}), ANA, "r")
    with pytest.raises(Closed, match="INC-1 is resolved"):
        await office.verbs.decide(waits.approval, BEN, granted=True)
    assert not office.records.kept.levers[waits.id].state.is_live


async def test_proof_that_comes_meanwhile_makes_nobodys_look_stale(office: Office) -> None:
    lever = await limited(office)
    await office.records.kept.mitigations.put(lever.moved(MitigationState.DELIVERED))
    longer = await office.verbs.extend(lever.id, 5, ANA, "e", expected=lever.revision)
    assert longer.expires_at > lever.expires_at
    with pytest.raises(Stale, match="revision 3, not 9"):
        await office.verbs.extend(lever.id, 5, ANA, "f", expected=9)


async def test_a_question_ends_with_what_it_is_about(office: Office) -> None:
    lever = await limited(office, Order(MitigationKind.TURN_LIMIT, 5))
    looser = await office.verbs.adjust(lever.id, 9, "", ANA, "looser")
    undo = await office.verbs.revert(lever.id, "", ANA, "undo")
    assert [one.id for one in await office.verbs.in_force.questions()] == [looser.approval, undo.approval]
    await office.verbs.adjust(lever.id, 4, "", BEN, "tighter")
    assert await office.verbs.in_force.questions() == ()
    again = await office.verbs.revert(lever.id, "", ANA, "again")
    longer = await office.verbs.extend(lever.id, 4320, ANA, "much longer")
    await office.verbs.decide(again.approval, BEN, granted=True)
    assert await office.verbs.in_force.questions() == ()
    with pytest.raises(Closed, match="is reverted already"):
        await office.verbs.decide(longer.approval, BEN, granted=True)


async def test_what_falls_back_lasts_as_long_as_it_would_have(office: Office) -> None:
    lever = await limited(office, Order(MitigationKind.TURN_LIMIT, 5, minutes=600))
    alone = await office.verbs.revert(lever.id, "", ANA, "undo", alone="nobody is awake")
    back = await office.verbs.decide(alone.approval, BEN, granted=False)
    assert (back.state, back.expires_at) == (MitigationState.APPLIED, lever.expires_at)
