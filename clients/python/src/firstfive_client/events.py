"""Server-sent events (WHATWG HTML, section 9.2) from bytes, however they are cut. No I/O."""

from dataclasses import dataclass

MOST_BYTES = 4 * 1024 * 1024  # an event beyond this is no control object


class TooLong(ValueError):
    """The stream sends an event without end."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event: its name ("message" when unnamed), its data and the last id said."""

    name: str
    data: str
    id: str


class EventParser:
    """Takes bytes, gives whole events."""

    def __init__(self) -> None:
        self._rest = b""
        self._name, self._id = "", ""
        self._data: list[str] = []
        self._size = 0

    def feed(self, data: bytes) -> list[Event]:
        """The events completed by these bytes.

        Raises:
            TooLong: more than 4 MiB without the end of an event.
        """
        buffer = self._rest + data
        held = b"\r" if buffer.endswith(b"\r") else b""  # its line feed may still be on the way
        lines = (buffer[: -len(held)] if held else buffer).replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        self._rest = lines.pop() + held
        events = [event for line in lines if (event := self._line(line)) is not None]
        if len(self._rest) + self._size > MOST_BYTES:
            raise TooLong("The event stream sends an event without end.")
        return events

    def _line(self, line: bytes) -> Event | None:
        if not line:
            return self._dispatch()
        name, _, value = line.decode("utf-8", "replace").lstrip("\ufeff").partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
            self._size += len(value)
        elif name == "event":
            self._name = value
        elif name == "id" and "\0" not in value:
            self._id = value
        return None

    def _dispatch(self) -> Event | None:
        data, name = self._data, self._name
        self._data, self._name, self._size = [], "", 0
        return Event(name or "message", "\n".join(data), self._id) if data else None
