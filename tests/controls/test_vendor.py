"""What our side makes of answers no vendor should give."""

from collections.abc import AsyncIterator, Callable

import httpx
import pytest

from bot.controls.vendor import Vendor
from bot.incident.errors import Unavailable, Uncertain
from bot.vendor_answers import MOST_BYTES
from tests.fakes.clock import FakeClock


class Endless(httpx.AsyncByteStream):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        for _ in range(2 * MOST_BYTES // 1024**2):
            yield b" " * 1024**2


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda: httpx.Response(200, stream=Endless()), "answers more than 32 MiB at once"),
        (lambda: httpx.Response(200, text="<html>"), "answers a web page where JSON was expected; check LEVER_URL"),
        (lambda: httpx.Response(200, text="ok"), "answers no JSON where JSON was expected; check LEVER_URL"),
    ],
)
async def test_what_cannot_be_read_is_a_gap_when_asked_and_doubt_when_written(
    answer: Callable[[], httpx.Response], said: str
) -> None:
    client = httpx.AsyncClient(base_url="http://lever", transport=httpx.MockTransport(lambda _: answer()))
    vendor = Vendor("Lever", "LEVER_URL", client, FakeClock())
    with pytest.raises(Unavailable, match=said):
        await vendor.read("/flag")
    with pytest.raises(Uncertain, match=f"{said}: the change may or may not have happened"):
        await vendor.write("PUT", "/flag", {})
    await vendor.close()
