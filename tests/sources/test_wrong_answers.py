"""Vendors that answer, and wrongly: whatever it is, the look ends in time and says that something is missing."""

import asyncio
import gzip
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib import import_module
from typing import Any

import pytest

from bot.incident.errors import Unavailable
from tests.sources.vendor_stub import Asked, Reply, StillClock, Stub, always, an_ask

PROJECT = "1c0f2b1e-0000-0000-0000-000000000000"
OPENED_WITH = {
    "phoenix": ("key", "default"),
    "mlflow": ("token", "1"),
    "langfuse": ("public", "secret"),
    "langsmith": ("key", PROJECT),
    "datadog": ("key", "application"),
    "tempo": ("", "", ""),
    "jaeger": ("",),
    "prometheus": ("",),
}
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100000\r\n\r\n"
every_vendor = pytest.mark.parametrize("vendor", OPENED_WITH)


async def missing_at(vendor: str, url: str, **ask: Any) -> str:
    """What the vendor's source says is missing; there is nothing that could be shown."""
    source = import_module(f"bot.sources.{vendor}").open_source(url, *OPENED_WITH[vendor], StillClock())
    try:
        found = await source.find(an_ask(**ask))
    except Unavailable as failure:
        return str(failure)
    finally:
        await source.close()
    assert (found.traces, found.metrics) == ((), ())
    return " ".join(found.missing)


@asynccontextmanager
async def speaking(words: bytes, *, then: bytes = b"", closing: bool = False) -> AsyncIterator[str]:
    """A server that says ``words`` to whoever asks, ``then`` a little more now and then, and no end."""

    over = asyncio.Event()
    answering: set[asyncio.Task[None]] = set()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(words)
            while not closing and not over.is_set():
                writer.write(then)
                await writer.drain()
                await asyncio.sleep(0.02)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    def answered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answering.add(asyncio.create_task(answer(reader, writer)))

    server = await asyncio.start_server(answered, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        over.set()
        await asyncio.gather(*answering)


@every_vendor
@pytest.mark.parametrize("words", [HEAD, b"HTTP/1.1 200 OK\r\nx-"])
async def test_a_body_or_a_head_that_trickles_ends_with_the_time(vendor: str, words: bytes) -> None:
    async with speaking(words, then=b" ") as url, asyncio.timeout(20):
        assert "did not answer in time" in await missing_at(vendor, url, seconds=0.3)


@every_vendor
@pytest.mark.parametrize("words", [HEAD + b'{"data": [', b"SSH-2.0-OpenSSH_9\r\n\r\n"])
async def test_an_answer_that_breaks_off_and_one_in_another_protocol_question_the_address(
    vendor: str, words: bytes
) -> None:
    async with speaking(words, closing=True) as url, asyncio.timeout(20):
        said = await missing_at(vendor, url)
    assert "cannot be reached" in said
    assert f"FIRSTFIVE_{vendor.upper()}_URL" in said


@every_vendor
@pytest.mark.parametrize("body", [None, [1, {}], "ok", {"error": "no such tenant"}, {"detail": "gone", "data": {}}])
async def test_json_that_is_another_answer_is_not_taken_for_nothing_found(vendor: str, body: object) -> None:
    """An error told with status 200, by a gateway before the vendor for example."""

    def answer(asked: Asked) -> Reply:
        if "experiments" in asked.path:
            return Reply({"experiment": {"experiment_id": "1"}})
        return Reply({}, status=404) if asked.path == "/openapi.json" else Reply(body)

    async with Stub(answer).serving() as url:
        said = await missing_at(vendor, url)
    assert any(words in said for words in ("another form", "refuses a query", "some traces are missing")), said


@every_vendor
async def test_a_gzip_bomb_is_a_missing_source_with_its_name(vendor: str) -> None:
    bomb = Reply(gzip.compress(bytes(40 * 1024 * 1024), 9), headers={"content-encoding": "gzip"})
    async with Stub(always(bomb)).serving() as url:
        said = await missing_at(vendor, url)
    assert re.search(rf"^{vendor}.* answers more than \d+ MiB at once", said, re.IGNORECASE), said


async def test_an_address_without_a_jaeger_is_no_jaeger_without_traces() -> None:
    nowhere = Stub(always(Reply(b"404 page not found\n", status=404)))
    async with nowhere.serving() as url:
        assert "no JSON where JSON was expected; check FIRSTFIVE_JAEGER_URL" in await missing_at("jaeger", url)


@pytest.mark.parametrize("vendor", ["langfuse", "langsmith", "datadog"])
async def test_pages_without_end_end_with_the_budget(vendor: str) -> None:
    def answer(_: Asked) -> Reply:
        cursor = f"page {len(stub.asked)}"
        meta = {"cursor": cursor, "page": {"after": cursor}}
        return Reply({"data": [{}], "items": [{}], "next_cursor": cursor, "meta": meta})

    stub = Stub(answer)
    async with stub.serving() as url:
        assert "more than one look may ask for" in await missing_at(vendor, url)
    assert len(stub.asked) < 60
