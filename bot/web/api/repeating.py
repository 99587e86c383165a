"""Idempotency keys of the API: a request that is sent again with its key gets the first answer.

As the draft of the ``Idempotency-Key`` header (draft-ietf-httpapi-idempotency-key-header) has it: the key with
another request is 422, with one that is still worked on 409. The claim is committed before the work begins, so
that no crash loses the fingerprint; that the work happens once is the promise of the verbs, in the transaction
of the change. After a crash in between the verbs find their own work, and the answer is made from that.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.ports import Clock, Records, Remembered
from bot.web.api.actors import LONGEST_KEY, key_in
from bot.web.refusals import problem, refused_as_problem

WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
WORKED_ON = timedelta(seconds=60)  # longer than any request takes; then its process has died
MOST_KEPT = 256 * 1024  # bytes of an answer
KEPT_HEADERS = ("content-type", "etag", "location")
NEVER_BEGAN = frozenset({400, 401, 403, 404, 405, 422})  # nothing was done, so the key is free again
ANSWERED_ANEW = ("/v1/incidents",)  # 201 for the one it opens, 200 for the one it has opened before
REUSED = "This idempotency key was used for another request before. Use a new one; nothing was changed."
BUSY = "The first request with this idempotency key is still worked on. Ask again in a moment."


@dataclass(frozen=True, slots=True)
class Repeating:
    """Wraps the API."""

    app: ASGIApp
    records: Records
    clock: Clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a repeated request from memory; let any other one through."""
        request = Request(scope) if scope["type"] == "http" else None
        key = key_in(request.headers) if request is not None and _changes(request) else ""
        if request is None or not key:
            await self.app(scope, receive, send)
            return
        if len(key) > LONGEST_KEY:
            said = f"An idempotency key has {LONGEST_KEY} characters at most."
            await problem(422, "A field cannot be used", said, field="Idempotency-Key")(scope, receive, send)
            return
        try:
            body = await Request(scope, receive).body()
        except HTTPException as error:
            await refused_as_problem(error.status_code, error.detail)(scope, receive, send)
            return
        await self._once(f"answer:{key}", fingerprint(request, body), _Exchange(scope, receive, send, body))

    async def _once(self, name: str, asked: str, exchange: "_Exchange") -> None:
        now = self.clock.now()
        async with self.records.begin() as work:
            known = await work.requests.claim(name, asked, now, now + WORKED_ON)
            said = None if known is None else _from_memory(known, asked, now < (known.until or now))
            if known is not None and said is None:
                await work.requests.settle(name, until=now + WORKED_ON)
        if said is not None:
            await exchange.say(said)
            return
        try:
            await self.app(exchange.scope, exchange.receive_again, exchange.hear)
        finally:
            async with self.records.begin() as work:
                if known is None and exchange.status in NEVER_BEGAN:
                    await work.requests.forget(name)
                else:
                    await work.requests.settle(name, exchange.answer)


@dataclass(slots=True)
class _Exchange:
    """One request whose body was read already, and what is answered to it."""

    scope: Scope
    receive: Receive
    send: Send
    body: bytes
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    said: bytearray = field(default_factory=bytearray)
    given: bool = False

    async def receive_again(self) -> Message:
        if self.given:
            return await self.receive()
        self.given = True
        return {"type": "http.request", "body": self.body, "more_body": False}

    async def hear(self, message: Message) -> None:
        """Pass the answer on, and keep it."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in message["headers"]}
        elif message["type"] == "http.response.body" and len(self.said) <= MOST_KEPT:
            self.said += message.get("body", b"")
        await self.send(message)

    async def say(self, response: Response) -> None:
        await response(self.scope, self.receive, self.send)

    @property
    def answer(self) -> Mapping[str, object] | None:
        """What is kept of the answer; None where it is secret, too long, or none that will stand."""
        secret = "no-store" in self.headers.get("cache-control", "")
        anew = self.scope["path"].rstrip("/").endswith(ANSWERED_ANEW)
        stands = self.status and self.status < 500 and self.status not in NEVER_BEGAN  # noqa: PLR2004
        if secret or anew or not stands or len(self.said) > MOST_KEPT:
            return None
        kept = {name: self.headers[name] for name in KEPT_HEADERS if name in self.headers}
        return {"status": self.status, "headers": kept, "body": self.said.decode()}


def _changes(request: Request) -> bool:
    looks = request.query_params.get("dry_run", "").lower() in {"1", "true", "on", "yes"}
    return request.method in WRITES and not looks and not request.url.path.endswith("/preview")


def fingerprint(request: Request, body: bytes) -> str:
    """SHA-256 of what is asked for, where, and by whom. How its JSON is written does not matter."""
    try:
        said = json.dumps(json.loads(body), sort_keys=True).encode() if body else b""
    except (ValueError, RecursionError):
        said = body
    actor = request.headers.get("firstfive-actor", "").strip()
    head = f"{request.method}\n{request.url.path}\n{request.url.query}\n{actor}"
    return sha256(head.encode() + b"\n" + said).hexdigest()


def _from_memory(known: Remembered, asked: str, busy: bool) -> Response | None:  # noqa: FBT001
    """The answer to a key that was seen before; None where the work has to be taken up again."""
    if known.fingerprint != asked:
        return problem(422, "Idempotency key reused", REUSED)
    if known.answer is not None:
        answer: Mapping[str, Any] = known.answer
        headers = {**answer["headers"], "idempotent-replayed": "true"}
        return Response(answer["body"], answer["status"], headers)
    return problem(409, "In progress", BUSY, {"Retry-After": "1"}) if busy else None
