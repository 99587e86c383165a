"""Asking a vendor over a real socket: waiting, pausing, time, budget, and one sentence for whatever goes wrong."""

import asyncio
import gzip
import json
import socket
import sys
import threading
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from email.utils import format_datetime
from time import monotonic, sleep

import httpx
import pytest

from bot import vendor_answers
from bot.incident.errors import Unavailable
from bot.sources.visiting import Api, authorization
from bot.vendor_answers import MIB, MOST_BYTES, Decoder, OversizedError, content_of
from tests.sources.vendor_stub import HTML, NOON, REFUSED, SLOW, Asked, Reply, StillClock, Stub, always

SECRET = "s3cret-of-ours"


def an_api(url: str, clock: StillClock | None = None, token: str = SECRET) -> Api:
    client = httpx.AsyncClient(base_url=url, headers=authorization(token), trust_env=False, timeout=5)
    return Api("Vendor", "FIRSTFIVE_VENDOR_URL", client, clock or StillClock())


@asynccontextmanager
async def vendor(answer: Callable[[Asked], Reply]) -> AsyncIterator[tuple[Api, Stub, StillClock]]:
    stub, clock = Stub(answer), StillClock()
    async with stub.serving() as url:
        api = an_api(url, clock)
        try:
            yield api, stub, clock
        finally:
            await api.close()


def one_after_the_other(*replies: Reply) -> Callable[[Asked], Reply]:
    rest = list(replies)
    return lambda _: rest.pop(0) if len(rest) > 1 else rest[0]


def busy(retry_after: str, status: int = 429) -> Reply:
    return Reply({}, status=status, headers={"retry-after": retry_after} if retry_after else {})


async def test_an_answer_is_read_as_json() -> None:
    async with vendor(always(Reply({"data": [1]}))) as (api, stub, _):
        assert await api.visit(2).get("/things", {"a": "b c"}) == {"data": [1]}
        assert stub.asked[0].param("a") == "b c"


async def test_a_body_is_posted_as_json() -> None:
    async with vendor(always(Reply({}))) as (api, stub, _):
        await api.visit(2).post("/query", {"limit": 3})
        assert (stub.asked[0].method, stub.asked[0].body) == ("POST", {"limit": 3})


async def test_a_thing_that_may_be_absent_is_none() -> None:
    async with vendor(always(Reply({}, status=404))) as (api, _, _):
        assert await api.visit(2).get("/thing", absent=404) is None
        with pytest.raises(Unavailable, match="answers HTTP 404; check FIRSTFIVE_VENDOR_URL"):
            await api.visit(2).get("/thing")


async def test_a_refusal_that_tells_why_can_be_read() -> None:
    async with vendor(always(Reply({"error": "no such field"}, status=400))) as (api, _, _):
        visit = api.visit(2)
        assert await visit.ask("GET", "/query", telling={400}) == {"error": "no such field"}
        assert visit.last_status == 400


async def test_a_short_retry_after_is_waited_for_within_the_visit() -> None:
    async with vendor(one_after_the_other(busy("0.1"), Reply({"ok": True}))) as (api, stub, _):
        started = monotonic()
        assert await api.visit(2).get("/things") == {"ok": True}
        assert monotonic() - started >= 0.1
        assert len(stub.asked) == 2


@pytest.mark.parametrize("status", [429, 502, 503, 504])
async def test_a_long_retry_after_is_respected_by_the_next_visit(status: int) -> None:
    async with vendor(one_after_the_other(busy("60", status), Reply({"ok": True}))) as (api, stub, clock):
        with pytest.raises(Unavailable, match=rf"Vendor is busy \(HTTP {status}\)\.") as first:
            await api.visit(2).get("/things")
        assert first.value.retry_after == timedelta(seconds=60)
        clock.moment += timedelta(seconds=59)
        with pytest.raises(Unavailable, match="asked to be left alone for another 1 s"):
            await api.visit(2).get("/things")
        assert len(stub.asked) == 1
        clock.moment += timedelta(seconds=1)
        assert await api.visit(2).get("/things") == {"ok": True}


@pytest.mark.parametrize(
    ("said", "pause"),
    [
        (format_datetime(NOON + timedelta(seconds=90), usegmt=True), 90),
        ("Mon Nov  2 12:01:30 2026", 90),
        ("", 5),
        ("soon", 5),
        ("-3", 5),
        ("7200", 600),
        ("9" * 400, 600),
        (format_datetime(NOON + timedelta(days=9), usegmt=True), 600),
    ],
)
async def test_retry_after_may_be_a_date_or_nonsense_and_never_means_more_than_ten_minutes(
    said: str, pause: int
) -> None:
    async with vendor(always(busy(said))) as (api, _, _):
        with pytest.raises(Unavailable, match="is busy"):
            await api.visit(2).get("/things")
        assert api.pause_left == timedelta(seconds=pause)


async def test_a_date_that_is_over_is_not_waited_for() -> None:
    past = busy(format_datetime(NOON - timedelta(hours=1), usegmt=True))
    async with vendor(one_after_the_other(past, Reply({"ok": True}))) as (api, _, _):
        assert await api.visit(2).get("/things") == {"ok": True}


async def test_a_vendor_that_is_always_busy_for_no_time_at_all_ends_with_the_budget() -> None:
    async with vendor(always(busy("0"))) as (api, stub, _):
        with pytest.raises(Unavailable, match="has more than one look may ask for"):
            await api.visit(5, 4).get("/things")
        assert len(stub.asked) == 4


async def test_all_requests_of_a_visit_share_its_budget() -> None:
    async with vendor(always(Reply({}))) as (api, stub, _):
        visit = api.visit(2, 2)
        await visit.get("/things")
        await visit.get("/things")
        with pytest.raises(Unavailable, match="has more than one look may ask for"):
            await visit.get("/things")
        assert len(stub.asked) == 2


async def test_a_slow_vendor_is_left_at_the_deadline() -> None:
    async with vendor(always(SLOW)) as (api, _, _):
        visit, started = api.visit(0.2), monotonic()
        with pytest.raises(Unavailable, match=r"Vendor did not answer in time\."):
            await visit.get("/things")
        assert monotonic() - started < 0.9
        with pytest.raises(Unavailable, match="did not answer in time"):
            await visit.get("/things")


async def test_a_request_that_outlasts_the_clients_own_limit_was_too_slow_as_well() -> None:
    async with vendor(always(SLOW)) as (api, _, _):
        api.client.timeout = httpx.Timeout(0.1)
        with pytest.raises(Unavailable, match="did not answer in time"):
            await api.visit(2).get("/things")


async def test_a_web_page_is_no_answer() -> None:
    async with vendor(always(HTML)) as (api, _, _):
        with pytest.raises(Unavailable, match="answers a web page where JSON was expected; check FIRSTFIVE_VENDOR_URL"):
            await api.visit(2).get("/things")


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe\xfa", b"[" * 100_000])
async def test_what_is_no_json_is_no_answer(body: bytes) -> None:
    async with vendor(always(Reply(body))) as (api, _, _):
        with pytest.raises(Unavailable, match="answers no JSON where JSON was expected"):
            await api.visit(2).get("/things")


async def test_a_redirect_is_not_followed() -> None:
    elsewhere = Reply({}, status=302, headers={"location": "https://login.example/"})
    async with vendor(always(elsewhere)) as (api, stub, _):
        with pytest.raises(Unavailable, match="answers HTTP 302; check FIRSTFIVE_VENDOR_URL"):
            await api.visit(2).get("/things")
        assert len(stub.asked) == 1


async def test_a_huge_answer_is_not_read_to_its_end() -> None:
    async with vendor(always(Reply(b" " * (MOST_BYTES + 1)))) as (api, _, _):
        with pytest.raises(Unavailable, match="answers more than 32 MiB at once"):
            await api.visit(10).get("/things")


PACKED = {"content-encoding": "gzip"}


@pytest.fixture(scope="module")
def bomb() -> bytes:
    """A gzip bomb: 300 MB of zeros in 300 kB."""
    packer, zeros = zlib.compressobj(9, wbits=31), bytes(MIB)
    return b"".join(packer.compress(zeros) for _ in range(300)) + packer.flush()


async def test_a_gzip_bomb_is_refused_while_others_have_their_turn(bomb: bytes) -> None:
    turns = 0

    async def somebody_else() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    answer = httpx.Response(200, headers=PACKED, stream=InOnePiece(bomb))
    other = asyncio.create_task(somebody_else())
    with pytest.raises(OversizedError, match="answers more than 32 MiB at once"):
        await content_of(answer)
    other.cancel()
    assert turns > MOST_BYTES / (3 * MIB)  # a piece unpacks to 2 MiB; all at once, there would be a turn or two


class InOnePiece(httpx.AsyncByteStream):
    def __init__(self, body: bytes) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._body


async def test_a_bomb_over_the_wire_is_named_and_what_the_source_needs_is_the_limit(bomb: bytes) -> None:
    async with vendor(always(Reply(bomb, headers=PACKED))) as (api, _, _):
        api.most_bytes = 2 * MIB
        with pytest.raises(Unavailable, match=r"Vendor answers more than 2 MiB at once\."):
            await api.visit(10).get("/things")


async def test_a_bomb_in_a_bomb_is_not_opened() -> None:
    twice = Reply(gzip.compress(gzip.compress(b"{}")), headers={"content-encoding": "gzip, gzip"})
    async with vendor(always(twice)) as (api, _, _):
        with pytest.raises(Unavailable, match="is packed more than once"):
            await api.visit(2).get("/things")


@pytest.mark.parametrize(
    ("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress), ("identity", bytes)]
)
async def test_a_packed_answer_is_read_whatever_its_length(encoding: str, pack: Callable[[bytes], bytes]) -> None:
    rows = [{"at": number, "share": number / 7, "of": ["a", None, True, -1e300]} for number in range(9_000)]
    packed = Reply(pack(json.dumps(rows).encode()), headers={"content-encoding": encoding})
    async with vendor(always(packed)) as (api, _, _):
        assert await api.visit(10).get("/things") == rows


@pytest.mark.parametrize(
    ("body", "much"), [(b"[" + b"[]," * 600_000 + b"1]", "500,000 lists"), (b"{" * 3_000_001, "3,000,000 values")]
)
async def test_an_answer_of_millions_of_nothings_is_not_made_into_objects(body: bytes, much: str) -> None:
    async with vendor(always(Reply(body))) as (api, _, _):
        with pytest.raises(Unavailable, match=f"Vendor answers more than {much} at once"):
            await api.visit(10).get("/things")


PAGE = r"""[1] link "Home", [2] button 'A\', {3} text "b\\" """ + "\\"  # as an agent of the web is told it
TABLE = "12,7,3,0,"  # as a tool answers with it


@pytest.mark.parametrize(("text", "many"), [(PAGE, 300_000), (TABLE, 800_000)])
async def test_brackets_and_commas_within_texts_are_neither_lists_nor_values(text: str, many: int) -> None:
    rows = [{"said": text * (many // 20), "of": [number]} for number in range(20)]
    async with vendor(always(Reply(rows))) as (api, _, _):
        assert await api.visit(10).get("/things") == rows


@pytest.mark.parametrize("length", [1, 2, 3, 7, 1_000])
@pytest.mark.parametrize("text", [PAGE, TABLE, "", '"', "\\", '\\"', '"\\\\'])
async def test_lists_between_texts_are_counted_wherever_the_answer_is_cut(
    text: str, length: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vendor_answers, "AT_A_TIME", length)
    monkeypatch.setattr(vendor_answers, "MOST_LISTS", 8)
    told = json.dumps([text, [], text, [text, []], text, {text: [], "of": [text, [], []]}]).encode()
    assert await content_of(httpx.Response(200, content=told)) == told
    with pytest.raises(OversizedError, match="answers more than 8 lists at once"):
        await content_of(httpx.Response(200, content=b"[" + told + b"]"))


async def test_a_packing_that_was_not_asked_for_is_not_opened() -> None:
    async with vendor(always(Reply(b"{}", headers={"content-encoding": "zstd"}))) as (api, _, _):
        with pytest.raises(Unavailable, match="packed with zstd, which was not asked for"):
            await api.visit(2).get("/things")


@pytest.fixture
def quick_turns() -> Iterator[None]:
    """Threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("quick_turns")
def test_others_have_their_turn_while_a_long_answer_is_read() -> None:
    rows, turns, over = b"[" + b'{"at": 1, "share": 0.5}, ' * 50_000 + b"1]", 0, threading.Event()

    def somebody_else() -> None:
        nonlocal turns
        while not over.is_set():
            turns += 1
            sleep(0)

    other = threading.Thread(target=somebody_else)
    other.start()
    before = turns
    assert len(json.loads(rows, cls=Decoder)) == 50_001
    taken = turns - before
    over.set()
    other.join()
    assert taken > 20  # in one call into C there would be one or two


@pytest.mark.parametrize("status", [401, 403])
async def test_refused_credentials_name_the_setting_and_not_the_secret(status: int) -> None:
    async with vendor(always(Reply({"seen": SECRET}, status=status))) as (api, _, _):
        with pytest.raises(Unavailable, match=rf"refuses the credentials \(HTTP {status}\)") as failure:
            await api.visit(2).get("/things")
        assert "FIRSTFIVE_VENDOR_URL" in str(failure.value)
        assert SECRET not in str(failure.value)


async def test_nobody_there_is_one_sentence_without_the_credentials_of_the_address() -> None:
    with socket.socket() as taken:  # bound and not listening: nobody answers, nobody else gets the port
        taken.bind(("127.0.0.1", 0))
        api = an_api(f"http://user:{SECRET}@127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(Unavailable, match="cannot be reached") as failure:
            await api.visit(2).get("/things")
        await api.close()
    assert SECRET not in str(failure.value)
    assert "\n" not in str(failure.value)


async def test_a_token_that_no_header_can_hold_is_not_repeated() -> None:
    async with Stub(always(REFUSED)).serving() as url:
        api = an_api(url, token=f"{SECRET}\nof two lines")
        with pytest.raises(Unavailable, match="cannot be asked with these credentials") as failure:
            await api.visit(2).get("/things")
        await api.close()
    assert SECRET not in str(failure.value)


async def test_a_token_is_a_bearer_or_a_user_with_a_password() -> None:
    assert authorization("") == {}
    assert authorization(" abc\n") == {"authorization": "Bearer abc"}
    assert authorization("ada:b:c") == {"authorization": "Basic YWRhOmI6Yw=="}
