"""Socket Mode: requests arrive over a connection that we open, so nothing of ours faces the network."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from bot.incident.errors import Misconfigured
from bot.slack.intake import Intake
from bot.slack.workspace import Declined, Workspace, asked

log = logging.getLogger(__name__)


@asynccontextmanager
async def connected(
    workspace: Workspace, app_token: str, intake: Intake, ping_seconds: float = 5.0
) -> AsyncIterator[SocketModeClient]:
    """While inside, every request Slack sends over the socket goes to ``intake``; lost connections come back.

    ``ping_seconds`` is how often the connection is looked at, and so how long a silent loss can last.

    Raises:
        Misconfigured: Slack does not know the app-level token.
        Unavailable: Slack cannot be reached.
    """
    url = await _first_address(workspace, app_token)
    client = SocketModeClient(app_token, web_client=workspace.room, ping_interval=ping_seconds)

    async def received(_: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        answer = await intake.envelope(dict(request.payload))
        await client.send_socket_mode_response(SocketModeResponse(request.envelope_id, answer or None))

    client.socket_mode_request_listeners.append(received)
    client.wss_uri = url
    try:
        await client.connect()  # type: ignore[no-untyped-call]  # slack_sdk leaves it untyped
        yield client
    finally:
        await client.close()  # type: ignore[no-untyped-call]  # slack_sdk leaves it untyped
        await asyncio.sleep(0)  # lets the cancelled loops of the client end


async def _first_address(workspace: Workspace, app_token: str) -> str:
    """The address of the first connection. Asked for here, since the client would repeat a wrong token for ever."""
    try:
        answer = await asked(workspace.room.apps_connections_open(app_token=app_token))
    except Declined as error:
        raise Misconfigured(
            f"Slack does not know SLACK_APP_TOKEN ({error.code}). "
            "Create an app-level token (xapp-…) with the scope connections:write and set it."
        ) from error
    return str(answer["url"])
