"""HTTP mode: signed POSTs to the app's request URL."""

import hashlib
import hmac
import json
import time
from typing import Any
from urllib.parse import urlencode

import aiohttp

from tests.strict_slack.delivery import Attempt, Kind, Undelivered
from tests.strict_slack.shapes import Json


class HttpMode:
    """A transport; `skew` seconds make the signature's time wrong, `secret` can be replaced by a wrong one."""

    def __init__(self, session: aiohttp.ClientSession, secret: str) -> None:
        self._session = session
        self.secret = secret
        self.skew = 0.0
        self.url = ""

    async def send(self, kind: Kind, payload: Json, attempt: Attempt) -> Any:
        content_type, body = _encoded(kind, payload)
        headers = self.signed(content_type, body)
        if attempt.number:
            headers |= {"x-slack-retry-num": str(attempt.number), "x-slack-retry-reason": attempt.reason}
        try:
            async with self._session.post(self.url, data=body, headers=headers) as response:
                return _acknowledgement(response, await response.text())
        except aiohttp.ClientError as error:
            raise Undelivered(f"connection failed: {type(error).__name__}") from error

    def signed(self, content_type: str, body: bytes) -> dict[str, str]:
        """Slack's headers for this body."""
        stamp = str(int(time.time() + self.skew))
        digest = hmac.new(self.secret.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
        return {
            "Content-Type": content_type,
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
            "X-Slack-Request-Timestamp": stamp,
            "X-Slack-Signature": f"v0={digest}",
        }

    async def verify_url(self) -> bool:
        """Slack's check when a request URL is entered: the app must echo the challenge."""
        challenge = "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P"
        body = await self.send(Kind.EVENT, {"type": "url_verification", "challenge": challenge}, Attempt())
        return bool(body == challenge or (isinstance(body, dict) and body.get("challenge") == challenge))


def _encoded(kind: Kind, payload: Json) -> tuple[str, bytes]:
    if kind is Kind.EVENT:
        return "application/json", json.dumps(payload).encode()
    form = payload if kind is Kind.COMMAND else {"payload": json.dumps(payload)}
    return "application/x-www-form-urlencoded", urlencode(form).encode()


def _acknowledgement(response: aiohttp.ClientResponse, text: str) -> Any:
    if response.status != 200:
        retry = response.headers.get("X-Slack-No-Retry") != "1"
        raise Undelivered(f"HTTP {response.status}", retry=retry)
    if response.content_type == "application/json" and text:
        return json.loads(text)
    return text or None
