"""The end of an incident: what it leaves on, what it queues, and what it takes no more."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.incident.errors import BadInput, Closed
from bot.incident.facts.closing import Resolved
from bot.incident.kinds import MitigationKind
from bot.incident.mitigation import MitigationState
from bot.incident.model import Status
from bot.incident.postmortem import Postmortem, Section
from bot.incident.taxonomy import Severity
from bot.ports import RoomTaskKind
from bot.response.orders import Order
from bot.response.review import DraftPostmortem
from tests.response.conftest import ANA, BEN, Office
from tests.taxonomies import TAXONOMY
from tests.web.fakes import looping_since

LIMIT = Order(MitigationKind.TURN_LIMIT, 6)


def looping(office: Office) -> None:
    office.traces.kept, office.traces.scored = looping_since(office.clock.now() - timedelta(minutes=5))


async def test_a_resolved_incident_takes_no_lever_and_no_severity(office: Office) -> None:
    await office.declared()
    await office.verbs.resolve("INC-1", "over", frozenset(), ANA, "r")
    with pytest.raises(Closed, match="takes no mitigation"):
        await office.verbs.apply("INC-1", LIMIT, ANA, "k")
    with pytest.raises(Closed, match="takes no change of severity"):
        await office.verbs.change_severity("INC-1", Severity.SEV1, "", ANA, "s")


class Interrupted(DraftPostmortem):
    """The process loses its way after the end is kept and before the document is drafted."""

    async def __call__(self, key: str) -> Postmortem:
        raise ConnectionError(key)


async def test_the_document_is_queued_in_the_same_moment_as_the_end(office: Office) -> None:
    await office.declared()
    resolve = replace(office.verbs.resolve, draft=Interrupted(office.records, office.clock, TAXONOMY))
    with pytest.raises(ConnectionError):
        await resolve("INC-1", "over", frozenset(), ANA, "r")
    assert (await office.verbs.look.state("1")).status is Status.RESOLVED
    assert [t.key for t in office.records.kept.tasks if t.kind is RoomTaskKind.POSTMORTEM] == ["postmortem:INC-1"]


async def test_the_end_names_what_stays_and_what_telemetry_says(office: Office) -> None:
    looping(office)
    await office.declared()
    lever = await office.verbs.apply("INC-1", LIMIT, ANA, "k")
    outlook = await office.verbs.outlook("INC-1")
    assert outlook.recovered is False
    state = await office.verbs.resolve("INC-1", "over", frozenset({lever.id, "unknown"}), BEN, "r")
    assert state.resolution == Resolved("over", outlook.lines, ("Turn limit 6",))
    assert "mitigation_reverted" not in office.told()


async def test_lifting_at_the_end_tells_the_control_plane(office: Office) -> None:
    await office.declared()
    lever = await office.verbs.apply("INC-1", LIMIT, ANA, "k")
    looser = await office.verbs.apply("INC-1", Order(MitigationKind.TURN_LIMIT, 9), ANA, "k2")
    published = office.control.published
    await office.verbs.resolve("INC-1", "over", frozenset({lever.id}), ANA, "r")
    assert office.control.published == published + 1
    assert office.records.kept.levers[looser.id].state is MitigationState.REVERTED  # the other one binds all the same


async def test_resolving_is_no_way_around_the_second_person(office: Office) -> None:
    await office.declared()
    lever = await office.verbs.apply("INC-1", LIMIT, ANA, "k")
    state = await office.verbs.resolve("INC-1", "over", frozenset(), ANA, "r")
    assert state.mitigations[lever.id].mitigation.state.is_live
    (question,) = state.pending_approvals
    assert (await office.verbs.decide(question.id, BEN, granted=True)).state is MitigationState.REVERTED


async def test_an_empty_or_endless_summary_resolves_nothing(office: Office) -> None:
    await office.declared()
    for summary in ("  ", "x" * 3001):
        with pytest.raises(BadInput) as refused:
            await office.verbs.resolve("INC-1", summary, frozenset(), ANA, "r")
        assert refused.value.field == "summary"
    assert (await office.verbs.look.state("1")).status is Status.DECLARED


async def test_what_is_reviewed_is_reviewed_once_and_stays_as_it_is(office: Office) -> None:
    await office.declared()
    await office.verbs.resolve("INC-1", "over", frozenset(), ANA, "r")
    await office.verbs.write_section("INC-1", Section.MONITORING_GAP, "a repeat monitor", BEN, "w")
    await office.verbs.accept_review("INC-1", "read", BEN, "v")
    with pytest.raises(Closed, match="reviewed already"):
        await office.verbs.accept_review("INC-1", "me too", ANA, "v2")
    with pytest.raises(Closed, match="reviewed already"):
        await office.verbs.write_section("INC-1", Section.IMPACT, "40 users", ANA, "w2")
    await office.verbs.note("INC-1", "found one more user", "command", ANA, ANA, "n")
    assert office.told()[-2:] == ["reviewed", "note_added"]


async def test_the_draft_shows_what_people_must_fill(office: Office) -> None:
    await office.declared()
    before = await office.verbs.postmortem("1")
    await office.verbs.write_section("INC-1", Section.MONITORING_GAP, "a repeat monitor", BEN, "w")
    after = await office.verbs.postmortem("1")
    assert (before.reviewable, after.reviewable) == (False, True)
    assert {t.section for t in before.todos} - {t.section for t in after.todos} == {Section.MONITORING_GAP}
