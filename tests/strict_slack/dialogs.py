"""What a person does with an open view: fill in, submit, close, click inside."""

from typing import Any

from tests.strict_slack import elements, payloads
from tests.strict_slack.delivery import Delivery, Kind, NotAcknowledged
from tests.strict_slack.forms import missing_answers, state_values, stateful_elements
from tests.strict_slack.refusal import BadAck, CannotDo, Refused
from tests.strict_slack.shapes import Json
from tests.strict_slack.views import OpenView
from tests.strict_slack.workspace import Workspace
from tests.strict_slack.world import Person

TROUBLE = "We had some trouble connecting. Try again?"


class Dialogs:
    """One person's stack of modals, and their App Home."""

    def __init__(self, workspace: Workspace, person: Person) -> None:
        self._workspace = workspace
        self._person = person

    @property
    def top(self) -> OpenView | None:
        return self._workspace.views.top(self._person.id)

    def current(self, view: OpenView | None = None) -> OpenView:
        """The view on top, which `view` must be when given."""
        top = self.top
        if top is None or (view is not None and view is not top):
            raise CannotDo("This view is not on top of the screen." if view else "No view is open.")
        return top

    def fill(self, answers: Json, view: OpenView | None = None) -> OpenView:
        current = self.current(view)
        current.answers |= elements.place_answers(current.blocks, answers)
        return current

    async def submit(self, answers: Json, view: OpenView | None = None, *, must_ack: bool = True) -> Delivery:
        """Fill in and press the submit button; then do what the app's `response_action` says.

        Raises:
            CannotDo: no such view, input or option, no submit button, or a required input is empty. Nothing is sent.
            NotAcknowledged: the view stays open and shows Slack's own error.
            BadAck: the app's response_action is malformed.
        """
        current = self.fill(answers, view)
        if not current.body.get("submit"):
            raise CannotDo(f"The view {current.title!r} has no submit button.")
        if current.body.get("submit_disabled"):
            raise CannotDo(f"The submit button of {current.title!r} is disabled.")
        if empty := missing_answers(current.blocks, current.answers):
            raise CannotDo(f"Please complete the required fields: {', '.join(empty)}.")
        payload = self._payload("view_submission", current) | {"response_urls": []}
        payload |= self._workspace.surface_ids(self._person)
        current.errors = {}
        try:
            delivery = await self._workspace.interact(Kind.INTERACTIVE, payload, must_ack=True)
        except NotAcknowledged as unheard:
            current.errors = {"": TROUBLE}
            if must_ack:
                raise
            return unheard.delivery
        self._apply(current, delivery.body)
        return delivery

    def _payload(self, kind: str, view: OpenView, **extra: Any) -> Json:
        return payloads.interaction(kind, self._person, view=view.as_json(), **extra)

    def _apply(self, view: OpenView, body: Any) -> None:
        views = self._workspace.views
        if not body:
            if view is self.top:
                views.close_top(self._person.id)
            return
        if not isinstance(body, dict) or body.get("response_action") not in {"errors", "update", "push", "clear"}:
            raise BadAck(f"A view submission was answered with {body!r}.")
        try:
            self._act(body["response_action"], view, body)
        except Refused as refused:
            raise BadAck(f"response_action {body['response_action']}: {refused.body()}") from refused

    def _act(self, action: str, view: OpenView, body: Json) -> None:
        views = self._workspace.views
        if action == "errors":
            view.errors = _errors(view, body.get("errors"))
        elif action == "update":
            views.update(view, body.get("view"))
        elif action == "push":
            views.push(self._person.id, body.get("view"))
        else:
            views.clear(self._person.id)

    async def close(self, view: OpenView | None = None, *, all_views: bool = False) -> Delivery | None:
        """Press Cancel (or the corner X with `all_views`); the app hears of it only with notify_on_close."""
        current = self.current(view)
        payload = self._payload("view_closed", current, is_cleared=all_views)
        if all_views or current.body.get("clear_on_close"):
            payload["is_cleared"] = True
            self._workspace.views.clear(self._person.id)
        else:
            self._workspace.views.close_top(self._person.id)
        if not current.body.get("notify_on_close"):
            return None
        return await self._workspace.interact(Kind.INTERACTIVE, payload, must_ack=True)

    async def click(
        self, action_id: str, value: Any = None, *, view: OpenView | None = None, block_id: str | None = None
    ) -> Delivery:
        """Click or choose something inside a modal, or inside App Home when `view` is that.

        Raises:
            CannotDo: nothing like it here, or an input that does not dispatch (the choice is only kept).
        """
        current = view if view is not None and view.body["type"] == "home" else self.current(view)
        block, element = elements.find(current.blocks, action_id, value=value, block_id=block_id)
        answer = elements.clicked(element, value)
        if (block, action_id) in stateful_elements(current.blocks):
            holder = stateful_elements(current.blocks)[block, action_id][0]
            current.answers[block, action_id] = next(iter(answer.values()))
            if holder["type"] == "input" and not holder.get("dispatch_action"):
                raise CannotDo(f"{action_id} does not dispatch: use fill() or submit().")
        at = self._workspace.world.next_moment()
        extra: Json = {
            "container": {"type": "view", "view_id": current.id},
            "actions": [payloads.action(element, block, answer, at)],
            "state": {"values": state_values(current.blocks, current.answers)},
        }
        payload = self._payload("block_actions", current, **extra) | self._workspace.surface_ids(self._person)
        return await self._workspace.interact(Kind.INTERACTIVE, payload, must_ack=True)


def _errors(view: OpenView, errors: Any) -> dict[str, str]:
    inputs = {block["block_id"] for block in view.blocks if block["type"] == "input"}
    if not isinstance(errors, dict) or not errors:
        raise BadAck("response_action errors needs an `errors` object.")
    if strangers := set(errors) - inputs:
        raise BadAck(f"errors name blocks that are no inputs of the view: {', '.join(sorted(strangers))}.")
    if wrong := [name for name, text in errors.items() if not isinstance(text, str) or not text]:
        raise BadAck(f"errors must be texts: {', '.join(wrong)}.")
    return dict(errors)
