"""The official flagd provider in in-process mode follows our stream, and keeps its flags while we are away."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from openfeature.contrib.provider.flagd import FlagdProvider
from openfeature.contrib.provider.flagd.config import ResolverType
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import ProviderNotReadyError

from bot.controls.flagd import SyncFlags, listening
from bot.controls.flagd_flags import configuration
from bot.incident.composition import compose
from bot.incident.control_values import to_flag
from bot.incident.errors import Misconfigured
from bot.incident.kinds import LEVERS, MitigationKind
from bot.incident.mitigation import EVERYWHERE, MitigationState, Scope
from bot.incident.proof import Delivery
from tests.controls.test_builtin import lever
from tests.web.test_ofrep import ASKED, CATALOGUE, Plane


def connected(port: int, selector: str) -> FlagdProvider:
    """A provider with its flags, as an agent would have it."""
    provider = FlagdProvider(
        host="127.0.0.1",
        port=port,
        tls=False,
        resolver_type=ResolverType.IN_PROCESS,
        selector=selector,
        provider_id="i1",
        deadline_ms=3000,
        retry_backoff_max_ms=200,
    )
    provider.initialize(EvaluationContext())
    return provider


def value(provider: FlagdProvider, kind: MitigationKind, **context: str) -> Any:
    rest = to_flag(kind, LEVERS[kind].at_rest)
    ask: dict[type, Callable[..., Any]] = {
        bool: provider.resolve_boolean_details,
        int: provider.resolve_integer_details,
        float: provider.resolve_float_details,
        str: provider.resolve_string_details,
        dict: provider.resolve_object_details,
    }
    details = ask[type(rest)](kind.flag_key, None, EvaluationContext("s-1", dict(context)))
    assert details.error_code is None, details
    return details.value


async def until(provider: FlagdProvider, kind: MitigationKind, wanted: object, **context: str) -> None:
    async with asyncio.timeout(10):
        while value(provider, kind, **context) != wanted:  # noqa: ASYNC110 - the provider changes it in a thread
            await asyncio.sleep(0.005)


async def test_the_flagd_provider_obeys_each_kind_and_its_end() -> None:
    plane = Plane("wish")
    async with listening(SyncFlags(plane.control, CATALOGUE, plane.clock, "wish"), "127.0.0.1", 0) as port:
        provider = await asyncio.to_thread(connected, port, "agent=helpdesk,env=production,token=wish")
        for kind in MitigationKind:
            asked, rest = ASKED.get(kind, True), LEVERS[kind].at_rest
            applied = await plane.apply(lever(f"m-{kind}", kind, value=asked))
            await until(provider, kind, to_flag(kind, asked))
            await plane.apply(applied.moved(MitigationState.REVERTED))
            await until(provider, kind, to_flag(kind, rest))
        last = await plane.apply(lever("m-last", environment="production"))
        async with asyncio.timeout(10):
            while (await plane.control.delivery(last)).reached < 1:  # noqa: ASYNC110 - no event for it
                await asyncio.sleep(0.005)
        assert await plane.control.delivery(last) == Delivery(1, 1, 0.0)
        await asyncio.to_thread(provider.shutdown)


async def test_a_control_for_one_tenant_binds_it_and_whoever_says_none() -> None:
    plane = Plane()
    async with listening(SyncFlags(plane.control, CATALOGUE, plane.clock, None), "127.0.0.1", 0) as port:
        provider = await asyncio.to_thread(connected, port, "helpdesk-agent")
        await plane.apply(lever("m1", limit=8))
        await plane.apply(lever("m2", limit=3, scope=Scope(tenant="acme", channel="email")))
        await until(provider, MitigationKind.TURN_LIMIT, 3)
        limits = {
            ("acme", "email"): 3,
            ("acme", ""): 3,
            ("", "email"): 3,
            ("acme", "phone"): 8,
            ("other", "email"): 8,
            ("other", ""): 8,
        }
        for (tenant, channel), limit in limits.items():
            said = {name: text for name, text in (("tenant", tenant), ("channel", channel)) if text}
            assert value(provider, MitigationKind.TURN_LIMIT, **said) == limit, said
        await asyncio.to_thread(provider.shutdown)


async def test_the_provider_keeps_a_halt_while_we_are_away_and_hears_when_we_are_back() -> None:
    plane = Plane()
    service = SyncFlags(plane.control, CATALOGUE, plane.clock, None)
    async with listening(service, "127.0.0.1", 0) as port:
        provider = await asyncio.to_thread(connected, port, "helpdesk-agent")
        halt = await plane.apply(lever(kind=MitigationKind.HALT))
        await until(provider, MitigationKind.HALT, wanted=True)
    await asyncio.sleep(0.3)
    assert value(provider, MitigationKind.HALT) is True
    await plane.apply(halt.moved(MitigationState.REVERTED))
    async with listening(service, "127.0.0.1", port):
        await until(provider, MitigationKind.HALT, wanted=False)
        await asyncio.to_thread(provider.shutdown)


@pytest.mark.parametrize("selector", ["agent=helpdesk-agent", "agent=helpdesk-agent,token=hope", "token=wish"])
async def test_without_the_token_or_a_name_nothing_is_served(selector: str) -> None:
    plane = Plane()
    async with listening(SyncFlags(plane.control, CATALOGUE, plane.clock, "wish"), "127.0.0.1", 0) as port:
        provider = FlagdProvider(
            host="127.0.0.1",
            port=port,
            tls=False,
            resolver_type=ResolverType.IN_PROCESS,
            selector=selector,
            deadline_ms=300,
        )
        with pytest.raises(ProviderNotReadyError):
            await asyncio.to_thread(provider.initialize, EvaluationContext())
        await asyncio.to_thread(provider.shutdown)


async def test_a_port_that_is_taken_is_refused_with_a_sentence() -> None:
    service = SyncFlags(Plane().control, CATALOGUE, Plane().clock, None)
    async with listening(service, "127.0.0.1", 0) as port:
        with pytest.raises(Misconfigured, match=f"Port {port} on 127.0.0.1 cannot be used for flagd"):
            await listening(service, "127.0.0.1", port).__aenter__()


def test_more_scopes_than_can_be_told_apart_bind_everybody() -> None:
    levers = [lever(f"m{n}", limit=n, scope=Scope(tenant=f"t{n}", channel=f"c{n}")) for n in range(1, 20)]
    flags = configuration(lambda scope: compose("helpdesk-agent", scope, levers, 1), EVERYWHERE)["flags"]
    limit = flags["agent.max_turns"]
    assert "targeting" not in limit
    assert limit["variants"] == {"bound": 1}
