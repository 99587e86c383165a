"""Telling a vendor's HTTP API what to do: a time limit, and one clear sentence for whatever goes wrong.

What was asked can be asked again. What was written may have happened although no answer came, and then
:class:`~bot.incident.errors.Uncertain` is raised instead of a guess; reading back decides.
"""

import asyncio
import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx

from bot.incident.errors import FirstfiveError, Refused, Unavailable, Uncertain
from bot.ports import Clock
from bot.retry_after import DEFAULT, retry_after
from bot.trust import trusted
from bot.vendor_answers import ACCEPTED, SMALL, OversizedError, content_of, json_of, misread, reason_of

WITHIN = 5.0  # seconds for one write
READ_WITHIN = 2.5  # seconds for one read
CONNECT_WITHIN = 2.0  # seconds; a connection that was never made wrote nothing
MOST_SAID = 200  # characters of a vendor's own words
ASKED_TO_WAIT = frozenset({429, 503})
_UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol, httpx.InvalidURL)

Params = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the status, and the JSON in it; None for an empty body."""

    status: int
    body: Any

    def text(self, *path: str) -> str:
        """The text or number at that path of the body; empty where there is none."""
        at = self.body
        for name in path:
            at = at.get(name) if isinstance(at, dict) else None
        return str(at) if isinstance(at, str | int) and not isinstance(at, bool) else ""


@dataclass(slots=True)
class Vendor:
    """One vendor's API under one address with one set of credentials.

    ``setting`` names the variables that a user would correct when the address or the key is wrong. ``secrets``
    are never repeated, whatever the vendor answers.
    """

    name: str
    setting: str
    client: httpx.AsyncClient
    clock: Clock
    secrets: tuple[str, ...] = field(default=(), repr=False)
    within: float = WITHIN
    read_within: float = READ_WITHIN

    async def read(
        self, path: str, params: Params | None = None, headers: Params | None = None, *, telling: Collection[int] = ()
    ) -> Answer:
        """The answer to a GET; one with a status in ``telling`` counts too.

        Raises:
            Unavailable: no answer in time, the vendor is busy or broken, or it answers no JSON.
            Refused: the vendor declines; the sentence says why.
        """
        try:
            async with asyncio.timeout(self.read_within):
                response = await self._sent("GET", path, params, None, headers)
        except (TimeoutError, httpx.TimeoutException) as error:
            raise self._unavailable("did not answer in time") from error
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise self._unreached(error) from error
        except OversizedError as error:
            raise self._unavailable(str(error)) from error
        if response.status_code in ASKED_TO_WAIT:
            raise self._busy(response)
        if response.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise self._unavailable(f"failed (HTTP {response.status_code}{self.said(response)})")
        self._accepted(response, telling)
        try:
            return await self._answer(response)
        except ValueError as error:
            raise self._unavailable(f"{misread(response.content)}; check {self.setting}") from error

    async def write(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        headers: Params | None = None,
        telling: Collection[int] = (),
    ) -> Answer:
        """The answer to one write; one with a status in ``telling`` counts too. Bytes are sent as they are.

        Raises:
            Uncertain: it was sent, and nobody knows whether it happened.
            Unavailable: nothing was written; ask again after ``retry_after``.
            Refused: the vendor declines, and nothing was written; the sentence says why.
        """
        try:
            async with asyncio.timeout(self.within):
                response = await self._sent(method, path, None, body, headers)
        except (*_UNSENT, httpx.LocalProtocolError) as error:
            raise self._unreached(error) from error
        except (TimeoutError, httpx.HTTPError, OSError) as error:
            slow = isinstance(error, TimeoutError | httpx.TimeoutException)
            said = "did not answer in time" if slow else "broke the connection before it answered"
            raise self.uncertain(said) from error
        except OversizedError as error:
            raise self.uncertain(str(error)) from error
        if response.status_code in ASKED_TO_WAIT:
            raise self._busy(response)
        if response.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise self.uncertain(f"failed (HTTP {response.status_code}{self.said(response)})")
        self._accepted(response, telling)
        try:
            return await self._answer(response)
        except ValueError as error:
            raise self.uncertain(f"{misread(response.content)}; check {self.setting}") from error

    async def close(self) -> None:
        """Close the connections."""
        await self.client.aclose()

    @contextmanager
    def in_part(self) -> Iterator[list[str]]:
        """Several writes for one change: name each that is done in the list.

        Raises:
            Uncertain: one failed after another was done, so what is in force is neither all nor nothing.
        """
        done: list[str] = []
        try:
            yield done
        except (Refused, Unavailable) as error:
            if not done:
                raise
            raise Uncertain(f"{error} Only a part is written: {', '.join(done)}.") from error

    def refused(self, why: str) -> Refused:
        """The failure to raise for something that the vendor declines for good."""
        return Refused(f"{self.name} {self._clean(why)}")

    def uncertain(self, what: str) -> Uncertain:
        """The failure to raise for a write whose outcome nobody knows."""
        return Uncertain(f"{self.name} {what}: the change may or may not have happened.")

    async def _sent(
        self, method: str, path: str, params: Params | None, body: object, headers: Params | None
    ) -> httpx.Response:
        given = {"content": body} if isinstance(body, bytes) else {"json": body} if body is not None else {}
        request = self.client.build_request(method, path, params=params, headers=headers, **given)
        response = await self.client.send(request, stream=True)
        try:
            content = await content_of(response)
        finally:
            await response.aclose()
        return httpx.Response(response.status_code, headers=_plain(response.headers), content=content)

    async def _answer(self, response: httpx.Response) -> Answer:
        content = response.content.strip()
        return Answer(response.status_code, await json_of(content) if content else None)

    def _accepted(self, response: httpx.Response, telling: Collection[int]) -> None:
        """Return when the answer counts; raise what the vendor says against it otherwise."""
        status = response.status_code
        if status in telling or status < httpx.codes.MULTIPLE_CHOICES:
            return
        if status < httpx.codes.BAD_REQUEST:
            raise self.refused(f"sends us to another address (HTTP {status}); check {self.setting}.")
        if status == httpx.codes.UNAUTHORIZED:
            raise self.refused(f"refuses the credentials (HTTP {status}); check {self.setting}.")
        said = self.said(response)
        if status == httpx.codes.FORBIDDEN:
            raise self.refused(f"does not allow it (HTTP {status}{said}); check the rights of {self.setting}.")
        raise self.refused(f"declines (HTTP {status}{said}).")

    def said(self, response: httpx.Response) -> str:
        """The vendor's own reason, as ``: reason``; empty where it gives none that can be shown."""
        if len(response.content) > SMALL:
            return ""
        try:
            reason = _reason(json.loads(response.content))
        except (ValueError, RecursionError):
            return ""
        return f": {self._clean(reason)}" if reason else ""

    def _clean(self, text: str) -> str:
        for secret in filter(None, self.secrets):
            text = text.replace(secret, "…")
        plain = "".join(character if character.isprintable() else " " for character in text)
        return plain if len(plain) <= 2 * MOST_SAID else f"{plain[: 2 * MOST_SAID]}…"

    def _unreached(self, error: Exception) -> FirstfiveError:
        if isinstance(error, httpx.LocalProtocolError):  # its words repeat the header, and so the credentials
            return self.refused(f"cannot be asked with these credentials; check {self.setting}.")
        return self._unavailable(f"cannot be reached ({self._clean(reason_of(error))}); check {self.setting}")

    def _busy(self, response: httpx.Response) -> Unavailable:
        return self._unavailable(
            f"is busy (HTTP {response.status_code})",
            retry_after(response.headers.get("retry-after", ""), self.clock.now()),
        )

    def _unavailable(self, what: str, wait: timedelta = DEFAULT) -> Unavailable:
        return Unavailable(f"{self.name} {what}.", wait)


def client_for(url: str, headers: Params | None = None, auth: tuple[str, str] | None = None) -> httpx.AsyncClient:
    """A client for one vendor: no proxies of the surroundings, no redirects, a short time to connect."""
    limits = httpx.Timeout(WITHIN, connect=CONNECT_WITHIN)
    given = {"accept": "application/json", "accept-encoding": ACCEPTED, **(headers or {})}
    return httpx.AsyncClient(base_url=url, headers=given, auth=auth, timeout=limits, trust_env=False, verify=trusted())


def _plain(headers: httpx.Headers) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name not in {"content-encoding", "content-length"}}


def _reason(body: object) -> str:
    """What an error body says: the first of its details, else under message, error or detail, or further in."""
    if isinstance(body, str):
        return body[:MOST_SAID]
    if isinstance(body, list):
        return _reason(body[0]) if body else ""
    if not isinstance(body, dict):
        return ""
    return next((said for name in ("details", "message", "error", "detail") if (said := _reason(body.get(name)))), "")
