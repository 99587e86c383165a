"""Readings read before, kept decoded: everybody who responds looks at the same tasks again and again."""

from collections import OrderedDict

from bot.incident.reading import Reading

MOST = 8000  # about 30 MB


class RecentReadings:
    """Decoded readings by trace, the longest unused go first. A trace that has grown is not the same any more."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._kept: OrderedDict[str, tuple[int, Reading]] = OrderedDict()

    def get(self, trace_id: str, spans: int) -> Reading | None:
        """The reading of that trace if it was of that many spans."""
        found = self._kept.get(trace_id)
        if found is None or found[0] != spans:
            return None
        self._kept.move_to_end(trace_id)
        return found[1]

    def put(self, spans: int, reading: Reading) -> None:
        """Keep it."""
        self._kept[reading.id] = spans, reading
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)
