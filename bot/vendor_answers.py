"""What comes back from a vendor's HTTP API: so much of it as is read, and words for what is no answer."""

import httpx

MOST_BYTES = 32 * 1024 * 1024  # of one answer


class OversizedError(Exception):
    """The answer is longer than anybody would read."""

    def __init__(self) -> None:
        super().__init__(f"answers more than {MOST_BYTES // 1024**2} MiB at once")


async def content_of(response: httpx.Response) -> bytes:
    """The body of an answer that is being streamed, decompressed.

    Raises:
        OversizedError: it is longer than :data:`MOST_BYTES`.
        httpx.HTTPError: the connection breaks, or the body is not encoded as its header says.
    """
    content = bytearray()
    async for part in response.aiter_bytes():
        content += part
        if len(content) > MOST_BYTES:
            raise OversizedError
    return bytes(content)


def misread(content: bytes) -> str:
    """What an answer looks like that should be JSON and is not."""
    looks = "a web page" if content.lstrip()[:1] == b"<" else "no JSON"
    return f"answers {looks} where JSON was expected"


def reason_of(error: Exception) -> str:
    """Why a request failed, in one line."""
    return str(error).partition("\n")[0] or type(error).__name__
