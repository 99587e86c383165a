"""The Web API refuses what Slack refuses, asked through the real SDK."""

from collections.abc import Awaitable
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from tests.strict_slack.catalogue import DEFAULT_SCOPES
from tests.strict_slack.example_app import card, ticket_view
from tests.strict_slack.server import StrictSlack
from tests.strict_slack.shapes import Json


async def refusal(call: Awaitable[Any]) -> Json:
    """The body of Slack's refusal of this call."""
    with pytest.raises(SlackApiError) as refused:
        await call
    body = refused.value.response.data
    assert isinstance(body, dict)
    return body


async def error_of(call: Awaitable[Any]) -> str:
    return str((await refusal(call))["error"])


class TestTokensScopesAndArguments:
    async def test_tokens_are_checked(self, slack: StrictSlack) -> None:
        strange = AsyncWebClient(token="xoxb-other", base_url=slack.api_url)
        assert await error_of(strange.auth_test()) == "invalid_auth"
        assert await error_of(AsyncWebClient(base_url=slack.api_url).auth_test()) == "not_authed"
        app = AsyncWebClient(token=slack.app_token, base_url=slack.api_url)
        assert await error_of(app.auth_test()) == "not_allowed_token_type"
        assert (await app.apps_connections_open(app_token=slack.app_token))["url"].startswith("ws://127.0.0.1")

    async def test_a_missing_scope_is_named(self, client: AsyncWebClient) -> None:
        body = await refusal(client.conversations_create(name="secret", is_private=True))
        assert (body["error"], body["needed"]) == ("missing_scope", "groups:write")
        assert "channels:manage" in body["provided"]
        assert await error_of(client.canvases_create(title="x")) == "missing_scope"
        both = await refusal(client.conversations_list(types="public_channel,private_channel"))
        assert both["needed"] == "groups:read"

    async def test_unknown_methods_and_arguments_are_refused(self, client: AsyncWebClient) -> None:
        assert await error_of(client.api_call("incidents.create")) == "unknown_method"
        body = await refusal(client.api_call("chat.postMessage", json={"text": "x", "chanel": "C1"}))
        assert body["error"] == "invalid_arguments"
        assert len(body["response_metadata"]["messages"]) == 2

    async def test_every_call_is_recorded(self, slack: StrictSlack, client: AsyncWebClient) -> None:
        await client.chat_postMessage(channel=slack.general.id, text="Hello", blocks=card())
        (call,) = slack.calls("chat.postMessage")
        assert call.ok
        assert call.args["blocks"] == card()
        assert call.token == slack.bot_token


class TestMessages:
    async def test_metadata_is_kept_and_returned_when_asked_for(
        self, slack: StrictSlack, client: AsyncWebClient
    ) -> None:
        kept = {"event_type": "card", "event_payload": {"incident": 7}}
        posted = await client.chat_postMessage(channel=slack.general.id, text="x", metadata=kept)
        plain = await client.conversations_history(channel=slack.general.id)
        full = await client.conversations_history(channel=slack.general.id, include_all_metadata=True)
        assert "metadata" not in plain["messages"][0]
        assert full["messages"][0]["metadata"] == kept
        await client.chat_update(channel=slack.general.id, ts=posted["ts"], text="y")
        message = slack.messages(slack.general)[0]
        assert (message.text, message.metadata, len(message.history)) == ("y", kept, 1)

    async def test_an_update_without_blocks_keeps_them(self, slack: StrictSlack, client: AsyncWebClient) -> None:
        posted = await client.chat_postMessage(channel=slack.general.id, text="x", blocks=card())
        await client.chat_update(channel=slack.general.id, ts=posted["ts"], text="y")
        assert len(slack.messages(slack.general)[0].blocks) == 2
        await client.chat_update(channel=slack.general.id, ts=posted["ts"], text="z", blocks=[])
        assert slack.messages(slack.general)[0].blocks == []

    async def test_bad_messages_and_places_are_refused(self, slack: StrictSlack, client: AsyncWebClient) -> None:
        general = slack.general.id
        body = await refusal(client.chat_postMessage(channel=general, text="x", blocks=[{"type": "section"}]))
        assert body["error"] == "invalid_blocks"
        assert "/blocks/0" in body["response_metadata"]["messages"][0]
        assert await error_of(client.api_call("chat.postMessage", json={"channel": general})) == "no_text"
        assert await error_of(client.chat_postMessage(channel=general, text="x" * 40_001)) == "msg_too_long"
        assert await error_of(client.chat_postMessage(channel="C9", text="x")) == "channel_not_found"
        assert await error_of(client.chat_postMessage(channel=general, text="x", thread_ts="1.1")) == "thread_not_found"
        outside = slack.world.add_channel("outside", creator="U0ANA")
        assert await error_of(client.chat_postMessage(channel=outside.id, text="x")) == "not_in_channel"
        async with StrictSlack(scopes=[*DEFAULT_SCOPES, "chat:write.public"]) as wider:
            elsewhere = wider.world.add_channel("elsewhere", creator="U0ANA")
            writer = AsyncWebClient(token=wider.bot_token, base_url=wider.api_url)
            await writer.chat_postMessage(channel="elsewhere", text="x")
            assert len(wider.messages(elsewhere)) == 1
        outside.is_archived = True
        assert await error_of(client.chat_postMessage(channel=outside.id, text="x")) == "is_archived"

    async def test_a_message_goes_to_a_channel_by_name_or_to_a_person(
        self, slack: StrictSlack, client: AsyncWebClient
    ) -> None:
        await client.chat_postMessage(channel="general", text="by name")
        await client.chat_postMessage(channel="#general", text="with a hash")
        direct = await client.chat_postMessage(channel="U0ANA", text="direct")
        assert [m.text for m in slack.messages(slack.general)] == ["by name", "with a hash"]
        assert slack.world.channels[direct["channel"]].members == ["U0BOT", "U0ANA"]
        assert await error_of(client.conversations_info(channel="general")) == "channel_not_found"

    async def test_only_own_and_existing_messages_change(self, slack: StrictSlack, client: AsyncWebClient) -> None:
        general = slack.general.id
        await slack.ana.say(slack.general, "Mine")
        theirs = slack.messages(slack.general)[0]
        assert await error_of(client.chat_update(channel=general, ts=theirs.ts, text="x")) == "cant_update_message"
        assert await error_of(client.chat_delete(channel=general, ts=theirs.ts)) == "cant_delete_message"
        assert await error_of(client.chat_update(channel=general, ts="1.1", text="x")) == "message_not_found"
        own = await client.chat_postMessage(channel=general, text="x")
        await client.chat_delete(channel=general, ts=own["ts"])
        assert await error_of(client.chat_delete(channel=general, ts=own["ts"])) == "message_not_found"

    async def test_an_ephemeral_message_is_for_one_person_in_the_channel(
        self, slack: StrictSlack, client: AsyncWebClient
    ) -> None:
        general = slack.general.id
        sent = await client.chat_postEphemeral(channel=general, user="U0ANA", text="x")
        assert len(slack.messages(general, visible_to=slack.ana)) == 1
        assert slack.messages(general, visible_to=slack.ben) == []
        update = client.chat_update(channel=general, ts=sent["message_ts"], text="y")
        assert await error_of(update) == "message_not_found"
        slack.general.members.remove("U0BEN")
        assert (
            await error_of(client.chat_postEphemeral(channel=general, user="U0BEN", text="x")) == "user_not_in_channel"
        )

    async def test_pins_links_and_bookmarks(self, slack: StrictSlack, client: AsyncWebClient) -> None:
        general = slack.general.id
        ts = (await client.chat_postMessage(channel=general, text="x"))["ts"]
        await client.pins_add(channel=general, timestamp=ts)
        assert await error_of(client.pins_add(channel=general, timestamp=ts)) == "already_pinned"
        assert ts.replace(".", "") in (await client.chat_getPermalink(channel=general, message_ts=ts))["permalink"]
        await client.bookmarks_add(channel_id=general, title="Page", type="link", link="https://x.test")
        wrong = client.bookmarks_add(channel_id=general, title="Page", type="link", link="nowhere")
        assert await error_of(wrong) == "invalid_link"
        await slack.ana.react(slack.messages(general)[0], "pushpin")
        reactions = await client.reactions_get(channel=general, timestamp=ts)
        assert reactions["message"]["reactions"][0]["users"] == ["U0ANA"]


class TestChannels:
    @pytest.mark.parametrize(
        ("name", "error"),
        [
            ("Inc-7", "invalid_name_specials"),
            ("inc 7", "invalid_name_specials"),
            ("ünc", "invalid_name_specials"),
            ("---", "invalid_name_punctuation"),
            ("x" * 81, "invalid_name_maxlength"),
            ("general", "name_taken"),
        ],
    )
    async def test_bad_names(self, client: AsyncWebClient, name: str, error: str) -> None:
        assert await error_of(client.conversations_create(name=name)) == error

    async def test_a_channel_from_its_creation_to_its_archive(self, slack: StrictSlack, client: AsyncWebClient) -> None:
        channel = (await client.conversations_create(name="inc-7"))["channel"]["id"]
        await client.conversations_setTopic(channel=channel, topic="x" * 250)
        assert await error_of(client.conversations_setTopic(channel=channel, topic="x" * 251)) == "too_long"
        await client.conversations_setPurpose(channel=channel, purpose="Why")
        await client.conversations_invite(channel=channel, users=["U0ANA"])
        assert await error_of(client.conversations_invite(channel=channel, users="U0ANA")) == "already_in_channel"
        assert await error_of(client.conversations_invite(channel=channel, users="U0BOT")) == "cant_invite_self"
        forced = await client.conversations_invite(channel=channel, users="U_NOBODY,U0BEN", force=True)
        assert forced["errors"][0]["error"] == "user_not_found"
        assert (await client.conversations_members(channel=channel))["members"] == ["U0BOT", "U0ANA", "U0BEN"]
        await client.conversations_archive(channel=channel)
        assert await error_of(client.conversations_setTopic(channel=channel, topic="x")) == "is_archived"
        found = slack.channel_named("inc-")
        assert found is not None
        assert (found.purpose, found.is_archived) == ("Why", True)

    async def test_lists_and_histories_come_in_pages(self, slack: StrictSlack, client: AsyncWebClient) -> None:
        for number in range(5):
            await client.chat_postMessage(channel=slack.general.id, text=str(number))
            slack.world.add_channel(f"c-{number}", creator="U0ANA")
        seen = []
        async for page in await client.conversations_history(channel=slack.general.id, limit=2):
            assert len(page["messages"]) <= 2
            seen += [message["text"] for message in page["messages"]]
        assert seen == ["4", "3", "2", "1", "0"]
        names = []
        async for page in await client.conversations_list(limit=4):
            names += [channel["name"] for channel in page["channels"]]
        assert len(names) == 6
        assert await error_of(client.conversations_list(cursor="nonsense")) == "invalid_cursor"

    async def test_replies_stay_in_their_thread(self, slack: StrictSlack, client: AsyncWebClient) -> None:
        general = slack.general.id
        root = (await client.chat_postMessage(channel=general, text="root"))["ts"]
        await client.chat_postMessage(channel=general, text="reply", thread_ts=root)
        replies = await client.conversations_replies(channel=general, ts=root)
        history = await client.conversations_history(channel=general)
        assert [m["text"] for m in replies["messages"]] == ["root", "reply"]
        assert [m["text"] for m in history["messages"]] == ["root"]


class TestViews:
    async def test_a_trigger_lives_three_seconds_and_opens_once(
        self, slack: StrictSlack, client: AsyncWebClient
    ) -> None:
        used, late = slack.triggers.issue("U0ANA"), slack.triggers.issue("U0ANA")
        await client.views_open(trigger_id=used, view=ticket_view())
        again = client.views_open(trigger_id=used, view=ticket_view())
        assert await error_of(again) == "exchanged_trigger_id"
        slack.clock.advance(3.5)
        assert await error_of(client.views_open(trigger_id=late, view=ticket_view())) == "expired_trigger_id"
        assert await error_of(client.views_open(trigger_id="1.2", view=ticket_view())) == "invalid_trigger_id"

    async def test_a_hash_that_is_not_the_last_conflicts(self, slack: StrictSlack, client: AsyncWebClient) -> None:
        opened = await client.views_open(trigger_id=slack.triggers.issue("U0ANA"), view=ticket_view())
        view = opened["view"]
        await client.views_update(view_id=view["id"], hash=view["hash"], view=ticket_view("Second"))
        late = client.views_update(view_id=view["id"], hash=view["hash"], view=ticket_view("Third"))
        assert await error_of(late) == "hash_conflict"
        assert slack.ana.view is not None
        assert slack.ana.view.title == "Second"
        await slack.ana.close()
        closed = client.views_update(view_id=view["id"], view=ticket_view("Fourth"))
        assert await error_of(closed) == "not_found"

    async def test_two_pushes_and_no_third(self, slack: StrictSlack, client: AsyncWebClient) -> None:
        def trigger() -> str:
            return slack.triggers.issue("U0ANA")

        await client.views_open(trigger_id=trigger(), view=ticket_view())
        await client.views_push(trigger_id=trigger(), view=ticket_view("Second"))
        await client.views_push(trigger_id=trigger(), view=ticket_view("Third"))
        fourth = client.views_push(trigger_id=trigger(), view=ticket_view("Fourth"))
        assert await error_of(fourth) == "push_limit_reached"

    async def test_a_view_beyond_the_limits_leaves_the_trigger_usable(
        self, slack: StrictSlack, client: AsyncWebClient
    ) -> None:
        trigger = slack.triggers.issue("U0ANA")
        body = await refusal(client.views_open(trigger_id=trigger, view=ticket_view("x" * 25)))
        assert body["error"] == "invalid_arguments"
        assert "/view/title" in body["response_metadata"]["messages"][0]
        await client.views_open(trigger_id=trigger, view=ticket_view())

    async def test_app_home_is_published(self, slack: StrictSlack, client: AsyncWebClient) -> None:
        await client.views_publish(user_id="U0ANA", view={"type": "home", "blocks": card()})
        assert slack.ana.home is not None
        wrong = client.views_publish(user_id="U0ANA", view=ticket_view())
        assert await error_of(wrong) == "invalid_arguments"


class TestFilesAndResponseUrls:
    async def test_a_file_goes_up_and_appears_in_the_channel(self, slack: StrictSlack, client: AsyncWebClient) -> None:
        sent = await client.files_upload_v2(
            channel=slack.general.id, content="# Postmortem", filename="pm.md", title="PM", initial_comment="Draft"
        )
        upload = slack.world.uploads[sent["files"][0]["id"]]
        assert upload.content == b"# Postmortem"
        message = slack.messages(slack.general)[-1]
        assert (message.text, message.files[0]["title"]) == ("Draft", "PM")
        never = client.files_completeUploadExternal(files=[{"id": "F404"}], channel_id=slack.general.id)
        assert await error_of(never) == "file_not_found"

    async def test_a_response_url_works_five_times_in_thirty_minutes(
        self, slack: StrictSlack, client: AsyncWebClient
    ) -> None:
        posted = await client.chat_postMessage(channel=slack.general.id, text="x", blocks=card())
        message = slack.general.messages[posted["ts"]]
        url = slack.urls.issue(slack.general.id, "U0ANA", message)
        hook = AsyncWebhookClient(url)
        assert (await hook.send(text="Only you")).body == "ok"
        assert slack.ephemerals(slack.ana)[0].text == "Only you"
        await hook.send(text="Changed", replace_original=True)
        assert message.text == "Changed"
        await hook.send(text="All", response_type="in_channel")
        await hook.send(delete_original=True)
        assert message.deleted
        assert (await hook.send(text="Fifth")).status_code == 200
        assert (await hook.send(text="Sixth")).status_code == 404
        late = AsyncWebhookClient(slack.urls.issue(slack.general.id, "U0ANA"))
        slack.clock.advance(31 * 60)
        assert (await late.send(text="Late")).status_code == 404
