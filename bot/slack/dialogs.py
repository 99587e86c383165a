"""Which dialog belongs to which step, empty at first and then with everything known."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from bot.incident.errors import Closed
from bot.incident.state import IncidentState
from bot.response.orders import Order
from bot.slack.blocks import View
from bot.slack.classifying import Classifying
from bot.slack.desk import Desk
from bot.slack.levers import Levers
from bot.slack.views import (
    evidence,
    menu,
    mitigate,
    note,
    postmortem,
    question,
    remediate,
    resolve,
    role,
    severity,
    undo,
    update,
)


class Step(StrEnum):
    """What a dialog can be opened for. The values are those of the menu, the buttons and most commands."""

    MENU = "menu"
    CLASSIFY = "classify"
    CONTAIN = "contain"
    REMEDIATE = "remediate"
    EVIDENCE = "evidence"
    UPDATE = "update"
    NOTE = "note"
    ROLE = "role"
    SEVERITY = "severity"
    RESOLVE = "resolve"
    POSTMORTEM = "postmortem"


ONLY_WHILE_OPEN = frozenset({Step.CLASSIFY, Step.CONTAIN, Step.REMEDIATE, Step.SEVERITY, Step.RESOLVE})
_SKELETONS: Mapping[Step, Callable[[str], View]] = {
    Step.MENU: menu.skeleton,
    Step.CLASSIFY: question.skeleton,
    Step.CONTAIN: mitigate.skeleton,
    Step.REMEDIATE: remediate.skeleton,
    Step.EVIDENCE: evidence.skeleton,
    Step.UPDATE: update.skeleton,
    Step.NOTE: note.skeleton,
    Step.ROLE: role.skeleton,
    Step.SEVERITY: severity.skeleton,
    Step.RESOLVE: resolve.skeleton,
    Step.POSTMORTEM: postmortem.skeleton,
}


def skeleton(step: Step, key: str) -> View:
    """The dialog before anything was read; ``key`` may be unknown yet."""
    return _SKELETONS[step](key or "incident")


@dataclass(frozen=True, slots=True)
class Dialogs:
    """Fills dialogs from the verbs' answers."""

    desk: Desk

    async def view(self, step: Step, key: str, channel: str = "") -> View:
        """The dialog for ``step`` on the incident of that key, else of that channel.

        Raises:
            NotFound, Closed: no such incident, or it takes no such step any more.
        """
        state = await self.desk.incident(key, channel)
        if step in ONLY_WHILE_OPEN and not state.status.is_open:
            raise Closed(f"{state.incident.key} is {state.status.value}, so there is nothing to {step.value} any more.")
        return await self._of(step, state)

    async def _of(self, step: Step, state: IncidentState) -> View:  # noqa: C901, PLR0911  one line for each step
        verbs, url, key = self.desk.verbs, self.desk.public_url, str(state.incident.key)
        match step:
            case Step.MENU:
                return menu.dialog(state)
            case Step.CLASSIFY:
                return await Classifying(self.desk).start(key)
            case Step.CONTAIN:
                return await Levers(self.desk).listed(state)
            case Step.REMEDIATE:
                return remediate.dialog(state, await verbs.remediations(key), url)
            case Step.EVIDENCE:
                return evidence.dialog(state, await verbs.look.bundle(state), url, self.desk.clock.now())
            case Step.UPDATE:
                return update.dialog(key, await verbs.draft_update(key))
            case Step.NOTE:
                return note.dialog(key)
            case Step.ROLE:
                people = [role.PersonChoice(one.id, one.name) for one in await self.desk.people.everybody()]
                return role.dialog(state, people)
            case Step.SEVERITY:
                return severity.dialog(state)
            case Step.RESOLVE:
                outlook = await verbs.outlook(key)
                return resolve.dialog(state, outlook.lines, outlook.recovered, outlook.live)
            case Step.POSTMORTEM:
                return postmortem.dialog(state, url)
            case other:
                assert_never(other)

    async def preview(self, key: str, order: Order, news: str = "") -> View:
        """What pulling one lever means."""
        return await Levers(self.desk).preview(key, order, news)

    async def undo(self, key: str, mitigation_id: str) -> View:
        """What undoing a mitigation means."""
        return undo.dialog(await self.desk.verbs.look.state(key), mitigation_id)
