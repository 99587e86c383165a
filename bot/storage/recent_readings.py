"""Readings read before, kept decoded: everybody who responds looks at the same tasks again and again."""

from collections import OrderedDict
from collections.abc import Callable, Iterable

from bot.incident.reading import Reading

MOST = 5000  # about 20 MB
MOST_MODELS = 2500  # of those that only say what models did, about 2 MB

Decode = Callable[[str, int, str], Reading]  # trace id, start, JSON


class RecentReadings:
    """Decoded readings by trace, the longest unused go first. A trace that something arrived of since is read anew."""

    def __init__(self, decode: Decode, most: int = MOST) -> None:
        self._decode = decode
        self._most = most
        self._kept: OrderedDict[str, tuple[int, Reading]] = OrderedDict()

    def of(self, rows: Iterable[tuple[str, int, int, str | None]]) -> list[Reading]:
        """The readings in rows (trace id, start, version, JSON), those without JSON left out."""
        found = []
        for trace_id, at_ns, version, written in rows:
            if written is None:
                continue
            known = self._kept.pop(trace_id, None)  # in one step: a look in another thread may let it go meanwhile
            if known is None or known[0] != version:
                known = version, self._decode(trace_id, at_ns, written)
            self._kept[trace_id] = known
            found.append(known[1])
            if len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return found
