"""Open views, their stacks, and the triggers that allow opening them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.strict_slack.forms import Place, first_answer, state_values, stateful_elements
from tests.strict_slack.limits import view_problems
from tests.strict_slack.reading import action_ids, all_text
from tests.strict_slack.refusal import Refused, invalid
from tests.strict_slack.shapes import Json
from tests.strict_slack.world import APP_ID, BOT_ID, TEAM_ID, World

TRIGGER_SECONDS = 3.0
DEEPEST_STACK = 3


@dataclass(slots=True)
class OpenView:
    """A view as one person sees it; `answers` survive an update where block_id and action_id stay."""

    id: str
    user: str
    body: Json
    hash: str
    root_id: str
    previous_id: str | None = None
    answers: dict[Place, Any] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    is_open: bool = True
    updates: int = 0

    @property
    def blocks(self) -> list[Json]:
        blocks: list[Json] = self.body["blocks"]
        return blocks

    @property
    def title(self) -> str:
        return str(self.body.get("title", {}).get("text", ""))

    @property
    def callback_id(self) -> str:
        return str(self.body.get("callback_id", ""))

    @property
    def shown(self) -> str:
        """All its words as read on screen, title first."""
        return "\n".join([self.title, all_text(self.blocks)])

    @property
    def action_ids(self) -> list[str]:
        return action_ids(self.blocks)

    def show(self, body: Json, hash_: str) -> None:
        """Replace what is shown; an element that was there keeps its answer, a new one starts with its own."""
        self.body, self.hash, self.errors = body, hash_, {}
        self.answers = {
            place: self.answers[place] if place in self.answers else first_answer(element)
            for place, (_, element) in stateful_elements(body["blocks"]).items()
        }

    def as_json(self) -> Json:
        empty: Json = {"private_metadata": "", "callback_id": "", "external_id": "", "title": None, "close": None}
        flags: Json = {"submit": None, "clear_on_close": False, "notify_on_close": False}
        return {
            **empty,
            **flags,
            **self.body,
            "id": self.id,
            "team_id": TEAM_ID,
            "app_id": APP_ID,
            "app_installed_team_id": TEAM_ID,
            "bot_id": BOT_ID,
            "hash": self.hash,
            "root_view_id": self.root_id,
            "previous_view_id": self.previous_id,
            "state": {"values": state_values(self.blocks, self.answers)},
        }


class Triggers:
    """Trigger ids: 3 seconds, one use."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._issued: dict[str, tuple[str, float]] = {}
        self._used: set[str] = set()

    def issue(self, user: str) -> str:
        trigger = f"{self._world.next_id('')}.0.{self._world.next_id('t')}"
        self._issued[trigger] = (user, self._world.clock.now())
        return trigger

    def owner(self, trigger: str) -> str:
        """The person whose interaction this trigger stands for; `spend` it once the call is valid.

        Raises:
            Refused: invalid_trigger_id, exchanged_trigger_id, expired_trigger_id.
        """
        if trigger not in self._issued:
            raise Refused("invalid_trigger_id")
        user, at = self._issued[trigger]
        if trigger in self._used:
            raise Refused("exchanged_trigger_id")
        if self._world.clock.now() - at > TRIGGER_SECONDS:
            raise Refused("expired_trigger_id")
        return user

    def spend(self, trigger: str) -> None:
        self._used.add(trigger)


class Views:
    """All views ever opened, and the stack each person has open now."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.known: dict[str, OpenView] = {}
        self.stacks: dict[str, list[OpenView]] = {}
        self.homes: dict[str, OpenView] = {}
        self.accepted: list[Json] = []

    def top(self, user: str) -> OpenView | None:
        stack = self.stacks.get(user)
        return stack[-1] if stack else None

    def open(self, user: str, body: object) -> OpenView:
        checked = self._checked(body, "modal")
        self.clear(user)
        return self._add(user, checked, [])

    def push(self, user: str, body: object) -> OpenView:
        stack = self.stacks.get(user, [])
        checked = self._checked(body, "modal")
        if not stack:
            raise Refused("not_found")
        if len(stack) >= DEEPEST_STACK:
            raise Refused("push_limit_reached")
        return self._add(user, checked, stack)

    def update(self, view: OpenView, body: object, expected_hash: str | None = None) -> OpenView:
        if expected_hash is not None and expected_hash != view.hash:
            raise Refused("hash_conflict")
        view.show(self._checked(body, view.body["type"], renewing=view), self._hash())
        view.updates += 1
        return view

    def publish(self, user: str, body: object, expected_hash: str | None) -> OpenView:
        home = self.homes.get(user)
        if home is not None:
            return self.update(home, body, expected_hash)
        checked = self._checked(body, "home")
        self.homes[user] = self._make(user, checked, None)
        return self.homes[user]

    def find(self, view_id: str = "", external_id: str = "") -> OpenView:
        """The open view with this id or external id; a closed one is not found, as in Slack."""
        for view in self.known.values():
            if view.is_open and (view.id == view_id or (external_id and view.body.get("external_id") == external_id)):
                return view
        raise Refused("not_found")

    def close_top(self, user: str) -> OpenView:
        view = self.stacks[user].pop()
        view.is_open = False
        return view

    def clear(self, user: str) -> None:
        while self.stacks.get(user):
            self.close_top(user)

    def _checked(self, body: object, kind: str, renewing: OpenView | None = None) -> Json:
        problems = view_problems(body)
        if problems or not isinstance(body, Mapping):
            raise invalid("invalid_arguments", problems)
        if body["type"] != kind:
            raise invalid("invalid_arguments", [f"/view/type: must be {kind} here"])
        external = body.get("external_id")
        if external and any(
            v.is_open and v is not renewing and v.body.get("external_id") == external for v in self.known.values()
        ):
            raise Refused("duplicate_external_id")
        self.accepted.append(dict(body))
        return {**body, "blocks": self._world.name_blocks(body["blocks"])}

    def _add(self, user: str, body: Json, below: list[OpenView]) -> OpenView:
        view = self._make(user, body, below[-1] if below else None)
        self.stacks[user] = [*below, view]
        return view

    def _make(self, user: str, body: Json, previous: OpenView | None) -> OpenView:
        number = self._world.next_id("V")
        root = previous.root_id if previous else number
        view = OpenView(number, user, body, "", root, previous.id if previous else None)
        view.show(body, self._hash())
        self.known[view.id] = view
        return view

    def _hash(self) -> str:
        return f"{int(self._world.clock.now())}.{self._world.next_id('h')}"
