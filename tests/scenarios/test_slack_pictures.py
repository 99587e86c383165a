"""The evidence of a declaration in pictures: put into the room once, and never in anybody's way."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

import pytest

from bot.incident.errors import Unavailable
from bot.incident.model import IncidentKey
from bot.ports import RoomTask, RoomTaskKind
from bot.response.gather import nanoseconds
from bot.slack.blocks import Block
from tests.scenarios.conftest import Office
from tests.web.fakes import looping_since

PNG = b"\x89PNG picture"
KEY = IncidentKey("INC-1")


async def drawn(specs: Sequence[Mapping[str, object]]) -> Sequence[bytes]:
    return [PNG + str(spec["title"]).encode() for spec in specs]


async def undrawable(specs: Sequence[Mapping[str, object]]) -> Sequence[bytes]:
    del specs
    raise Unavailable("The charts could not be drawn; the figures stand in the text.")


@pytest.fixture
async def loop(closed_office: Office) -> Office:
    """An office whose agent has been looping for five minutes."""
    closed_office.traces.kept, closed_office.traces.scored = looping_since(
        closed_office.clock.now() - timedelta(minutes=5)
    )
    return closed_office


async def declared(office: Office) -> str:
    await office.declares()
    await office.follows()
    return str(office.slack.room()["id"])


def card_of(office: Office, room: str) -> str:
    blocks: list[Block] = office.slack.messages[room][0]["blocks"]
    return str(blocks)


async def test_the_room_gets_the_charts_once_with_words_for_those_who_cannot_see_them(loop: Office) -> None:
    loop.draw = drawn
    office = await loop.start()
    room = await declared(office)
    assert [file.startswith(PNG) for file in office.slack.files] == [True] * 4
    reserved = office.slack.called("files.getUploadURLExternal")
    assert [call["filename"] for call in reserved] == [
        f"inc-1-{name}.png" for name in ("shares", "over-time", "pass-rate", "steps")
    ]
    assert all(20 < len(call["alt_txt"]) <= 1000 for call in reserved)
    (done,) = office.slack.called("files.completeUploadExternal")
    assert done["channel_id"] == room
    assert "in pictures" in done["initial_comment"]
    assert (await office.rooms.room(KEY)).steps["charts"] == "ok"
    assert "Not done in Slack: charts" not in card_of(office, room)


async def test_a_task_that_comes_twice_posts_nothing_twice(loop: Office) -> None:
    loop.draw = drawn
    office = await loop.start()
    await declared(office)
    async with office.records.begin() as work:
        await work.outbox.put(RoomTask(RoomTaskKind.EVIDENCE, KEY, "again"))
    await office.follows()
    assert len(office.slack.called("files.completeUploadExternal")) == 1


async def test_pictures_that_cannot_be_drawn_leave_a_line_on_the_card(loop: Office) -> None:
    loop.draw = undrawable
    office = await loop.start()
    room = await declared(office)
    assert office.slack.called("files.completeUploadExternal") == []
    assert "charts (The charts could not be drawn" in card_of(office, room)
    assert "tasks repeat the same step" in card_of(office, room)


@pytest.mark.parametrize("word", ["missing_scope", "internal_error"])
async def test_a_workspace_that_takes_no_files_is_told_on_the_card_and_asked_once(loop: Office, word: str) -> None:
    loop.draw = drawn
    loop.slack.troubles["files.getUploadURLExternal"] = [word] * 9
    office = await loop.start()
    room = await declared(office)
    assert len(office.slack.called("files.getUploadURLExternal")) == 1
    assert "Not done in Slack" in card_of(office, room)
    assert "charts (" in card_of(office, room)


async def test_an_agent_without_telemetry_gets_no_empty_pictures(closed_office: Office) -> None:
    closed_office.draw = drawn
    office = await closed_office.start()
    await declared(office)
    assert office.slack.called("files.getUploadURLExternal") == []


async def test_the_card_links_each_figure_to_a_task_and_the_pair(loop: Office) -> None:
    office = await loop.start()
    room = await declared(office)
    shown = card_of(office, room)
    newest = max(loop.traces.kept, key=lambda trace: trace.start_ns)
    assert nanoseconds(office.clock.now()) > newest.start_ns
    assert "20 of 20 tasks failed (100 %, 84-100 %; was 0 % of" in shown
    assert "https://pages.test/traces/" in shown
    assert "|A bad task beside a good one>" in shown
    assert "Began about" in shown
