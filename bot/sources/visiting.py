"""Asking a vendor's HTTP API: a time limit, a budget of requests, and one clear sentence for whatever goes wrong.

An :class:`Api` lives as long as the bot and remembers when the vendor asked to be left alone. A
:class:`Visit` is one look at it: all its requests share the seconds and the budget.
"""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx

from bot.incident.errors import Unavailable
from bot.incident.quantities import duration
from bot.ports import Clock
from bot.retry_after import DEFAULT, LONGEST, retry_after
from bot.trust import trusted
from bot.vendor_answers import ACCEPTED, MOST_BYTES, OversizedError, content_of, json_of, misread, reason_of

LONGEST_REQUEST = 30.0  # seconds for one request where no look limits it
SHORT_WAIT = 0.5  # seconds of Retry-After that are waited for within a visit
REQUESTS = 12  # a visit's budget, where the source says no other
BESIDE_ROWS = frozenset({"links", "meta", "metrics", "next_cursor", "next_page_token"})  # of pages without any
BUSY = frozenset({429, 502, 503, 504})

Parameters = Mapping[str, str | int | float | bool | list[str]]


def authorization(token: str) -> dict[str, str]:
    """The header that brings a bearer token, or user:password for basic authentication; none for an empty one."""
    plain = token.strip()
    if not plain:
        return {}
    if ":" in plain:
        return {"authorization": f"Basic {b64encode(plain.encode()).decode()}"}
    return {"authorization": f"Bearer {plain}"}


def client_for(
    url: str, headers: Mapping[str, str] | None = None, auth: tuple[str, str] | None = None
) -> httpx.AsyncClient:
    """A client for one vendor: no proxies of the surroundings, no redirects; a :class:`Visit` limits its requests' time.

    Headers may hold any characters: a key that was pasted wrong is refused by the vendor, and not by us.
    """
    usual = {"accept": "application/json", "accept-encoding": ACCEPTED}
    given = httpx.Headers({**usual, **(headers or {})}, encoding="utf-8")
    return httpx.AsyncClient(
        base_url=url, headers=given, auth=auth, timeout=LONGEST_REQUEST, trust_env=False, verify=trusted()
    )


@dataclass(slots=True)
class Api:
    """One vendor's API under one address with one set of credentials.

    ``setting`` names the variable that a user would correct when the address or the key is wrong.
    """

    name: str
    setting: str
    client: httpx.AsyncClient
    clock: Clock
    most_bytes: int = MOST_BYTES  # of one answer
    _paused_until: float = field(default=0.0)

    def visit(self, seconds: float, requests: int = REQUESTS) -> "Visit":
        """One look, at most that long and with at most that many requests."""
        return Visit(self, asyncio.get_running_loop().time() + seconds, requests)

    def pause(self, wait: timedelta) -> None:
        """Leave the vendor alone for that long, 10 minutes at most."""
        self._paused_until = self.clock.now().timestamp() + min(wait, LONGEST).total_seconds()

    @property
    def pause_left(self) -> timedelta:
        """How long the vendor still wants to be left alone; zero when it does not."""
        return timedelta(seconds=max(0.0, self._paused_until - self.clock.now().timestamp()))

    async def close(self) -> None:
        """Close the connections."""
        await self.client.aclose()


@dataclass(slots=True)
class Visit:
    """The requests of one look."""

    api: Api
    until: float  # on the event loop's clock
    requests_left: int
    last_status: int = 0  # of the latest answer, for sources that read more out of a refusal; 0 before the first

    @property
    def seconds_left(self) -> float:
        """Seconds until this look is over."""
        return self.until - asyncio.get_running_loop().time()

    async def get(self, path: str, params: Parameters | None = None, *, absent: int | None = None) -> Any:
        """The JSON answer to a GET; None when the status is ``absent`` (for example 404).

        Raises:
            Unavailable: no answer in time, the budget is spent, the vendor is busy or refuses, or it answers no JSON.
        """
        return await self.ask("GET", path, params=params, absent=absent)

    async def post(self, path: str, body: object, params: Parameters | None = None) -> Any:
        """The JSON answer to a POST of JSON.

        Raises:
            Unavailable: as :meth:`get`.
        """
        return await self.ask("POST", path, params=params, body=body)

    async def ask(
        self,
        method: str,
        path: str,
        *,
        params: Parameters | None = None,
        body: object = None,
        absent: int | None = None,
        telling: Collection[int] = (),
    ) -> Any:
        """The JSON answer to one request; a short Retry-After is waited for, a long one ends the visit.

        An answer with a status in ``telling`` counts too, where a vendor explains a refusal in it.

        Raises:
            Unavailable: as :meth:`get`.
        """
        answer = await self.text(method, path, params=params, body=body, absent=absent, telling=telling)
        if answer is None:
            return None
        try:
            return await json_of(answer)
        except ValueError as error:
            raise self.misread(answer) from error

    async def text(
        self,
        method: str,
        path: str,
        *,
        params: Parameters | None = None,
        body: object = None,
        absent: int | None = None,
        telling: Collection[int] = (),
    ) -> bytes | None:
        """As :meth:`ask`, the answer's bytes as they are."""
        while True:
            self._may_ask()
            try:
                async with asyncio.timeout(self.seconds_left), self._sent(method, path, params, body) as response:
                    self.last_status = response.status_code
                    if response.status_code == absent:
                        return None
                    if response.status_code not in BUSY:
                        if response.status_code not in telling:
                            self._refused(response.status_code)
                        return await content_of(response, self.api.most_bytes)
                    wait = retry_after(response.headers.get("retry-after", ""), self.api.clock.now())
            except (TimeoutError, httpx.TimeoutException) as error:
                raise self._unavailable("did not answer in time") from error
            except httpx.LocalProtocolError as error:  # its words repeat the header, and so the credentials
                raise self._unavailable(f"cannot be asked with these credentials; check {self.api.setting}") from error
            except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
                raise self._unavailable(f"cannot be reached ({reason_of(error)}); check {self.api.setting}") from error
            except OversizedError as error:
                raise self._unavailable(str(error)) from error
            if wait.total_seconds() > min(SHORT_WAIT, self.seconds_left):
                self.api.pause(wait)
                raise self._unavailable(f"is busy (HTTP {response.status_code})", wait)
            await asyncio.sleep(wait.total_seconds())

    def rows(self, answer: object, name: str) -> Sequence[Any]:
        """The list an answer holds under that name; one that is empty may be left out.

        Raises:
            Unavailable: it is another answer than was asked for, such as an error told with status 200.
        """
        rows = answer.get(name) if isinstance(answer, dict) else None
        if isinstance(rows, list):
            return rows
        if isinstance(answer, dict) and rows is None and answer.keys() <= {name, *BESIDE_ROWS}:
            return ()
        raise self._unavailable(f"answers in another form than expected; check {self.api.setting}")

    def misread(self, answer: bytes) -> Unavailable:
        """The failure to raise for an answer that is no JSON."""
        return self._unavailable(f"{misread(answer)}; check {self.api.setting}")

    def _may_ask(self) -> None:
        left = self.api.pause_left
        if left:
            raise self._unavailable(f"asked to be left alone for another {duration(left.total_seconds())}", left)
        if self.requests_left <= 0:
            raise self._unavailable("has more than one look may ask for")
        if self.seconds_left <= 0:
            raise self._unavailable("did not answer in time")
        self.requests_left -= 1

    @asynccontextmanager
    async def _sent(
        self, method: str, path: str, params: Parameters | None, body: object
    ) -> AsyncIterator[httpx.Response]:
        async with self.api.client.stream(method, path, params=params, json=body) as response:
            yield response

    def _refused(self, status: int) -> None:
        if status < httpx.codes.BAD_REQUEST and not httpx.codes.is_redirect(status):
            return
        if status in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
            raise self._unavailable(f"refuses the credentials (HTTP {status}); check {self.api.setting}")
        raise self._unavailable(f"answers HTTP {status}; check {self.api.setting}")

    def _unavailable(self, what: str, wait: timedelta = DEFAULT) -> Unavailable:
        return Unavailable(f"{self.api.name} {what}.", wait)
