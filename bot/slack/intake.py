"""The door for everything Slack sends, over HTTP or a socket: verify, remember, acknowledge, then work.

Nothing slow stands between a request and its answer, and nothing acknowledged can be lost:
what was remembered and not worked off is worked off after a restart.
"""

import asyncio
import json
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from slack_sdk.signature import Clock as SignatureClock
from slack_sdk.signature import SignatureVerifier

from bot.ports import Clock, Deliveries
from bot.slack.backlog import QUIET, Backlog
from bot.slack.requests import Kind, Payload, kept, key_of, kind_of, parsed

log = logging.getLogger(__name__)

Dispatch = Callable[[Payload], Awaitable[Payload]]  # works a request off; gives the body of the answer, {} for none
REPLAYED = "firstfive_replayed"  # set on requests that are worked off after a restart
REMEMBERED_ANSWERS = 256
JSON_HEADERS: Mapping[str, str] = {"content-type": "application/json"}
TEXT_HEADERS: Mapping[str, str] = {"content-type": "text/plain"}


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What goes back over HTTP."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


EMPTY = HttpAnswer(200)
UNSIGNED = HttpAnswer(401, TEXT_HEADERS, b"The signature does not fit or is older than 5 minutes.")
UNREADABLE = HttpAnswer(400, TEXT_HEADERS, b"The body is neither JSON nor a form.")


class _PortClock(SignatureClock):
    """Our clock in the shape the verifier wants."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def now(self) -> float:
        return self._clock.now().timestamp()


class Signatures:
    """Checks Slack's request signatures; without a secret nothing is genuine."""

    def __init__(self, secret: str, clock: Clock) -> None:
        self._verifier = SignatureVerifier(secret, _PortClock(clock)) if secret.strip() else None

    def genuine(self, body: bytes, headers: Mapping[str, str]) -> bool:
        """The raw body carries a valid signature, at most 5 minutes old. Header names are lower case."""
        if self._verifier is None:
            return False
        try:
            return self._verifier.is_valid(
                body, headers.get("x-slack-request-timestamp"), headers.get("x-slack-signature")
            )
        except (ValueError, TypeError):  # a timestamp that is no number, a body that is no UTF-8
            return False


class Intake:
    """One path for all requests. ``dispatch`` works a request off and is started once per request."""

    def __init__(self, signatures: Signatures, deliveries: Deliveries, clock: Clock, dispatch: Dispatch) -> None:
        self._signatures = signatures
        self._deliveries = deliveries
        self._clock = clock
        self._dispatch = dispatch
        self._backlog = Backlog()
        self._running: set[asyncio.Task[Payload]] = set()
        self._submissions: OrderedDict[str, asyncio.Task[Payload]] = OrderedDict()

    async def http(self, body: bytes, headers: Mapping[str, str]) -> HttpAnswer:
        """Verify, remember and acknowledge one HTTP request. Header names are lower case."""
        if not self._signatures.genuine(body, headers):
            return UNSIGNED
        try:
            payload = parsed(body, headers.get("content-type", ""))
        except ValueError:
            return UNREADABLE
        answer = await self.envelope(payload)
        return HttpAnswer(200, JSON_HEADERS, json.dumps(answer).encode()) if answer else EMPTY

    async def envelope(self, payload: Payload) -> Payload:
        """Remember one request and give the body of its answer; empty where an empty acknowledgement is due."""
        payload = kept(payload)
        kind = kind_of(payload)
        if kind is Kind.URL_CHECK:
            return {"challenge": payload.get("challenge", "")}
        if kind is Kind.SSL_CHECK:
            return {}
        key = key_of(payload)
        with self._backlog.arriving():
            first = await self._deliveries.first(key, json.dumps(payload), self._clock.now())
        if kind is Kind.SUBMISSION:
            return await self._submitted(key, payload)
        if first:
            self._backlog.put(partial(self._start, key, payload))
        return {}

    async def _submitted(self, key: str, payload: Payload) -> Payload:
        """The dialog's answer. A second delivery shares the first one's, unless that asked for a correction.

        Verbs take the same key twice without harm, so a submission whose answer was lost in a restart runs again.
        """
        earlier = self._submissions.get(key)
        if earlier is not None and not (earlier.done() and _wants_another_try(earlier)):
            return await asyncio.shield(earlier)
        task = self._start(key, payload)
        self._submissions[key] = task
        while len(self._submissions) > REMEMBERED_ANSWERS:
            self._submissions.popitem(last=False)
        return await asyncio.shield(task)

    def _start(self, key: str, payload: Payload) -> asyncio.Task[Payload]:
        task = asyncio.create_task(self._work_off(key, payload))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def _work_off(self, key: str, payload: Payload) -> Payload:
        try:
            answer = await self._dispatch(payload)
        except Exception:  # the worker's edge: a broken request must not stop the next one
            log.exception("a request from Slack failed (%s)", key)
            answer = {}
        await self._deliveries.handled(key)
        return answer

    async def replay(self, before: datetime) -> int:
        """Work off what was acknowledged before that moment and never finished; how many there were."""
        left = await self._deliveries.unhandled(before)
        for key, body in left:
            payload: dict[str, Any] = json.loads(body)
            self._backlog.put(partial(self._start, key, {**payload, REPLAYED: True}))
        return len(left)

    async def settle(self) -> None:
        """Wait until everything that was started is worked off."""
        while self._running or self._backlog:
            await asyncio.wait([*self._running, asyncio.create_task(asyncio.sleep(QUIET))])

    async def stop(self, seconds: float = 5.0) -> None:
        """Let running work finish within ``seconds``; the rest is worked off after the next start."""
        self._backlog.clear()
        if self._running:
            _, late = await asyncio.wait(tuple(self._running), timeout=seconds)
            for task in late:
                task.cancel()


def _wants_another_try(task: asyncio.Task[Payload]) -> bool:
    if task.cancelled() or task.exception() is not None:
        return True
    return task.result().get("response_action") == "errors"
