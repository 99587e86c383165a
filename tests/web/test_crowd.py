"""Who is let in with telemetry, and who makes room."""

import asyncio

import pytest

from bot.incident.errors import Unavailable
from bot.web import crowd
from bot.web.crowd import MOST_AT_ONCE, MOST_REQUESTS, Crowd


async def stalling(door: Crowd, size: int, brought: int = 0) -> None:
    with door.admitted(size) as place:
        async with door.arriving(place):
            place.count(brought)
            await asyncio.Event().wait()


async def test_the_slowest_makes_room_and_the_others_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowd, "PATIENCE", 0.0)
    door = Crowd()
    inside = [asyncio.create_task(stalling(door, 10_000, brought)) for brought in range(1, MOST_REQUESTS + 1)]
    await asyncio.sleep(0.01)
    with door.admitted(10):
        await asyncio.wait(inside, return_when=asyncio.FIRST_COMPLETED)
        assert [task.done() for task in inside] == [True] + [False] * (MOST_REQUESTS - 1)
        with pytest.raises(Unavailable, match="came too slowly while others waited"):
            inside[0].result()
    for task in inside:
        task.cancel()
    await asyncio.gather(*inside, return_exceptions=True)
    assert (door.places, door.announced) == (set(), 0)


async def test_a_body_whose_end_comes_as_it_gives_way_is_not_taken_beside_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(crowd, "PATIENCE", 0.0)
    door, end = Crowd(), asyncio.Event()

    async def slow() -> None:
        with door.admitted(MOST_AT_ONCE) as place:
            async with door.arriving(place):
                await end.wait()

    sending = asyncio.create_task(slow())
    await asyncio.sleep(0.01)
    end.set()
    with door.admitted(MOST_AT_ONCE), pytest.raises(Unavailable, match="came too slowly"):
        await sending
    assert (door.places, door.announced) == (set(), 0)


async def test_who_has_arrived_and_who_came_just_now_stay() -> None:
    door = Crowd()
    young = asyncio.create_task(stalling(door, MOST_AT_ONCE))
    await asyncio.sleep(0)
    with pytest.raises(Unavailable, match="send it again") as refused, door.admitted(1):
        pass
    assert refused.value.retry_after == crowd.COME_BACK
    young.cancel()


async def test_nobody_goes_where_that_makes_not_enough_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowd, "PATIENCE", 0.0)
    door = Crowd()
    with door.admitted(MOST_AT_ONCE - 1_000):  # has arrived, and waits for the store
        slow = asyncio.create_task(stalling(door, 1_000))
        await asyncio.sleep(0.01)
        with pytest.raises(Unavailable, match="send it again"), door.admitted(1_001):
            pass
        assert len(door.places) == 2
        with door.admitted(1_000), pytest.raises(Unavailable, match="came too slowly"):
            await slow


async def test_what_was_announced_and_did_not_come_is_free_again() -> None:
    """A body in chunks announces nothing, so all that is allowed is kept free for it until it is here."""
    door = Crowd()
    with door.admitted(MOST_AT_ONCE) as place:
        async with door.arriving(place):
            place.count(100)
        assert door.announced == 100
        with door.admitted(MOST_AT_ONCE - 100):
            assert door.announced == MOST_AT_ONCE
    assert door.announced == 0
