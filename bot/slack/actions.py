"""Clicked buttons and menus: read what was clicked, call one verb, and answer whoever clicked when it fails."""

import asyncio
import json
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from bot.incident.errors import BadInput, Closed, Conflict, Contraindicated, FirstfiveError
from bot.incident.kinds import LEVERS, MitigationKind
from bot.incident.model import Role
from bot.incident.wishes import value_of
from bot.response.orders import Order
from bot.slack import messages
from bot.slack.classifying import Classifying
from bot.slack.commands import Commands
from bot.slack.desk import Desk, action_of
from bot.slack.dialogs import Dialogs, Step, skeleton
from bot.slack.intake import REPLAYED
from bot.slack.levers import told_who
from bot.slack.people import actor
from bot.slack.requests import Payload, key_of
from bot.slack.views import mitigate, question, undo

APPLY = "apply:"
DEFAULT_MINUTES = 60
EXTENSION_MINUTES = 60
OUT_OF_DATE = "This button is from an earlier version. Type `/incident` for what can be done now."
TOO_OLD = "This click was interrupted by a restart and is too old to be carried out now. Press it again if it is still wanted."
STILL_WANTED = timedelta(minutes=10)
_STEPS = {step.value: step for step in Step}


@dataclass(frozen=True, slots=True)
class Clicked:
    """What a button or menu is about: its value is JSON with the incident's key and, where needed, more."""

    action_id: str
    about: Mapping[str, Any]
    choice: str = ""  # of a menu: the option's value

    @property
    def key(self) -> str:
        """The incident."""
        return str(self.about.get("k", ""))

    @property
    def mitigation(self) -> str:
        """The mitigation's id, where the click is about one."""
        return str(self.about.get("m", ""))


def clicked(payload: Mapping[str, Any]) -> Clicked:
    """The click in a payload."""
    action = action_of(payload)
    action_id = str(action.get("action_id", ""))
    chosen = str((action.get("selected_option") or {}).get("value", ""))
    row = str(action.get("block_id", "")).rpartition(":")[2]  # rows of buttons are called ``card:INC-7``
    choice, _, key = chosen.partition(":")
    about = {"k": key or row, **_json(chosen or str(action.get("value") or ""))}
    return Clicked(action_id, about, choice)


def _json(text: str) -> Mapping[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


@dataclass(frozen=True, slots=True)
class Actions:
    """Answers clicks. The safer direction is one click; the riskier one opens a dialog."""

    desk: Desk
    dialogs: Dialogs
    commands: Commands
    _turns: dict[str, asyncio.Lock] = field(default_factory=dict)

    async def __call__(self, payload: Payload) -> None:
        """One click as Slack sent it."""
        click = clicked(payload)
        try:
            if self._stale(payload):
                await self.desk.answers.tell(payload, TOO_OLD)
            else:
                await self._do(click, payload)
        except FirstfiveError as error:
            await self.desk.answers.tell(payload, str(error))
        self.desk.wake()

    def _stale(self, payload: Payload) -> bool:
        """Left over from before a restart, and too old to be what anybody still wants."""
        if not payload.get(REPLAYED):
            return False
        pressed = str(action_of(payload).get("action_ts") or "0")
        age = self.desk.clock.now().timestamp() - float(pressed if pressed.replace(".", "", 1).isdigit() else 0)
        return age > STILL_WANTED.total_seconds()

    async def _do(self, click: Clicked, payload: Payload) -> None:
        name = click.choice or click.action_id.partition(":")[0]  # several rows may hold the same button
        if click.action_id.startswith(APPLY):
            await self._apply(click, payload)
        elif name in {"undo", "extend", "approve", "refuse"}:
            await self._change(name, click, payload)
        elif name == "take_commander":
            by = actor(payload)
            await self.desk.verbs.take_role(click.key, Role.COMMANDER, by, by, key_of(payload))
        elif name == "timeline":
            await self.commands.timeline(click.key, payload)
        elif name in {"tick", "untick", "pull"}:
            await self._step(name, click, payload)
        elif name == "question":
            await self._question(click, payload)
        elif name in _STEPS:
            step = _STEPS[name]
            await self.desk.opening.open(payload, skeleton(step, click.key), lambda: self.dialogs.view(step, click.key))
        elif not action_of(payload).get("url"):  # a link button only takes people to its page
            await self.desk.answers.tell(payload, OUT_OF_DATE)

    async def _change(self, name: str, click: Clicked, payload: Payload) -> None:
        """What the buttons beside a control do."""
        if name == "undo":
            await self._undo(click, payload)
        elif name == "extend":
            await self._extend(click, payload)
        else:
            question = str(click.about.get("a", ""))
            await self.desk.verbs.decide.answer(question, actor(payload), granted=name == "approve")

    async def _question(self, click: Clicked, payload: Payload) -> None:
        """A button inside the classification dialog: another of its screens."""
        wanted = str(click.about.get("q", ""))
        await self.desk.opening.open(
            payload, question.skeleton(click.key), lambda: Classifying(self.desk).at(click.key, wanted)
        )

    async def _step(self, deed: str, click: Clicked, payload: Payload) -> None:
        """A button of the runbook's checklist: tick a step, or pull its lever and tick it."""
        step, by, idem = str(click.about.get("s", "")), actor(payload), key_of(payload)
        state = await self.desk.verbs.look.state(click.key)
        if state.incident_class != click.about.get("c"):
            named = state.incident_class.value if state.incident_class else "not set"
            raise BadInput("step", f"The class is {named} now, so this step is no longer shown. Look at the new ones.")
        if deed != "pull":
            await self.desk.verbs.tick(click.key, step, by, idem, done=deed == "tick")
            return
        try:
            async with self._turn(click.key):
                await self.desk.verbs.pull(click.key, step, by, idem)
        except Contraindicated as error:
            await self.desk.answers.tell(payload, f"{error} *Contain…* on the card has it, and asks for the reason.")

    async def _apply(self, click: Clicked, payload: Payload) -> None:
        """Pull the lever at once; one that is advised against, or without a value yet, opens its preview."""
        kind = MitigationKind(click.action_id.split(":")[1])
        order = Order(kind, await self._value(kind, click), self._minutes(click))
        try:
            value_of(kind, order.value)
            async with self._turn(click.key):
                await self._apply_once(order, click, payload)
        except (Contraindicated, Conflict, BadInput) as error:
            news = "" if isinstance(error, Contraindicated | BadInput) else f"Nothing was applied. {error}"
            await self.desk.opening.open(
                payload, mitigate.skeleton(click.key), lambda: self.dialogs.preview(click.key, order, news)
            )

    async def _apply_once(self, order: Order, click: Clicked, payload: Payload) -> None:
        """A second click, or a second person clicking, finds the lever pulled and is told so."""
        state = await self.desk.verbs.look.state(click.key)
        wanted = value_of(order.kind, order.value)
        for status in state.live_mitigations:
            m = status.mitigation
            if (m.kind, m.value, m.scope) == (order.kind, wanted, order.scope) and state.status.is_open:
                sentence = f"{m.label} is on already, applied by {m.applied_by.name}. Nothing was changed."
                await self.desk.answers.tell(payload, messages.answer(sentence))
                return
        await self.desk.verbs.apply(click.key, order, actor(payload), key_of(payload))

    def _minutes(self, click: Clicked) -> int:
        minutes = click.about.get("minutes")  # the button says for how long
        return minutes if isinstance(minutes, int) else DEFAULT_MINUTES

    async def _value(self, kind: MitigationKind, click: Clicked) -> object:
        """The value the button shows; a button without one takes what is on offer now."""
        shown = click.about.get("v", click.about.get("limit"))
        if shown is not None or LEVERS[kind].is_switch:
            return shown
        offers = await self.desk.verbs.offers(click.key, every=True)
        return next((offer.value for offer in offers if offer.kind is kind), None)

    async def _undo(self, click: Clicked, payload: Payload) -> None:
        await self.desk.opening.open(
            payload, undo.skeleton(click.key), lambda: self.dialogs.undo(click.key, click.mitigation)
        )

    async def _extend(self, click: Clicked, payload: Payload) -> None:
        """More time for it; whoever comes after somebody undid it is told who did."""
        try:
            await self.desk.verbs.extend(click.mitigation, EXTENSION_MINUTES, actor(payload), key_of(payload))
        except Closed as error:
            raise Closed(await told_who(self.desk, click.key, click.mitigation, error)) from error

    def _turn(self, key: str) -> AbstractAsyncContextManager[None]:
        """One lever at a time for an incident, so that two clicks at once see each other."""
        return self._turns.setdefault(key, asyncio.Lock())
