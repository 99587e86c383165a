"""Text that is no UTF-8 in a protobuf request, made readable. One such byte would otherwise cost the whole batch.

Protobuf refuses a message with a string that is no UTF-8, but not every SDK looks before it sends. Each bad byte
becomes a question mark, so that every length in the message stays right.
"""

import codecs
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from bot.sources.otlp_wire import LENGTH, fields_in

DEEPEST = 100  # messages in one another; protobuf's own limit


def in_utf8(body: bytes, kind: type[Message]) -> bytes:
    """The bytes of a message of that kind with every string in UTF-8.

    Raises:
        ValueError, IndexError: the bytes are no protobuf message.
    """
    mended = bytearray(body)
    _mend(mended, body, (0, len(body)), kind.DESCRIPTOR, 0)
    return bytes(mended)


def _mend(mended: bytearray, body: bytes, place: tuple[int, int], described: Any, depth: int) -> None:
    if depth > DEEPEST:
        raise ValueError("messages are nested too deeply")
    known = described.fields_by_number
    for number, wire, start, end in fields_in(body, *place):
        field = known.get(number)
        if field is None or wire != LENGTH:
            continue
        if field.type == FieldDescriptor.TYPE_STRING:
            mended[start:end] = body[start:end].decode("utf-8", "question_marks").encode()
        elif field.message_type is not None:
            _mend(mended, body, (start, end), field.message_type, depth + 1)


def _question_marks(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "?" * (error.end - error.start), error.end


codecs.register_error("question_marks", _question_marks)
