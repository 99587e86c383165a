"""Slack's own framework with our listeners in it."""

import json
import logging
import re

from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

from bot.slack.actions import Actions
from bot.slack.answers import Answers
from bot.slack.commands import Commands
from bot.slack.intake import Dispatch
from bot.slack.reactions import Reactions
from bot.slack.requests import Kind, Payload, kind_of
from bot.slack.submissions import Submissions
from bot.slack.views.loading import notice
from bot.slack.workspace import Workspace

log = logging.getLogger(__name__)
ANY = re.compile(".*", re.DOTALL)
BROKEN = "That did not work, and it is our fault. Nothing else was changed; try it again."


def application(
    workspace: Workspace, commands: Commands, actions: Actions, submissions: Submissions, reactions: Reactions
) -> AsyncApp:
    """The app. It answers when its listener is done, since the intake has acknowledged before.

    Signatures are checked by the intake, and who we are was asked once: no request costs another.
    """

    async def authorize(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
        who = workspace.identity
        return AuthorizeResult(
            enterprise_id=enterprise_id,
            team_id=team_id,
            bot_user_id=who.user_id or None,
            bot_id=who.bot_id or None,
            bot_token=workspace.token,
        )

    quiet = logging.getLogger("firstfive.bolt")
    quiet.setLevel(logging.ERROR)  # it warns of an environment variable that we read ourselves
    app = AsyncApp(
        name="firstfive",
        logger=quiet,
        client=workspace.client,
        authorize=authorize,
        process_before_response=True,
        request_verification_enabled=False,
        ssl_check_enabled=False,
        url_verification_enabled=False,
        attaching_function_token_enabled=False,
        attaching_conversation_kwargs_enabled=False,
        ignoring_self_assistant_message_events_enabled=False,
    )
    _listen(app, commands, actions, submissions, reactions)
    return app


def _listen(
    app: AsyncApp, commands: Commands, actions: Actions, submissions: Submissions, reactions: Reactions
) -> None:
    async def command(ack: AsyncAck, body: Payload) -> None:
        await ack()
        await commands(body)

    async def action(ack: AsyncAck, body: Payload) -> None:
        await ack()
        await actions(body)

    async def submission(ack: AsyncAck, body: Payload) -> BoltResponse:
        answer = await submissions(body)
        return await ack(dict(answer)) if answer else await ack()

    async def reaction(body: Payload) -> None:
        await reactions(body)

    async def ignored() -> None:
        """Subscribed by somebody else's manifest; nothing to do."""

    app.command(ANY)(command)
    app.action({"type": "block_actions", "action_id": ANY})(action)
    app.view(ANY)(submission)
    app.event("reaction_added")(reaction)
    app.event(ANY)(ignored)


def dispatcher(app: AsyncApp, answers: Answers) -> Dispatch:
    """How the intake has a request worked off. A listener that breaks still answers the person."""

    async def failed(error: Exception, body: Payload) -> BoltResponse:
        log.error("a listener failed", exc_info=error)
        if kind_of(body) is Kind.SUBMISSION:
            view = notice("Not done", BROKEN)
            return BoltResponse(status=200, body=json.dumps({"response_action": "update", "view": view}))
        if kind_of(body) in {Kind.COMMAND, Kind.ACTION}:
            await answers.tell(body, BROKEN)
        return BoltResponse(status=200, body="")

    app.error(failed)

    async def dispatch(payload: Payload) -> Payload:
        response = await app.async_dispatch(AsyncBoltRequest(body=payload, mode="socket_mode"))
        answer: Payload = json.loads(response.body) if response.body else {}
        return answer if response.status == 200 else {}  # noqa: PLR2004  HTTP's own figure

    return dispatch
