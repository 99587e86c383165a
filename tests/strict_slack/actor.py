"""A person using Slack: commands, clicks, dialogs, reactions, messages."""

import asyncio
from collections.abc import Callable
from typing import Any

from tests.strict_slack import elements, payloads
from tests.strict_slack.delivery import Delivery, Kind
from tests.strict_slack.dialogs import Dialogs
from tests.strict_slack.forms import first_answer, state_values, stateful_elements
from tests.strict_slack.refusal import BadAck, CannotDo, Refused
from tests.strict_slack.shapes import Json
from tests.strict_slack.views import OpenView
from tests.strict_slack.waiting import until
from tests.strict_slack.workspace import Workspace
from tests.strict_slack.world import Channel, Message, Person

Where = Channel | str


class Actor:
    """One person; what Slack's client would not let them do raises `CannotDo` and sends nothing."""

    def __init__(self, workspace: Workspace, person: Person) -> None:
        self._workspace = workspace
        self.person = person
        self.dialogs = Dialogs(workspace, person)

    @property
    def id(self) -> str:
        return self.person.id

    @property
    def name(self) -> str:
        return self.person.name

    @property
    def view(self) -> OpenView | None:
        """The modal on top of the screen now."""
        return self.dialogs.top

    @property
    def home(self) -> OpenView | None:
        return self._workspace.views.homes.get(self.id)

    async def wait_for_view(
        self,
        predicate: Callable[[OpenView], bool] = lambda _: True,
        timeout: float = 20.0,  # noqa: ASYNC109 - the harness's bound
    ) -> OpenView:
        """The view on top once `predicate` holds for it."""
        await until(
            lambda: self.view is not None and predicate(self.view),
            timeout,
            lambda: f"no such view for {self.name}; on screen: {self.view and self.view.body}",
        )
        return self.dialogs.current()

    def _channel(self, where: Where, *, member: bool) -> Channel:
        channel = self._workspace.world.channels[where] if isinstance(where, str) else where
        if self.id not in channel.members and (member or channel.kind != "public"):
            raise CannotDo(f"{self.name} is not in #{channel.name}.")
        return channel

    def join(self, where: Where) -> None:
        """Join a public channel, quietly."""
        channel = self._channel(where, member=False)
        if self.id not in channel.members:
            channel.members.append(self.id)

    async def command(
        self, word: str, text: str = "", *, channel: Where | None = None, must_ack: bool = True
    ) -> Delivery:
        """Type a slash command (in #general unless told); an answer in the ack is posted, ephemeral unless in_channel.

        Raises:
            CannotDo: the person is not in the channel.
            NotAcknowledged: no ack in 3 s, unless `must_ack` is False.
            BadAck: the ack's body is not a message.
        """
        place = self._channel(channel or next(iter(self._workspace.world.channels)), member=True)
        extra = self._workspace.surface_ids(self.person)
        extra["response_url"] = self._workspace.urls.issue(place.id, self.id)
        payload = payloads.command(self.person, place, word, text, **extra)
        delivery = await self._workspace.interact(Kind.COMMAND, payload, must_ack=must_ack)
        if delivery.acked and delivery.body:
            self._reply(place, delivery.body)
        return delivery

    def _reply(self, place: Channel, body: Any) -> None:
        try:
            self._workspace.urls.post(place.id, self.id, {"text": body} if isinstance(body, str) else body)
        except Refused as refused:
            raise BadAck(f"The answer to a command: {refused.body()}") from refused

    async def click(
        self,
        message: Message,
        action_id: str,
        value: Any = None,
        *,
        block_id: str | None = None,
        must_ack: bool = True,
    ) -> Delivery:
        """Press a button, or choose `value` in an overflow menu or select, in a message as it stands now.

        Raises:
            CannotDo: the message is gone or not for this person, or has no such element or option.
        """
        payload = self._click_payload(message, action_id, value, block_id)
        return await self._workspace.interact(Kind.INTERACTIVE, payload, must_ack=must_ack)

    async def double_click(self, message: Message, action_id: str, value: Any = None) -> list[Delivery]:
        """Two clicks at once: two payloads with their own trigger and action_ts."""
        both = [self._click_payload(message, action_id, value, None) for _ in range(2)]
        sending = [self._workspace.interact(Kind.INTERACTIVE, each, must_ack=True) for each in both]
        return list(await asyncio.gather(*sending))

    def _click_payload(self, message: Message, action_id: str, value: Any, block_id: str | None) -> Json:
        channel = self._channel(message.channel, member=False)
        if message.deleted or message.visible_only_to not in (None, self.id):
            raise CannotDo(f"{self.name} cannot see this message.")
        block, element = elements.find(message.blocks, action_id, value=value, block_id=block_id)
        answer = elements.clicked(element, value)
        held = stateful_elements(message.blocks)
        answers = {place: first_answer(each) for place, (_, each) in held.items()}
        if (block, action_id) in held:
            answers[block, action_id] = next(iter(answer.values()))
        world = self._workspace.world
        return payloads.interaction(
            "block_actions",
            self.person,
            **payloads.message_surface(channel, message),
            **self._workspace.surface_ids(self.person),
            response_url=self._workspace.urls.issue(channel.id, self.id, message),
            actions=[payloads.action(element, block, answer, world.next_moment())],
            state={"values": state_values(message.blocks, answers)},
        )

    def fill(self, answers: Json, view: OpenView | None = None) -> OpenView:
        """Type into the view on top without submitting."""
        return self.dialogs.fill(answers, view)

    async def submit(
        self, view: OpenView | None = None, answers: Json | None = None, *, must_ack: bool = True
    ) -> Delivery:
        """Fill in and submit; see `Dialogs.submit` for what it raises. After errors, `view.errors` has them."""
        return await self.dialogs.submit(answers or {}, view, must_ack=must_ack)

    async def close(self, view: OpenView | None = None, *, all_views: bool = False) -> Delivery | None:
        return await self.dialogs.close(view, all_views=all_views)

    async def click_in_view(
        self, action_id: str, value: Any = None, *, view: OpenView | None = None, block_id: str | None = None
    ) -> Delivery:
        return await self.dialogs.click(action_id, value, view=view, block_id=block_id)

    async def shortcut(self, callback_id: str) -> Delivery:
        payload = payloads.interaction("shortcut", self.person, callback_id=callback_id)
        payload |= self._workspace.surface_ids(self.person) | {"action_ts": self._workspace.world.next_moment()}
        return await self._workspace.interact(Kind.INTERACTIVE, payload, must_ack=True)

    async def message_shortcut(self, message: Message, callback_id: str) -> Delivery:
        channel = self._channel(message.channel, member=False)
        payload = payloads.interaction("message_action", self.person, callback_id=callback_id)
        payload |= self._workspace.surface_ids(self.person) | payloads.message_surface(channel, message)
        payload |= {"action_ts": self._workspace.world.next_moment(), "message_ts": message.ts}
        payload["response_url"] = self._workspace.urls.issue(channel.id, self.id, message)
        return await self._workspace.interact(Kind.INTERACTIVE, payload, must_ack=True)

    async def say(self, where: Where, text: str, *, thread: Message | None = None) -> Delivery:
        """Write a message; the app gets the message event if it may see it (and app_mention when it is named)."""
        channel = self._channel(where, member=True)
        world = self._workspace.world
        message = world.post(Message(channel.id, world.next_moment(), self.id, text))
        message.thread_ts = thread.ts if thread else None
        kinds = {"public": "channel", "private": "group", "im": "im"}
        body = {**message.as_json(), "channel": channel.id, "channel_type": kinds[channel.kind], "event_ts": message.ts}
        body.pop("blocks")
        return await self._workspace.tell(body, channel)

    async def react(self, message: Message, name: str, *, remove: bool = False) -> Delivery:
        """Add (or remove) an emoji reaction; the app gets the event if it may see it."""
        channel = self._channel(message.channel, member=True)
        people = message.reactions.setdefault(name, [])
        if (self.id in people) != remove:
            raise CannotDo(f"{self.name} has {'not ' if remove else ''}reacted with {name}.")
        people.remove(self.id) if remove else people.append(self.id)
        item = {"type": "message", "channel": channel.id, "ts": message.ts}
        kind = "reaction_removed" if remove else "reaction_added"
        body = {"type": kind, "user": self.id, "reaction": name, "item": item, "item_user": message.user}
        return await self._workspace.tell({**body, "event_ts": self._workspace.world.next_moment()}, channel)

    async def open_home(self) -> Delivery:
        channel = self._workspace.world.direct_channel(self.id)
        body: Json = {"type": "app_home_opened", "user": self.id, "channel": channel.id, "tab": "home"}
        if self.home:
            body["view"] = self.home.as_json()
        return await self._workspace.tell(body)
