"""The servers beside which ours is measured: a stub of Slack's Web API, a signature-only floor, Bolt as documented."""

import json
import sys

import uvicorn
from slack_bolt.adapter.starlette.async_handler import AsyncSlackRequestHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.signature import SignatureVerifier
from slack_sdk.web.async_client import AsyncWebClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

SECRET = "benchmark-secret"  # noqa: S105 - signs requests on loopback
ANSWER = json.dumps(
    {
        "ok": True,
        "url": "http://127.0.0.1/",
        "team": "bench",
        "team_id": "T1",
        "user": "bot",
        "user_id": "U1",
        "bot_id": "B1",
        "app_id": "A1",
        "view": {"id": "V1", "hash": "h1", "root_view_id": "V1"},
        "ts": "1.1",
        "channel": "C1",
        "response_metadata": {"next_cursor": ""},
    }
).encode()


async def slack_stub(scope: Scope, receive: Receive, send: Send) -> None:
    """Every method succeeds at once."""
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": ANSWER})


def floor() -> ASGIApp:
    """Verify the signature, parse nothing, answer 200."""
    verifier = SignatureVerifier(SECRET)

    async def events(request: Request) -> Response:
        body = await request.body()
        if not verifier.is_valid_request(body, dict(request.headers)):
            return Response(status_code=401)
        return Response()

    return Starlette(routes=[Route("/slack/events", events, methods=["POST"])])


def bolt(api: str) -> ASGIApp:
    """AsyncApp under ASGI with default settings; the listener acknowledges and responds, as the documentation shows."""
    client = AsyncWebClient(token="xoxb-bench", base_url=api)  # noqa: S106 - no real token
    app = AsyncApp(token="xoxb-bench", signing_secret=SECRET, client=client)  # noqa: S106 - as above

    @app.command("/incident")
    async def incident(ack, respond, command):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - as documented
        await ack()
        await respond(f"{command['text']}")

    handler = AsyncSlackRequestHandler(app)

    async def events(request: Request) -> Response:
        answer: Response = await handler.handle(request)
        return answer

    return Starlette(routes=[Route("/slack/events", events, methods=["POST"])])


def main() -> None:
    """``ack_servers.py slack|floor|bolt PORT [API]``."""
    kind, port = sys.argv[1], int(sys.argv[2])
    app: ASGIApp
    if kind == "slack":
        app = slack_stub
    elif kind == "floor":
        app = floor()
    else:
        app = bolt(sys.argv[3])
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
