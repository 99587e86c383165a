"""Deliveries from Slack to the app: what was sent, whether and how fast it was acknowledged."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from tests.strict_slack.shapes import Json

ACK_SECONDS = 3.0


class Kind(StrEnum):
    """Socket Mode's envelope types."""

    COMMAND = "slash_commands"
    INTERACTIVE = "interactive"
    EVENT = "events_api"


@dataclass(slots=True)
class Delivery:
    """One payload sent to the app. `seconds` runs from sending to the acknowledgement (or to giving up)."""

    kind: Kind
    payload: Json
    acked: bool = False
    body: Any = None
    seconds: float = 0.0
    attempts: int = 0
    failure: str = ""


class NotAcknowledged(AssertionError):
    """The app did not acknowledge in 3 seconds, was not reachable, or answered with an error."""

    def __init__(self, delivery: Delivery) -> None:
        super().__init__(f"{delivery.kind} not acknowledged: {delivery.failure} after {delivery.seconds:.2f} s")
        self.delivery = delivery


class Undelivered(Exception):
    """A transport could not hand over; `retry` is False where the app asked for no repetition."""

    def __init__(self, reason: str, *, retry: bool = True) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry = retry


@dataclass(frozen=True, slots=True)
class Attempt:
    """Which repetition this is (0 is the first) and why Slack repeats it."""

    number: int = 0
    reason: str = ""


class Transport(Protocol):
    async def send(self, kind: Kind, payload: Json, attempt: Attempt) -> Any:
        """The acknowledgement's body (None when empty). Raises `Undelivered`."""
        ...


class Courier:
    """Sends through the transport in use; events up to four times, everything else once."""

    def __init__(self, transport: Callable[[], Transport]) -> None:
        self._transport = transport
        self.ack_seconds = ACK_SECONDS
        self.retry_delays: tuple[float, ...] = (0.0, 0.0, 0.0)
        self.deliveries: list[Delivery] = []

    async def deliver(self, kind: Kind, payload: Json) -> Delivery:
        delivery = Delivery(kind, payload)
        self.deliveries.append(delivery)
        delays = self.retry_delays if kind is Kind.EVENT else ()
        for number, delay in enumerate((0.0, *delays)):
            await asyncio.sleep(delay)
            if not await self._attempt(delivery, Attempt(number, _reason(delivery.failure) if number else "")):
                break
        return delivery

    async def _attempt(self, delivery: Delivery, attempt: Attempt) -> bool:
        """One try; True means Slack would try again."""
        delivery.attempts += 1
        start = time.monotonic()
        again = True
        try:
            sending = self._transport().send(delivery.kind, delivery.payload, attempt)
            delivery.body = await asyncio.wait_for(sending, self.ack_seconds)
            delivery.acked, delivery.failure = True, ""
        except TimeoutError:
            delivery.failure = "timeout"
        except Undelivered as undelivered:
            delivery.failure, again = undelivered.reason, undelivered.retry
        delivery.seconds = time.monotonic() - start
        return again and not delivery.acked


def _reason(failure: str) -> str:
    return "http_timeout" if failure == "timeout" else "http_error"
