"""What was read before and cannot change any more, kept decoded: events, the states they lead to, mitigations by revision.

Only what a reading view saw is kept, because that is committed; a transaction that writes may still be undone.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bot.incident.folding import after, fold
from bot.incident.mitigation import Mitigation
from bot.incident.model import Incident, IncidentKey
from bot.incident.state import IncidentState
from bot.incident.timeline import Event

MOST_EVENTS = 50_000  # of all incidents together, some 100 MB; the longest unread ones are forgotten


@dataclass(slots=True)
class _Told:
    events: tuple[Event, ...]
    state: IncidentState | None = None


@dataclass(slots=True)
class KeptReading:
    """The memory of one process about one database."""

    _told: dict[IncidentKey, _Told] = field(default_factory=dict)  # in order of the last look
    _events: int = 0
    _mitigations: dict[str, Mitigation] = field(default_factory=dict)  # those that were live at the last look

    def events(self, key: IncidentKey) -> tuple[Event, ...]:
        """Events of the incident that are known, oldest first and without a gap."""
        told = self._told.get(key)
        return told.events if told else ()

    def keep_events(self, key: IncidentKey, events: tuple[Event, ...]) -> None:
        """Keep a timeline as a reading view saw it."""
        told = self._told.pop(key, None) or _Told(())
        self._told[key] = told
        if len(events) > len(told.events):
            self._events += len(events) - len(told.events)
            told.events = events
        while self._events > MOST_EVENTS and len(self._told) > 1:
            self._events -= len(self._told.pop(next(iter(self._told))).events)

    def state(self, incident: Incident, events: Sequence[Event], *, keep: bool) -> IncidentState:
        """The state that ``events`` lead to, all of them; from the one known before, where there is one."""
        told = self._told.get(incident.key)
        state = told.state if told else None
        if state is None:
            state = fold(incident, events)
        else:
            for event in events[bisect_right(events, state.last_seq, key=lambda event: event.seq) :]:
                state = after(state, event)
        if keep and told is not None:
            told.state = state
        return state

    def mitigation(self, mitigation_id: str, revision: int) -> Mitigation | None:
        """The mitigation as of that revision, or None."""
        known = self._mitigations.get(mitigation_id)
        return known if known is not None and known.revision == revision else None

    def keep_mitigations(self, live: Mapping[str, Mitigation]) -> None:
        """Keep those that a reading view found live, and forget the others."""
        self._mitigations = dict(live)
