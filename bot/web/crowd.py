"""How many telemetry requests are taken at once, and who makes room when there are too many: so memory stays bounded.

While there is room nobody is hurried. When there is none, whoever has been sending for a while and is slowest makes
room for the next: a sender that stalls keeps nobody else out. Only where all that are inside came just now, or have
arrived and wait for the store, is the next one told to come back.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from bot.incident.errors import Unavailable
from bot.web.bodies import MIB

MOST_REQUESTS = 64  # at once
MOST_AT_ONCE = 48 * MIB  # of all of them together
PATIENCE = 1.0  # seconds a body may take to arrive also when others wait; real ones take milliseconds
READ_WITHIN = 60.0  # seconds for one body
COME_BACK = timedelta(seconds=1)


@dataclass(slots=True, eq=False)
class Place:
    """One request inside: the bytes kept free for it, and how its body arrives."""

    size: int
    since: float  # on the event loop's clock
    brought: int = 0  # bytes so far
    limit: asyncio.Timeout | None = None  # while its body arrives
    gave_way: bool = False

    def count(self, size: int) -> None:
        """So many bytes more have come."""
        self.brought += size

    def dawdles(self, now: float) -> bool:
        """Its body could have been here."""
        return self.limit is not None and not self.limit.expired() and now - self.since >= PATIENCE

    def give_way(self, now: float) -> None:
        """End its arrival."""
        if self.limit is not None:
            self.gave_way = True
            self.limit.reschedule(now)


@dataclass(slots=True)
class Crowd:
    """Who is inside."""

    places: set[Place] = field(default_factory=set)
    announced: int = 0  # bytes of all of them

    @contextmanager
    def admitted(self, size: int) -> Iterator[Place]:
        """A place for one request of at most that size.

        Raises:
            Unavailable: there is none just now.
        """
        place = Place(size, asyncio.get_running_loop().time())
        self._make_room(place)
        self.places.add(place)
        self.announced += size
        try:
            yield place
        finally:
            self._leave(place)

    @asynccontextmanager
    async def arriving(self, place: Place) -> AsyncIterator[None]:
        """The time in which its body comes; what was kept free for more than came is free again.

        Raises:
            Unavailable: it was slow, and gave way to another.
            TimeoutError: it did not come within a minute.
        """
        try:
            async with asyncio.timeout(READ_WITHIN) as place.limit:
                yield
        except TimeoutError:
            if not place.gave_way:
                raise
        finally:
            place.limit = None
        if place.gave_way:  # also where the rest came at that moment: its place is taken
            raise Unavailable("The body came too slowly while others waited; send it again.", COME_BACK)
        self.announced -= place.size - place.brought
        place.size = place.brought

    def _make_room(self, newcomer: Place) -> None:
        """Let the slowest go until the newcomer fits; nobody has to where that would not do."""
        left, announced = len(self.places), self.announced
        slow, going = self._slowest_first(newcomer.since), list[Place]()
        while left >= MOST_REQUESTS or (left and announced + newcomer.size > MOST_AT_ONCE):
            slowest = next(slow, None)
            if slowest is None:
                raise Unavailable("Too much telemetry arrives at once; send it again.", COME_BACK)
            going.append(slowest)
            left, announced = left - 1, announced - slowest.size
        for place in going:
            place.give_way(newcomer.since)
            self._leave(place)

    def _slowest_first(self, now: float) -> Iterator[Place]:
        dawdling = [place for place in self.places if place.dawdles(now)]
        yield from sorted(dawdling, key=lambda place: place.brought / (now - place.since))

    def _leave(self, place: Place) -> None:
        if place in self.places:
            self.places.remove(place)
            self.announced -= place.size
