"""Faults on order, and how payloads travel."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.strict_slack.delivery import NotAcknowledged
from tests.strict_slack.example_app import ExampleApp, card, ticket_view
from tests.strict_slack.server import StrictSlack
from tests.strict_slack.shapes import Json

RETRY_NUMBER, RETRY_REASON = "x-slack-retry-num", "x-slack-retry-reason"


@asynccontextmanager
async def listening(answer: Callable[[web.Request], Awaitable[web.Response]]) -> AsyncIterator[str]:
    """A request URL that answers every event with `answer`."""
    app = web.Application()
    app.router.add_post("/slack/events", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    finally:
        await runner.cleanup()


class TestFaults:
    async def test_a_rate_limit_on_order_says_how_long(self, slack: StrictSlack, client: AsyncWebClient) -> None:
        slack.fail_next("chat.postMessage", error="ratelimited", retry_after=7)
        with pytest.raises(SlackApiError) as refused:
            await client.chat_postMessage(channel=slack.general.id, text="x")
        assert refused.value.response.status_code == 429
        assert refused.value.response.headers["Retry-After"] == "7"
        await client.chat_postMessage(channel=slack.general.id, text="x")

    async def test_a_lost_answer_leaves_the_work_done(self, slack: StrictSlack, client: AsyncWebClient) -> None:
        slack.fail_next("chat.postMessage", status=502, after_doing=True)
        with pytest.raises(SlackApiError):
            await client.chat_postMessage(channel=slack.general.id, text="x")
        assert [m.text for m in slack.messages(slack.general)] == ["x"]
        assert slack.calls("chat.postMessage")[0].status == 502

    async def test_a_hanging_method_holds_up_only_itself(self, slack: StrictSlack) -> None:
        slack.hang("chat.postMessage", 30)
        hasty = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url, timeout=1)
        waiting = asyncio.create_task(hasty.chat_postMessage(channel=slack.general.id, text="x"))
        assert (await hasty.auth_test())["ok"]
        waiting.cancel()
        assert slack.messages(slack.general) == []

    @pytest.mark.parametrize("how", ["503", "refused"])
    async def test_slack_is_away_and_comes_back(self, slack: StrictSlack, client: AsyncWebClient, how: str) -> None:
        client.retry_handlers.clear()
        async with slack.unavailable(how):
            with pytest.raises((SlackApiError, OSError)):
                await client.auth_test()
        assert (await client.auth_test())["ok"]

    async def test_one_message_a_second_into_a_channel(self) -> None:
        async with StrictSlack(rate_limits=True) as slack:
            client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
            await client.chat_postMessage(channel=slack.general.id, text="x")
            with pytest.raises(SlackApiError, match="ratelimited"):
                await client.chat_postMessage(channel=slack.general.id, text="y")
            slack.clock.advance(1)
            await client.chat_postMessage(channel=slack.general.id, text="z")


class TestSocketMode:
    async def test_each_payload_goes_to_one_of_the_connections(self, slack: StrictSlack) -> None:
        first, second = ExampleApp(slack), ExampleApp(slack)
        handlers = [AsyncSocketModeHandler(app.bolt, slack.app_token) for app in (first, second)]
        for handler in handlers:
            await handler.connect_async()  # type: ignore[no-untyped-call] # Bolt ships it untyped
        await slack.wait_for_sockets(2)
        for _ in range(4):
            await slack.ana.command("/ticket")
        assert (len(first.heard), len(second.heard)) == (2, 2)
        for handler in handlers:
            await handler.close_async()  # type: ignore[no-untyped-call] # Bolt ships it untyped

    async def test_without_a_connection_nothing_is_acknowledged(self, slack: StrictSlack) -> None:
        with pytest.raises(NotAcknowledged, match="no open connection"):
            await slack.ana.command("/ticket")

    async def test_an_app_that_is_asked_to_leave_comes_back(self, slack: StrictSlack) -> None:
        async with ExampleApp(slack).over_socket_mode():
            before = slack.socket.connections[0].number
            await slack.socket.ask_to_leave("refresh_requested")
            await slack.wait_until(
                lambda: slack.socket.connections and slack.socket.connections[0].number > before, timeout=8
            )
            for _ in range(20):  # the old connection may still be closing when the first one is sent
                if (await slack.ana.command("/ticket", must_ack=False)).acked:
                    return
                await asyncio.sleep(0.1)
            pytest.fail("nothing was acknowledged over the new connection")

    async def test_an_envelope_says_what_it_is(self, slack: StrictSlack) -> None:
        async with ExampleApp(slack).over_socket_mode():
            connection = slack.socket.connections[0]
            await slack.ana.command("/ticket")
            await slack.ana.say(slack.general, "x")
            command, event = connection.received
            assert (command["type"], command["accepts_response_payload"]) == ("slash_commands", True)
            assert (event["type"], event["retry_attempt"]) == ("events_api", 0)
            assert slack.socket.complaints == []


class TestHttpMode:
    async def test_the_url_is_verified_and_a_wrong_signature_is_refused(self, slack: StrictSlack) -> None:
        async with ExampleApp(slack).over_http():
            http = slack.use_http(_url(slack))
            assert await http.verify_url()
            http.secret = "wrong"
            with pytest.raises(NotAcknowledged, match="HTTP 401"):
                await slack.ana.command("/ticket")
            http.secret, http.skew = slack.signing_secret, -600
            with pytest.raises(NotAcknowledged, match="HTTP 401"):
                await slack.ana.command("/ticket")

    async def test_an_event_is_sent_again_with_the_number_and_the_reason(self, slack: StrictSlack) -> None:
        seen: list[tuple[str | None, str | None, str]] = []

        async def answer(request: web.Request) -> web.Response:
            body = await request.json()
            seen.append((request.headers.get(RETRY_NUMBER), request.headers.get(RETRY_REASON), body["event_id"]))
            return web.Response(status=200 if len(seen) == 3 else 500)

        async with listening(answer) as url:
            slack.use_http(url)
            delivery = await slack.ana.say(slack.general, "x")
        assert (delivery.acked, delivery.attempts) == (True, 3)
        assert [retry[:2] for retry in seen] == [(None, None), ("1", "http_error"), ("2", "http_error")]
        assert len({event_id for _, _, event_id in seen}) == 1

    async def test_no_retry_is_respected(self, slack: StrictSlack) -> None:
        async def answer(_: web.Request) -> web.Response:
            return web.Response(status=500, headers={"X-Slack-No-Retry": "1"})

        async with listening(answer) as url:
            slack.use_http(url)
            delivery = await slack.ana.say(slack.general, "x")
        assert (delivery.acked, delivery.attempts) == (False, 1)

    async def test_an_app_that_is_gone_acknowledges_nothing(self, slack: StrictSlack) -> None:
        slack.use_http("http://127.0.0.1:9/slack/events")
        with pytest.raises(NotAcknowledged, match="connection failed"):
            await slack.ana.command("/ticket")


class TestActionsInsideViews:
    async def test_a_button_in_a_modal_and_in_app_home(self, slack: StrictSlack) -> None:
        app = ExampleApp(slack)
        async with app.over_socket_mode():
            view: Json = ticket_view(blocks=card())
            await app.client.views_open(trigger_id=slack.triggers.issue("U0ANA"), view=view)
            await slack.ana.click_in_view("take")
            assert app.heard[-1]["container"]["type"] == "view"
            assert app.heard[-1]["view"]["callback_id"] == "ticket"
            await slack.ana.click_in_view("feel", "alarmed")
            chosen = app.heard[-1]["view"]["state"]["values"]["doing"]["feel"]["selected_option"]
            assert chosen["value"] == "alarmed"
            await app.client.views_publish(user_id="U0ANA", view={"type": "home", "blocks": card()})
            await slack.ana.click_in_view("take", view=slack.ana.home)
            assert app.heard[-1]["view"]["type"] == "home"


def _url(slack: StrictSlack) -> str:
    assert slack._http is not None
    return slack._http.url
