"""Request bodies, read only as far as they may go."""

from collections.abc import Callable

from starlette.requests import Request

MIB = 1024 * 1024


class TooLargeError(Exception):
    """The body is longer than the limit; the rest was not read."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"The body is larger than {limit // MIB} MiB. Send it in smaller parts.")


def _nobody(size: int) -> None:
    """Nobody counts."""


async def whole(request: Request, limit: int, count: Callable[[int], None] = _nobody) -> bytes:
    """The body of ``request``, at most ``limit`` bytes; ``count`` is told the size of each part as it comes.

    Raises:
        TooLargeError: it announces or sends more.
    """
    announced = request.headers.get("content-length", "")
    if announced.isascii() and announced.isdigit() and int(announced) > limit:
        raise TooLargeError(limit)
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        count(len(part))
        if size > limit:
            raise TooLargeError(limit)
        parts.append(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)
