"""Mitigating from Slack: preview, order, proof, a second person, and two people who want different things."""

import asyncio
import json

import pytest

from bot.incident.kinds import MitigationKind
from bot.incident.mitigation import Mitigation, Scope
from bot.incident.model import Person
from bot.incident.taxonomy import Cause, IncidentClass, Severity
from bot.response.choosing import Choice
from bot.response.deciding import lapse
from bot.response.orders import Order
from bot.response.recording import post
from bot.response.settling import escalate
from bot.slack.requests import Payload
from tests.scenarios.conftest import Office

BEN = Person("U2", "ben")


@pytest.fixture
async def room(office: Office) -> str:
    """The channel of a declared incident."""
    await office.declares()
    await office.follows()
    channel: str = office.slack.room()["id"]
    return channel


async def previewed(office: Office, room: str, kind: str, who: str = "ana") -> Payload:
    """The preview of one lever, as that person has it on the screen."""
    listed = await office.types("mitigate", who, room)
    return await office.goes_on(listed, who, kind=kind)


async def live(office: Office) -> list[Mitigation]:
    return [status.mitigation for status in (await office.verbs.look.state("1")).live_mitigations]


def words(view: Payload) -> str:
    return str(view["blocks"])


async def test_every_lever_is_there_and_says_what_it_would_do(office: Office, room: str) -> None:
    listed = await office.types("mitigate", channel=room)
    offered = next(b for b in listed["blocks"] if b.get("block_id") == "kind")["element"]["options"]
    assert {one["value"] for one in offered} == set(MitigationKind)
    assert "locked" in words(listed)
    preview = await previewed(office, room, "read-only")
    for said in ("In force now: no control", "Then: read-only", "Proof:", "Ends by itself", "a second person approves"):
        assert said in words(preview)
    assert preview["submit"]["text"] == "Apply read-only mode"
    assert await office.submits(preview) == {}
    assert [one.kind for one in await live(office)] == [MitigationKind.READ_ONLY]


async def test_another_value_shows_its_own_preview_before_anything_happens(office: Office, room: str) -> None:
    preview = await previewed(office, room, "turn-limit")
    again = await office.goes_on(preview, value="3")
    assert await live(office) == []
    assert "Changed to Turn limit 3. Look again" in words(again)
    assert again["submit"]["text"] == "Apply turn limit 3"
    assert await office.submits(again, minutes="15") == {}
    (one,) = await live(office)
    assert (one.value, one.expires_at - one.applied_at) == (3, (one.expires_at - one.applied_at))
    assert (one.expires_at - one.applied_at).total_seconds() == 15 * 60


async def test_a_lever_without_a_suggestion_asks_for_its_value_first(office: Office, room: str) -> None:
    choosing = await previewed(office, room, "model-pin")
    refused = await office.submits(choosing)
    assert "Name the model to pin" in str(refused["errors"])
    preview = await office.goes_on(choosing, value_named="orion-large-2")
    assert await office.submits(preview) == {}
    assert [one.label for one in await live(office)] == ["Model pinned to orion-large-2"]


async def test_a_second_pin_is_refused_until_somebody_chooses_to_supersede(office: Office, room: str) -> None:
    first = Order(MitigationKind.MODEL_PIN, "orion-large-2")
    pinned = await office.verbs.apply("INC-1", first, BEN, "p1")
    choosing = await previewed(office, room, "model-pin")
    preview = await office.goes_on(choosing, value_named="orion-mini-2")
    assert "Would be refused as it stands" in words(preview)
    preview = await office.goes_on(preview)
    assert "Nothing was applied." in words(preview)
    preview = await office.goes_on(preview, supersedes=pinned.id)
    assert "Would be refused" not in words(preview)
    assert await office.submits(preview) == {}
    assert [one.value for one in await live(office)] == ["orion-mini-2"]


async def test_an_override_is_asked_for_in_words_and_kept(office: Office, room: str) -> None:
    choice = Choice(IncidentClass.LOOP, Cause.OUR_CODE_OR_CONFIG, Severity.SEV2)
    await office.verbs.classify("INC-1", choice, BEN, "c1")
    preview = await previewed(office, room, "halt")
    assert "🔴 *Advised against:*" in words(preview)
    assert (await office.submits(preview))["response_action"] == "errors"
    assert await office.submits(preview, order_override="The loops write tickets") == {}
    told = [str(event.fact) for event in await office.verbs.look.timeline("INC-1")]
    assert any("The loops write tickets" in fact for fact in told)


async def test_the_second_of_two_is_told_what_the_first_did(office: Office, room: str) -> None:
    preview = await previewed(office, room, "turn-limit")
    await office.verbs.apply("INC-1", Order(MitigationKind.HALT), BEN, "h1")
    again = await office.goes_on(preview)
    assert "Meanwhile, ben: " in words(again)
    assert [one.kind for one in await live(office)] == [MitigationKind.HALT]
    assert await office.submits(again) == {}
    assert len(await live(office)) == 2


async def test_opposite_clicks_end_in_one_state_and_both_people_know(office: Office, room: str) -> None:
    await office.clicks("apply:turn-limit", {"k": "INC-1", "v": 5}, room)
    (one,) = await live(office)
    about = {"k": "INC-1", "m": one.id}
    dialog = await office.clicks(f"undo:{one.id}", about, room)
    await office.submits(dialog, undo_alone="nobody else is here")
    await office.clicks(f"extend:{one.id}", about, room, "ben")
    assert "is reverted already. Nothing was changed. ana ended Turn limit 5 at" in office.slack.told()[-1]


async def test_a_question_stands_in_the_channel_and_only_somebody_else_answers_it(office: Office, room: str) -> None:
    await office.clicks("apply:turn-limit", {"k": "INC-1", "v": 5}, room)
    (one,) = await live(office)
    dialog = await office.clicks(f"undo:{one.id}", {"k": "INC-1", "m": one.id}, room)
    await office.submits(dialog, undo_reason="It is fixed")
    await office.follows()
    (question,) = (await office.verbs.look.state("1")).pending_approvals
    asked = {"k": "INC-1", "a": question.id}
    assert "asks to undo Turn limit 5 on helpdesk-agent" in office.slack.said_in(room)[-1]
    await office.clicks("approve", asked, room)
    assert "somebody else has to approve it" in office.slack.told()[-1]
    both = [office.clicks("approve", asked, room, "ben") for _ in range(2)]
    await asyncio.gather(*both)
    assert await live(office) == []
    await office.follows()
    assert sum("ben approved to undo Turn limit 5" in said for said in office.slack.said_in(room)) == 1
    (answered,) = [said for said in office.slack.messages[room] if "approved: undo Turn limit 5" in str(said)]
    assert [block["type"] for block in answered["blocks"]] == ["section"]
    assert "<@U2> approved: undo Turn limit 5 on helpdesk-agent" in str(answered["blocks"])
    assert "Asked by <@U1>" in str(answered["blocks"])
    await office.clicks("refuse", asked, room, "ben")
    assert "is granted already by ben" in office.slack.told()[-1]


async def test_a_question_that_ran_out_says_so(office: Office, room: str) -> None:
    await office.clicks("apply:turn-limit", {"k": "INC-1", "v": 5}, room)
    (one,) = await live(office)
    dialog = await office.clicks(f"undo:{one.id}", {"k": "INC-1", "m": one.id}, room)
    await office.submits(dialog, undo_reason="It is fixed")
    (question,) = (await office.verbs.look.state("1")).pending_approvals
    office.clock.advance(31 * 60)
    await office.clicks("approve", {"k": "INC-1", "a": question.id}, room, "ben")
    assert "The time to approve to undo Turn limit 5" in office.slack.told()[-1]
    assert len(await live(office)) == 1


async def test_a_question_answered_elsewhere_or_by_nobody_shows_that_where_it_was_put(
    office: Office, room: str
) -> None:
    lever = await office.verbs.apply("INC-1", Order(MitigationKind.TURN_LIMIT, 5), BEN, "t1")
    await office.verbs.revert(lever.id, "It is fixed", BEN, "r1")
    await office.follows()
    (question,) = (await office.verbs.look.state("1")).pending_approvals
    for _ in range(60):  # a busy room: the question is far up
        async with office.records.begin() as work:
            await post(work, question.incident, "", "People talk.")
        await office.follows()
    await office.verbs.decide.answer(question.id, Person("cli:cem", "cem"), granted=False, note="Not yet.")
    await office.follows()
    (answered,) = [said for said in office.slack.messages[room] if "declined: undo" in str(said)]
    assert "cem declined: undo Turn limit 5 on helpdesk-agent" in str(answered["blocks"])
    assert "Not yet." in str(answered["blocks"])
    assert "actions" not in str(answered["blocks"])
    assert (await office.rooms.room(question.incident)).questions == {}

    await office.verbs.revert(lever.id, "It is fixed", BEN, "r2")
    await office.follows()
    (question,) = (await office.verbs.look.state("1")).pending_approvals
    office.clock.advance(31 * 60)
    async with office.records.begin() as work:
        await lapse(work, question, office.clock)
    await office.follows()
    assert any("Nobody answered in time: undo Turn limit 5" in str(said) for said in office.slack.messages[room])


async def test_a_lever_for_several_parts_of_the_traffic_at_once(office: Office, room: str) -> None:
    preview = await previewed(office, room, "turn-limit")
    wrong = await office.submits(preview, scope_typed="acme")
    assert "write it like tenant=acme, version=2.3" in wrong["errors"]["scope_typed"]
    again = await office.goes_on(preview, scope_typed="tenant=acme, version=2.3")
    assert "tenant acme, version 2.3" in words(again)
    assert await office.submits(again) == {}
    assert [one.scope for one in await live(office)] == [Scope(tenant="acme", version="2.3")]


async def test_the_way_out_is_planned_in_steps(office: Office, room: str) -> None:
    await office.clicks("apply:turn-limit", {"k": "INC-1", "v": 5}, room)
    (one,) = await live(office)
    dialog = await office.clicks(f"undo:{one.id}", {"k": "INC-1", "m": one.id}, room)
    wrong = await office.submits(dialog, undo_how="steps", undo_values="4, 8")
    assert "looser than the one before" in wrong["errors"]["undo_values"]
    assert await office.submits(dialog, undo_how="steps") == {}
    (question,) = (await office.verbs.look.state("1")).pending_approvals
    assert "5 → 8 → 15 → off" in question.words
    await office.clicks("approve", {"k": "INC-1", "a": question.id}, room, "ben")
    (one,) = await live(office)
    assert one.exit is not None
    assert one.exit.steps == (8, 15)


async def test_tighter_is_one_click_and_looser_is_a_question(office: Office, room: str) -> None:
    await office.clicks("apply:turn-limit", {"k": "INC-1", "v": 5}, room)
    (one,) = await live(office)
    dialog = await office.clicks(f"undo:{one.id}", {"k": "INC-1", "m": one.id}, room)
    assert await office.submits(dialog, undo_how="value", undo_values="4") == {}
    assert [one.value for one in await live(office)] == [4]
    dialog = await office.clicks(f"undo:{one.id}", {"k": "INC-1", "m": one.id}, room)
    assert await office.submits(dialog, undo_how="value", undo_values="20") == {}
    assert [one.value for one in await live(office)] == [4]
    refused = await office.submits(dialog, undo_how="value", undo_values="-1")
    assert "from 1 to 1000" in refused["errors"]["undo_values"]


async def test_one_that_does_not_hold_is_told_with_the_next_stronger_lever_to_click(office: Office, room: str) -> None:
    await office.clicks("apply:turn-limit", {"k": "INC-1", "v": 5}, room)
    (one,) = await live(office)
    async with office.verbs.offers.records.begin() as work:
        await escalate(work, one, "3 of 5 tasks started since did not obey", office.clock)
    await office.follows()
    told = next(m for m in office.slack.messages[room] if "does not hold" in str(m["text"]))
    stronger, undo = told["blocks"][-1]["elements"]
    assert stronger["text"]["text"] == "Stronger: Drain · helpdesk-agent · 60 min"
    assert undo["text"]["text"] == "Undo turn limit 5…"
    await office.clicks(stronger["action_id"], json.loads(stronger["value"]), room, "ben")
    assert [each.kind for each in await live(office)] == [MitigationKind.TURN_LIMIT, MitigationKind.DRAIN]


async def test_what_ends_soon_can_be_extended_where_the_room_is_told(office: Office, room: str) -> None:
    await office.clicks("apply:turn-limit", {"k": "INC-1", "v": 5}, room)
    (one,) = await live(office)
    async with office.verbs.offers.records.begin() as work:
        await post(work, one.incident, f"warned:{one.id}:1", "Turn limit 5 on helpdesk-agent has 12 min left.")
    await office.follows()
    told = next(m for m in office.slack.messages[room] if "12 min left" in str(m["text"]))
    extend = told["blocks"][-1]["elements"][1]
    await office.clicks(extend["action_id"], json.loads(extend["value"]), room, "ben")
    (longer,) = await live(office)
    assert (longer.expires_at - one.expires_at).total_seconds() == 3600
