"""The door for Slack's requests. Verification and the answer are the Slack edge's."""

from dataclasses import dataclass

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from bot.web.bodies import MIB, TooLargeError, whole
from bot.web.doors import SlackRequests

MOST_BYTES = MIB


@dataclass(frozen=True, slots=True)
class SlackRoutes:
    """``POST /slack/events``: events, commands and interactivity."""

    slack: SlackRequests

    def routes(self) -> list[Route]:
        """The one route."""
        return [Route("/slack/events", self.events, methods=["POST"])]

    async def events(self, request: Request) -> Response:
        """One request, handed on with its raw body: the signature covers every byte."""
        try:
            body = await whole(request, MOST_BYTES)
        except TooLargeError as error:
            return Response(str(error), 413, media_type="text/plain")
        except ClientDisconnect:
            return Response(status_code=400)
        answer = await self.slack.http(body, dict(request.headers))
        return Response(answer.body, answer.status, dict(answer.headers))
