"""Traces read before, kept decoded: everybody who responds looks at the same ones again and again."""

from collections import OrderedDict

from bot.incident.telemetry import Trace

MOST_SPANS = 25_000  # about 40 MB


class RecentTraces:
    """Decoded traces by id, the longest unused go first. A trace that has grown is not the same any more."""

    def __init__(self, most_spans: int = MOST_SPANS) -> None:
        self._most_spans = most_spans
        self._spans = 0
        self._traces: OrderedDict[str, Trace] = OrderedDict()

    def get(self, trace_id: str, spans: int) -> Trace | None:
        """The trace of that id if it has that many spans."""
        found = self._traces.get(trace_id)
        if found is None or len(found.spans) != spans:
            return None
        self._traces.move_to_end(trace_id)
        return found

    def put(self, trace: Trace) -> None:
        """Keep it."""
        earlier = self._traces.pop(trace.id, None)
        self._spans += len(trace.spans) - (len(earlier.spans) if earlier else 0)
        self._traces[trace.id] = trace
        while self._spans > self._most_spans and self._traces:
            _, gone = self._traces.popitem(last=False)
            self._spans -= len(gone.spans)
