"""The official OFREP providers for Python, Node and browsers obey every kind of control, and its end."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from openfeature import api
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext
from starlette.types import Receive, Scope, Send

from bot.incident.control_values import to_flag
from bot.incident.kinds import LEVERS, MitigationKind
from bot.incident.mitigation import MitigationState
from bot.web.flag_answers import EVENTS
from tests.controls.test_builtin import lever
from tests.web.serving import serving
from tests.web.test_ofrep import ASKED, HELPDESK, Plane

HERE = Path(__file__).parent / "node"
TOKEN = "wish"
Read = Callable[[MitigationKind], Awaitable[Mapping[str, Any]]]


def default_of(kind: MitigationKind) -> Any:
    """What the agent's code would say: a value of the type that the control never has, so that it is noticed."""
    rest = to_flag(kind, LEVERS[kind].at_rest)
    defaults: dict[type, Any] = {bool: True, int: -1, float: -1.0, str: "the code's default", dict: {"code": "default"}}
    return defaults[type(rest)]


async def obeys_each_kind(plane: Plane, read: Read) -> None:
    """Apply, read, lift and read again, for every kind; no answer may fall back to the code's default."""
    for kind in MitigationKind:
        rest, asked = LEVERS[kind].at_rest, ASKED.get(kind, True)
        applied = await plane.apply(lever(f"m-{kind}", kind, value=asked))
        answer = await read(kind)
        assert answer == {"value": to_flag(kind, asked), "reason": "TARGETING_MATCH", "incident": "INC-7"}, kind
        await plane.apply(applied.moved(MitigationState.REVERTED))
        answer = await read(kind)
        assert answer == {"value": to_flag(kind, rest), "reason": "STATIC", "incident": ""}, kind


async def test_the_python_provider_obeys_each_kind() -> None:
    plane = Plane(TOKEN)
    async with serving(plane.app) as base:
        provider = OFREPProvider(base, headers_factory=lambda: {"Authorization": f"Bearer {TOKEN}"}, timeout=2)
        api.set_provider(provider, base)
        client = api.get_client(base)
        ask: dict[type, Callable[..., Any]] = {
            bool: client.get_boolean_details,
            int: client.get_integer_details,
            float: client.get_float_details,
            str: client.get_string_details,
            dict: client.get_object_details,
        }
        context = EvaluationContext(
            "s-1", {name: str(said) for name, said in HELPDESK.items() if name != "targetingKey"}
        )

        async def read(kind: MitigationKind) -> Mapping[str, Any]:
            default = default_of(kind)
            details = await asyncio.to_thread(ask[type(default)], kind.flag_key, default, context)
            assert details.error_code is None, details
            return {"value": details.value, "reason": details.reason, "incident": details.flag_metadata["incident"]}

        await obeys_each_kind(plane, read)
        provider.session.close()


@asynccontextmanager
async def running(node: str, script: str, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A script beside the providers; it ends when its input does."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(node, str(HERE / script), *arguments, stdin=pipe, stdout=pipe)
    assert process.stdin
    try:
        yield process
    finally:
        process.stdin.close()
        try:
            async with asyncio.timeout(10):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


async def line_of(process: asyncio.subprocess.Process) -> Any:
    assert process.stdout
    async with asyncio.timeout(30):
        return json.loads(await process.stdout.readline())


async def test_the_node_server_provider_obeys_each_kind(node: str) -> None:
    plane = Plane(TOKEN)
    types = {bool: "boolean", int: "number", float: "number", str: "string", dict: "object"}
    async with serving(plane.app) as base, running(node, "server.mjs", base, TOKEN) as process:

        async def read(kind: MitigationKind) -> Mapping[str, Any]:
            default = default_of(kind)
            question = {"key": kind.flag_key, "type": types[type(default)], "default": default, "context": HELPDESK}
            assert process.stdin
            process.stdin.write(json.dumps(question).encode() + b"\n")
            details = await line_of(process)
            assert "errorCode" not in details, details
            return {
                "value": details["value"],
                "reason": details["reason"],
                "incident": details["flagMetadata"]["incident"],
            }

        await obeys_each_kind(plane, read)


@pytest.mark.parametrize("poll", ["0", "200"], ids=["event-stream", "polling"])
async def test_the_web_provider_follows_changes(node: str, poll: str) -> None:
    plane = Plane(TOKEN)
    async with serving(plane.app) as base, running(node, "web.mjs", base, TOKEN, poll, json.dumps(HELPDESK)) as process:
        first = await line_of(process)
        assert (first["halt"]["value"], first["controls"]["value"]["revision"]) == (False, 0)
        limit = await plane.apply(lever("m1", limit=5))
        while (seen := await line_of(process))["controls"]["value"]["revision"] < 1:
            pass
        assert (seen["max_turns"]["value"], seen["max_turns"]["reason"]) == (5, "TARGETING_MATCH")
        assert seen["max_turns"]["flagMetadata"]["incident"] == "INC-7"
        await plane.apply(lever("m2", MitigationKind.HALT))
        await plane.apply(limit.moved(MitigationState.REVERTED))
        while (seen := await line_of(process))["controls"]["value"]["revision"] < 3:
            pass
        assert (seen["halt"]["value"], seen["halt"]["variant"], seen["max_turns"]["variant"]) == (
            True,
            "halted",
            "unlimited",
        )


async def test_a_change_between_fetching_and_listening_is_not_lost(node: str) -> None:
    """The web provider fetches first and listens afterwards; the stream says at once what it is about."""
    plane = Plane()

    async def changing(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == EVENTS:
            await plane.apply(lever(kind=MitigationKind.HALT))
        await plane.app(scope, receive, send)

    async with serving(changing) as base, running(node, "web.mjs", base, "", "0", json.dumps(HELPDESK)) as process:
        while not (await line_of(process))["halt"]["value"]:
            pass
