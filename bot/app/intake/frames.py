"""Values over a pipe: each a pickle after four bytes of length. Both ends are ours, of one version."""

import pickle
import struct
from collections.abc import Callable
from io import RawIOBase
from typing import Any

LENGTH = struct.Struct(">I")
MOST = 512 * 1024 * 1024  # bytes; a length beyond it is none of ours


def _at_once() -> None:
    """A pipe that blocks needs no waiting."""


def written(pipe: RawIOBase, value: object, wait: Callable[[], None] = _at_once) -> None:
    """Send one value; ``wait`` is called before each part and may give up with an error.

    Raises:
        OSError: the other side is gone.
    """
    content = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
    for part in (LENGTH.pack(len(content)), content):
        rest = memoryview(part)
        while rest:
            wait()
            rest = rest[pipe.write(rest) or 0 :]


def received(pipe: RawIOBase, wait: Callable[[], None] = _at_once) -> Any:
    """The next value; ``wait`` as in :func:`written`.

    Raises:
        EOFError, OSError: the other side is gone, or was none of ours.
    """
    (length,) = LENGTH.unpack(_exactly(pipe, LENGTH.size, wait))
    if length > MOST:
        raise EOFError("what came is no length")
    try:
        return pickle.loads(_exactly(pipe, length, wait))  # noqa: S301 - our own process wrote it
    except pickle.UnpicklingError as error:
        raise EOFError("what came is no value") from error


def _exactly(pipe: RawIOBase, length: int, wait: Callable[[], None]) -> bytearray:
    content = bytearray(length)
    rest = memoryview(content)
    while rest:
        wait()
        count = pipe.readinto(rest)
        if not count:
            raise EOFError
        rest = rest[count:]
    return content
