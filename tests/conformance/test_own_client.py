"""``firstfive-client`` against the real control plane: the same composition, and delivery that counts what is applied."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import firstfive_client
from bot.incident.codec import encode
from bot.incident.composition import compose
from bot.incident.kinds import LEVERS, Joining, MitigationKind, Value
from bot.incident.mitigation import MitigationState, Scope
from bot.incident.proof import Delivery
from firstfive_client import AsyncClient, Client, Halted
from firstfive_client.wire import read_snapshot
from tests.controls.test_builtin import lever
from tests.web.memory import NOON
from tests.web.serving import serving
from tests.web.test_ofrep import Plane

NAMES = st.sampled_from(["", "a", "b"])
SCOPES = st.builds(Scope, NAMES, NAMES, NAMES, NAMES)


def values(kind: MitigationKind) -> st.SearchStrategy[Value]:
    match LEVERS[kind].joining:
        case Joining.ANY:
            return st.just(True)
        case Joining.LEAST | Joining.MOST:
            return st.integers(1, int(min(LEVERS[kind].most, 90)))
        case Joining.UNION:
            return st.sets(st.sampled_from(["refund", "search", "mail"]), min_size=1).map(lambda s: tuple(sorted(s)))
        case Joining.WIDEST:
            return st.sampled_from(["new", "all"])
        case Joining.ALONE:
            return st.sampled_from(["small", "large"])


LIVE = st.lists(
    st.sampled_from(list(MitigationKind)).flatmap(lambda k: st.tuples(st.just(k), values(k), SCOPES)), max_size=8
)


@given(LIVE, SCOPES)
def test_client_and_server_compose_alike(live: list[tuple[MitigationKind, Value, Scope]], scope: Scope) -> None:
    mitigations = [
        lever(f"m{n}", kind, value=value, scope=bound) for n, (kind, value, bound) in enumerate(live, start=1)
    ]
    served = compose("helpdesk-agent", scope, mitigations, 7)
    everything = encode(compose("helpdesk-agent", Scope(), mitigations, 7))
    snapshot = read_snapshot(everything)
    assert snapshot.not_understood == ()
    read = firstfive_client.controls.compose(snapshot.rules, firstfive_client.Scope(**encode(scope)), 7)
    for kind in MitigationKind:
        ours, theirs = getattr(served, kind.control), getattr(read, kind.control)
        assert (set(ours) if isinstance(ours, tuple) else ours) == theirs


async def until(true: Callable[[], Any], within: float = 10.0) -> None:
    async with asyncio.timeout(within):
        while not true():  # noqa: ASYNC110 - another thread makes it true
            await asyncio.sleep(0.005)


async def test_a_halt_is_obeyed_counted_and_lifted(tmp_path: Path) -> None:
    plane = Plane("wish")
    async with serving(plane.app) as base:
        options: dict[str, Any] = {"agent": "helpdesk", "environment": "production", "token": "wish"}
        async with (
            AsyncClient(base, instance="i1", keep=tmp_path / "1", **options) as one,
            AsyncClient(base, instance="i2", keep=tmp_path / "2", **options) as two,
        ):
            halt = await plane.apply(lever(kind=MitigationKind.HALT))
            await until(lambda: one.controls().halt and two.controls().halt)
            with pytest.raises(Halted, match="INC-7"):
                one.check()
            async with asyncio.timeout(10):
                while (delivered := await plane.control.delivery(halt)).reached < 2:  # noqa: ASYNC110 - no event for it
                    await asyncio.sleep(0.01)
            assert (delivered.instances, delivered.stale) == (2, ())
            await plane.apply(halt.moved(MitigationState.REVERTED))
            await until(lambda: not one.controls().halt and not two.controls().halt)


async def test_an_instance_that_lost_its_connection_is_named_as_stale(tmp_path: Path) -> None:
    plane = Plane()
    async with serving(plane.app) as base:
        client = await AsyncClient(base, agent="helpdesk", instance="lost", keep=tmp_path / "1").connect()
        async with asyncio.timeout(10):
            while (await plane.control.delivery(lever())).instances < 1:  # noqa: ASYNC110 - no event for it
                await asyncio.sleep(0.01)
        await client.disconnect()
        halt = await plane.apply(lever(kind=MitigationKind.HALT))
        assert await plane.control.delivery(halt) == Delivery(1, 0, None, ("lost",))
        plane.clock.moment = NOON + timedelta(seconds=61)
        assert await plane.control.delivery(halt) == Delivery(0, 0, None, ())


async def test_the_client_holds_a_halt_through_a_restart_of_the_server(tmp_path: Path) -> None:
    plane = Plane()
    async with serving(plane.app) as base:
        client = await AsyncClient(base, agent="helpdesk-agent", keep=tmp_path / "kept.json").connect()
        await plane.apply(lever(kind=MitigationKind.HALT))
        await until(lambda: client.controls().halt)
    await until(lambda: not client.standing.in_touch)
    with pytest.raises(Halted):
        client.check()
    await client.disconnect()
    asleep = Client(base, agent="helpdesk-agent", keep=tmp_path / "kept.json")
    await asyncio.to_thread(asleep.start, 0.1)
    with pytest.raises(Halted):
        asleep.check()
    await asyncio.to_thread(asleep.close)
