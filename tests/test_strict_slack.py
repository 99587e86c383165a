"""The strict Slack against the real SDK and a real Bolt app, in both delivery modes."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.strict_slack import BadAck, CannotDo, NotAcknowledged, StrictSlack
from tests.strict_slack.example_app import ExampleApp, card, ticket_view
from tests.strict_slack.limits import primary_count


@pytest.fixture
async def slack() -> AsyncIterator[StrictSlack]:
    async with StrictSlack() as strict:
        yield strict


@pytest.fixture(params=["socket", "http"])
async def app(request: pytest.FixtureRequest, slack: StrictSlack) -> AsyncIterator[ExampleApp]:
    example = ExampleApp(slack)
    running = example.over_socket_mode() if request.param == "socket" else example.over_http()
    async with running:
        yield example


class TestAWorkingApp:
    async def test_a_command_opens_a_dialog_and_its_answers_arrive(self, slack: StrictSlack, app: ExampleApp) -> None:
        delivery = await slack.ana.command("/ticket", "open")
        view = await slack.ana.wait_for_view(lambda v: v.callback_id == "ticket")
        submitted = await slack.ana.submit(view, {"what": {"text": "It rains"}, "mark": ["calm"]})

        assert delivery.acked
        assert submitted.acked
        assert submitted.seconds < 3
        assert slack.ana.view is None
        values = app.heard[-1]["view"]["state"]["values"]
        assert values["what"]["text"] == {"type": "plain_text_input", "value": "It rains"}
        assert values["mood"]["mood_choice"]["selected_option"]["value"] == "calm"
        assert [option["value"] for option in values["marks"]["mark"]["selected_options"]] == ["calm"]

    async def test_errors_stay_on_the_dialog(self, slack: StrictSlack, app: ExampleApp) -> None:
        await slack.ana.command("/ticket", "open")
        app.ack_with = {"response_action": "errors", "errors": {"what": "Say more."}}
        view = await slack.ana.wait_for_view()
        await slack.ana.submit(view, {"text": "x"})
        assert slack.ana.view is view
        assert view.errors == {"what": "Say more."}

    async def test_update_push_and_clear_move_the_stack(self, slack: StrictSlack, app: ExampleApp) -> None:
        await slack.ana.command("/ticket", "open")
        first = await slack.ana.wait_for_view()
        app.ack_with = {"response_action": "push", "view": ticket_view("Second")}
        await slack.ana.submit(first, {"text": "x"})
        second = slack.ana.view
        assert second is not None
        assert (second.title, second.previous_id, second.root_id) == ("Second", first.id, first.id)
        app.ack_with = {"response_action": "update", "view": ticket_view("Third")}
        await slack.ana.submit(second, {"text": "y"})
        assert slack.ana.view is second
        assert second.title == "Third"
        app.ack_with = {"response_action": "clear"}
        await slack.ana.submit(second, {"text": "z"})
        assert slack.ana.view is None

    async def test_errors_on_a_block_that_is_no_input_are_a_bad_ack(self, slack: StrictSlack, app: ExampleApp) -> None:
        await slack.ana.command("/ticket", "open")
        app.ack_with = {"response_action": "errors", "errors": {"nowhere": "Say more."}}
        with pytest.raises(BadAck, match="nowhere"):
            await slack.ana.submit(await slack.ana.wait_for_view(), {"text": "x"})

    async def test_a_command_answered_in_the_ack_is_seen_only_by_who_typed_it(
        self, slack: StrictSlack, app: ExampleApp
    ) -> None:
        app.ack_with = "Only for you"
        await slack.ana.command("/ticket")
        assert [m.text for m in slack.ephemerals(slack.ana)] == ["Only for you"]
        assert slack.ephemerals(slack.ben) == []
        assert slack.messages(slack.general) == []

    async def test_buttons_menus_and_selects_arrive_in_slacks_shape(self, slack: StrictSlack, app: ExampleApp) -> None:
        posted = await app.client.chat_postMessage(channel=slack.general.id, text="A ticket", blocks=card())
        message = slack.general.messages[posted["ts"]]
        await slack.ana.click(message, "take")
        await slack.ben.click(message, "more", "worried")
        await slack.ben.click(message, "feel", "alarmed")

        take, more, feel = app.heard
        assert take["actions"][0]["value"] == "7"
        assert take["container"]["message_ts"] == message.ts
        assert take["message"]["blocks"][0]["block_id"] == "head"
        assert more["actions"][0]["selected_option"]["value"] == "worried"
        assert feel["state"]["values"]["doing"]["feel"]["selected_option"]["value"] == "alarmed"

    async def test_a_double_click_is_two_payloads_and_a_redelivery_is_the_same_one(
        self, slack: StrictSlack, app: ExampleApp
    ) -> None:
        posted = await app.client.chat_postMessage(channel=slack.general.id, text="A ticket", blocks=card())
        first, second = await slack.ana.double_click(slack.general.messages[posted["ts"]], "take")
        again = await slack.redeliver(first)
        stamps = [body["actions"][0]["action_ts"] for body in app.heard]
        assert again.acked
        assert len(stamps) == 3
        assert len(set(stamps)) == 2
        assert first.payload["trigger_id"] != second.payload["trigger_id"]

    async def test_events_reach_the_app_where_its_scopes_and_membership_allow(
        self, slack: StrictSlack, app: ExampleApp
    ) -> None:
        said = await slack.ana.say(slack.general, "Look at this")
        message = slack.messages(slack.general)[-1]
        pinned = await slack.ben.react(message, "pushpin")
        assert said.acked
        assert pinned.acked
        assert app.heard[-1]["event"]["item"] == {"type": "message", "channel": slack.general.id, "ts": message.ts}

        elsewhere = slack.world.add_channel("elsewhere", creator="U0ANA")
        unseen = await slack.ana.say(elsewhere, "Not for the bot")
        assert not unseen.acked
        assert unseen.attempts == 0

    @pytest.mark.usefixtures("app")
    async def test_an_unhandled_event_is_retried_three_times(self, slack: StrictSlack) -> None:
        slack.courier.ack_seconds = 0.2
        delivery = await slack.ana.open_home()
        assert not delivery.acked
        assert delivery.attempts == 4

    async def test_a_slow_ack_is_no_ack(self, slack: StrictSlack, app: ExampleApp) -> None:
        slack.courier.ack_seconds, app.slow_by = 0.05, 0.2
        with pytest.raises(NotAcknowledged, match="timeout"):
            await slack.ana.command("/ticket")
        delivery = await slack.ana.command("/ticket", must_ack=False)
        assert not delivery.acked

    async def test_closing_is_told_only_when_asked_for(self, slack: StrictSlack, app: ExampleApp) -> None:
        await slack.ana.command("/ticket", "open")
        view = await slack.ana.wait_for_view()
        assert await slack.ana.close(view) is None
        trigger = slack.triggers.issue(slack.ana.id)
        await app.client.views_open(trigger_id=trigger, view=ticket_view(notify_on_close=True))
        told = await slack.ana.close()
        assert told is not None
        assert app.heard[-1]["type"] == "view_closed"


class TestWhatSlacksClientForbids:
    @pytest.fixture
    async def view(self, slack: StrictSlack) -> Any:
        app = ExampleApp(slack)
        await app.client.views_open(trigger_id=slack.triggers.issue("U0ANA"), view=ticket_view())
        return slack.ana.view

    async def test_a_required_input_left_empty_sends_nothing(self, slack: StrictSlack, view: Any) -> None:
        with pytest.raises(CannotDo, match="what"):
            await slack.ana.submit(view)
        assert slack.courier.deliveries == []

    @pytest.mark.parametrize("answers", [{"text": "x" * 101}, {"mood": "furious"}, {"nothing": "x"}, {"text": "a\nb"}])
    async def test_answers_the_form_does_not_take(self, slack: StrictSlack, view: Any, answers: Any) -> None:
        with pytest.raises(CannotDo):
            await slack.ana.submit(view, answers)

    async def test_a_view_that_is_not_on_top(self, slack: StrictSlack, view: Any) -> None:
        with pytest.raises(CannotDo, match="top"):
            await slack.ben.submit(view, {"text": "x"})

    async def test_answers_survive_an_update_and_initial_values_then_do_not_count(
        self, slack: StrictSlack, view: Any
    ) -> None:
        slack.ana.fill({"text": "Typed already"})
        changed = ticket_view("Changed")
        changed["blocks"][0]["element"]["initial_value"] = "From the app"
        await ExampleApp(slack).client.views_update(view_id=view.id, hash=view.hash, view=changed)
        assert view.title == "Changed"
        assert view.answers["what", "text"] == "Typed already"

    async def test_a_view_is_read_as_a_person_reads_it(self, slack: StrictSlack, view: Any) -> None:
        assert view.action_ids == ["text", "mood_choice", "mark"]
        assert view.shown.startswith("Open a ticket\n")
        assert "What happens?" in view.shown
        assert [primary_count(payload) for payload in slack.payloads()] == [0]

    async def test_no_click_on_what_is_not_there(self, slack: StrictSlack) -> None:
        client = ExampleApp(slack).client
        posted = await client.chat_postEphemeral(channel=slack.general.id, user="U0ANA", text="x", blocks=card())
        message = slack.ephemerals(slack.ana)[0]
        assert message.ts == posted["message_ts"]
        with pytest.raises(CannotDo, match="see"):
            await slack.ben.click(message, "take")
        with pytest.raises(CannotDo, match="take"):
            await slack.ana.click(message, "missing")
