"""The workspace we are installed in: who we are there, and calls whose failures come back in our own words."""

import asyncio
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import TracebackType
from typing import Any, Self

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.http_retry.builtin_async_handlers import (
    AsyncConnectionErrorRetryHandler,
    AsyncRateLimitErrorRetryHandler,
)
from slack_sdk.web.async_client import AsyncWebClient

from bot.incident.errors import FirstfiveError, Misconfigured, Unavailable
from bot.slack.text import for_plain_workspace, without_buttons

CALL_SECONDS = 10
TOO_MANY = 429
SERVER_TROUBLE = 500
SLOWER = timedelta(seconds=5)  # when Slack asks us to slow down and names no time
_BUSY = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"})
_WRONG_TOKEN = frozenset({"invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired"})


class Declined(FirstfiveError):
    """Slack understood and said no; ``code`` is its own word, such as ``name_taken``."""

    def __init__(self, code: str) -> None:
        super().__init__(f"Slack said no: {code}.")
        self.code = code


async def asked(call: Awaitable[Any]) -> Mapping[str, Any]:
    """The answer to one Web API call.

    Raises:
        Declined: Slack said no.
        Unavailable: Slack is busy or cannot be reached; carries how long it wants us to wait.
    """
    try:
        response = await call
    except SlackApiError as error:
        raise _translated(error) from error
    except (aiohttp.ClientError, TimeoutError, OSError, SlackClientError) as error:
        raise Unavailable("Slack did not answer.") from error
    answer: Mapping[str, Any] = response.data if isinstance(response.data, dict) else {}
    return answer


def _translated(error: SlackApiError) -> FirstfiveError:
    response = error.response
    status = getattr(response, "status_code", 200)
    data = getattr(response, "data", response)
    code = str(data.get("error", "unknown")) if isinstance(data, dict) else "unknown"
    if status == TOO_MANY or code in {"ratelimited", "rate_limited"}:
        return Unavailable("Slack asks us to slow down.", _wait(getattr(response, "headers", {})))
    if status >= SERVER_TROUBLE or code in _BUSY:
        return Unavailable("Slack has trouble of its own.")
    return Declined(code)


def _wait(headers: Mapping[str, Any]) -> timedelta:
    found = next((value for name, value in headers.items() if name.lower() == "retry-after"), "")
    text = found[0] if isinstance(found, list) else str(found)
    return timedelta(seconds=int(text)) if text.isdigit() else SLOWER


@dataclass(frozen=True, slots=True)
class Identity:
    """Who we are in the workspace."""

    user_id: str = ""
    bot_id: str = ""
    team_id: str = ""
    team: str = ""


class Workspace:
    """An async context: inside it, ``client`` is for people who wait and ``room`` for work in the background.

    ``client`` waits when Slack asks it to and tries again; ``room`` never does, its loop schedules instead.
    """

    def __init__(self, token: str, api_url: str = "https://slack.com/api/", *, plain: bool = False) -> None:
        self.token = token
        self._plain = plain  # a local workspace that shows date tokens and escapes as they are written
        self.api_url = api_url if api_url.endswith("/") else f"{api_url}/"
        self.identity = Identity()
        self._session: aiohttp.ClientSession | None = None
        patient = [
            AsyncConnectionErrorRetryHandler(max_retry_count=2),
            AsyncRateLimitErrorRetryHandler(max_retry_count=3),
        ]
        self.client = AsyncWebClient(token, base_url=self.api_url, timeout=CALL_SECONDS, retry_handlers=patient)
        self.room = AsyncWebClient(token, base_url=self.api_url, timeout=CALL_SECONDS, retry_handlers=[])

    async def __aenter__(self) -> Self:
        """Connections are kept open from here on; nothing is asked of Slack yet."""
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=CALL_SECONDS))
        self.client.session = self.room.session = self._session
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()
            await asyncio.sleep(0)  # lets the connections' transports close

    def shown(self, value: Any) -> Any:
        """Text, blocks or a view as this workspace can show them."""
        return for_plain_workspace(without_buttons(value)) if self._plain else value

    @property
    def session(self) -> aiohttp.ClientSession:
        """The shared HTTP session."""
        if self._session is None:
            raise RuntimeError("the workspace is used outside its context")
        return self._session

    async def known(self) -> Identity:
        """Who we are, asked for when that is not known yet.

        Raises:
            Misconfigured, Unavailable: as :meth:`introduce`.
        """
        return self.identity if self.identity.user_id else await self.introduce()

    async def introduce(self) -> Identity:
        """Ask Slack once who we are, and remember it.

        Raises:
            Misconfigured: the token is wrong.
            Unavailable: Slack cannot be reached.
        """
        try:
            answer = await asked(self.room.auth_test())
        except Declined as error:
            if error.code in _WRONG_TOKEN:
                raise Misconfigured(
                    f"Slack does not know SLACK_BOT_TOKEN ({error.code}). "
                    "Copy the bot token (xoxb-…) from the app's OAuth page."
                ) from error
            raise Misconfigured(f"Slack refused SLACK_BOT_TOKEN: {error.code}.") from error
        self.identity = Identity(
            str(answer.get("user_id", "")),
            str(answer.get("bot_id", "")),
            str(answer.get("team_id", "")),
            str(answer.get("team", "")),
        )
        return self.identity
