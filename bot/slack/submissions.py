"""Submitted dialogs: read the words, call one verb, show the answer where the person is looking."""

import asyncio
import logging
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field

from bot.incident.errors import Closed, FirstfiveError, Locked
from bot.incident.model import Via
from bot.incident.state import IncidentState
from bot.response.declare import Declaration
from bot.response.orders import Order
from bot.response.override import waiting_for
from bot.slack import messages
from bot.slack.blocks import View
from bot.slack.classifying import Classifying
from bot.slack.commands import Commands
from bot.slack.desk import Desk
from bot.slack.dialogs import Dialogs, Step
from bot.slack.levers import Levers, told_who
from bot.slack.people import actor
from bot.slack.requests import Payload, key_of
from bot.slack.submitted import CLEAR, Answer, Submitted, Work, errors, filled, refused, shown
from bot.slack.views import (
    contain_now,
    declare,
    declared,
    menu,
    mitigate,
    note,
    postmortem,
    preview,
    question,
    reading,
    remediate,
    resolve,
    role,
    severity,
    undo,
    update,
    verdict,
)
from bot.slack.views.loading import loading, notice
from bot.slack.workspace import asked

log = logging.getLogger(__name__)

PATIENCE = 1.8  # seconds until a dialog that is still being filled is shown empty; Slack waits 3


@dataclass(frozen=True, slots=True)
class Submissions:
    """Answers submitted dialogs: close it, show errors under their fields, or show the next one."""

    desk: Desk
    dialogs: Dialogs
    commands: Commands
    _late: set[asyncio.Task[None]] = field(default_factory=set)

    async def __call__(self, payload: Payload) -> Answer:
        """The body of the acknowledgement."""
        view = payload.get("view") or {}
        submitted = Submitted(payload, view, actor(payload), key_of(payload))
        work = self._table().get(str(view.get("callback_id", "")))
        if work is None:
            return shown(notice("Out of date", "This dialog is from an earlier version. Close it and open it again."))
        try:
            answer = await work(submitted)
        except FirstfiveError as error:
            answer = refused(view, error)
        self.desk.wake()
        readable: Answer = self.desk.workspace.shown(answer)
        return readable

    def _table(self) -> Mapping[str, Work]:
        return {
            declare.CALLBACK: filled(declare.read, self._declare),
            declared.CALLBACK: self._onwards,
            contain_now.CALLBACK: filled(contain_now.read, self._contain_now),
            question.CALLBACK: self._question,
            verdict.CALLBACK: filled(verdict.read, self._verdict),
            mitigate.LIST_CALLBACK: filled(mitigate.read_list, self._pick),
            preview.CALLBACK: filled(preview.read, self._apply),
            undo.CALLBACK: filled(undo.read, self._undo),
            update.CALLBACK: filled(update.read, self._update),
            note.CALLBACK: filled(note.read, self._note),
            role.CALLBACK: filled(role.read, self._role),
            severity.CALLBACK: filled(severity.read, self._severity),
            remediate.CALLBACK: filled(remediate.read, self._remediate),
            resolve.CALLBACK: filled(resolve.read, self._resolve),
            postmortem.CALLBACK: filled(postmortem.read, self._postmortem),
            menu.CALLBACK: filled(menu.read, self._menu),
        }

    async def _declare(self, form: declare.DeclareForm, said: Submitted) -> Answer:
        declaration = Declaration(
            title=form.title,
            agent=form.agent,
            harm_now=form.harm_now,
            severity=form.chosen,
            via=Via.SLACK,
            detection=form.what_you_see,
            environment=form.environment,
            test=form.test,
            private=form.private,
        )
        idem = f"slack:{form.nonce}" if form.nonce else said.idem
        state, _ = await self.desk.verbs.declare(declaration, said.by, idem)
        await self.desk.announce(state, form.channel)
        return shown(declared.declared(state))

    async def _onwards(self, said: Submitted) -> Answer:
        key = declared.read(said.view)
        return await self._soon(said, question.skeleton(key), self._classifying.start(key, declared=True))

    async def _contain_now(self, form: contain_now.Lever, said: Submitted) -> Answer:
        filling = self._classifying.contained(form, said.by, said.idem)
        return await self._soon(said, question.skeleton(form.key), filling)

    async def _question(self, said: Submitted) -> Answer:
        turn = question.read(said.view)
        if turn is None:  # the screen that waits for telemetry: its button asks again
            key = reading.key_of(said.view)
            return await self._soon(said, question.skeleton(key), self._classifying.start(key))
        filling = self._classifying.answered(turn, said.by, said.idem)
        return await self._soon(said, question.skeleton(turn.key), filling)

    async def _verdict(self, form: verdict.Verdict, said: Submitted) -> Answer:
        following = await self._classifying.confirmed(form, said.by, said.idem)
        return CLEAR if following is None else shown(following)

    @property
    def _classifying(self) -> Classifying:
        return Classifying(self.desk)

    async def _pick(self, form: mitigate.Pick, said: Submitted) -> Answer:
        return await self._soon(
            said, mitigate.skeleton(form.key), self.dialogs.preview(form.key, Order(form.kind, form.value))
        )

    async def _apply(self, form: preview.Asked, said: Submitted) -> Answer:
        following = await Levers(self.desk).ordered(form, said.by, said.idem)
        return CLEAR if following is None else shown(following)

    async def _undo(self, form: undo.UndoForm, said: Submitted) -> Answer:
        verbs = self.desk.verbs
        try:
            if form.how == undo.IN_STEPS:
                await verbs.plan_exit(form.mitigation, form.steps, form.pace, form.reason, said.by, said.idem)
            elif form.how == undo.ANOTHER:
                await verbs.adjust(form.mitigation, form.value, form.reason, said.by, said.idem, alone=form.alone)
            else:
                await verbs.revert(form.mitigation, form.reason, said.by, said.idem, alone=form.alone)
        except Closed as error:
            raise Closed(await told_who(self.desk, form.key, form.mitigation, error)) from error
        return CLEAR

    async def _update(self, form: update.UpdateForm, said: Submitted) -> Answer:
        await self.desk.verbs.update(form.key, form.text, said.by, said.idem)
        return CLEAR

    async def _note(self, form: note.NoteForm, said: Submitted) -> Answer:
        state = await self.desk.verbs.note(form.key, form.text, "command", said.by, said.by, said.idem)
        await self._told(said, state, f"Noted on {state.incident.key}.")
        return CLEAR

    async def _role(self, form: role.RoleForm, said: Submitted) -> Answer:
        person = await self.desk.people.person(form.person_id) if form.person_id else said.by
        await self.desk.verbs.take_role(form.key, form.role, person, said.by, said.idem)
        return CLEAR

    async def _severity(self, form: severity.SeverityForm, said: Submitted) -> Answer:
        await self.desk.verbs.change_severity(form.key, form.severity, form.reason, said.by, said.idem)
        return CLEAR

    async def _remediate(self, form: remediate.RemediateForm, said: Submitted) -> Answer:
        if form.evaluate:
            await self.desk.verbs.evaluate.ask(form.key, form.wish.target, said.by, said.idem)
            return CLEAR
        try:
            state = await self.desk.verbs.remediate(
                form.key, form.wish, form.reason, said.by, said.idem, form.override, form.alone
            )
        except Locked as error:
            return errors({remediate.OVERRIDE: str(error)})
        waiting = waiting_for(state, form.wish)
        return shown(remediate.waits(waiting)) if waiting else CLEAR

    async def _resolve(self, form: resolve.ResolveForm, said: Submitted) -> Answer:
        await self.desk.verbs.resolve(form.key, form.summary, form.keep, said.by, said.idem)
        return CLEAR

    async def _postmortem(self, form: postmortem.PostmortemForm, said: Submitted) -> Answer:
        for section, text in form.sections.items():
            await self.desk.verbs.write_section(form.key, section, text, said.by, said.idem)
        if form.reviewed:
            await self.desk.verbs.accept_review(form.key, "", said.by, said.idem)
        return CLEAR

    async def _menu(self, form: menu.MenuForm, said: Submitted) -> Answer:
        if form.choice == "timeline":
            state = await self.desk.verbs.look.state(form.key)
            await self.commands.timeline(form.key, said.payload, state.channel_id or "")
            return CLEAR
        step = Step(form.choice)
        waiting = loading(step.value, str(form.key), form.key)
        return await self._soon(said, waiting, self.dialogs.view(step, form.key))

    async def _soon(self, said: Submitted, waiting: View, filling: Awaitable[View]) -> Answer:
        """The next dialog at once if it is ready within Slack's patience, else ``waiting`` and the dialog later."""
        task = asyncio.ensure_future(filling)
        done, _ = await asyncio.wait({task}, timeout=PATIENCE)
        if done:
            return shown(task.result())
        late = asyncio.create_task(self._fill_later(str(said.view.get("id", "")), task))
        self._late.add(late)
        late.add_done_callback(self._late.discard)
        return shown(waiting)

    async def _fill_later(self, view_id: str, filling: Awaitable[View]) -> None:
        try:
            view = await filling
        except FirstfiveError as error:
            view = notice("Not possible", str(error))
        try:
            await asked(self.desk.workspace.client.views_update(view_id=view_id, view=self.desk.workspace.shown(view)))
        except FirstfiveError as error:
            log.info("a dialog was gone before it was filled: %s", error)

    async def _told(self, said: Submitted, state: IncidentState, sentence: str) -> None:
        if state.channel_id:
            await self.desk.answers.tell(said.payload, messages.answer(sentence), state.channel_id)
