"""The whole edge put together from what it is given."""

import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bot.incident.errors import Unavailable
from bot.incident.model import Catalogue
from bot.incident.runbook import Runbook
from bot.incident.taxonomy import IncidentClass
from bot.ports import Clock, Deliveries, Ids, OutboxQueue, Records, RoomRecords, Traces
from bot.response.verbs import Verbs
from bot.slack.actions import Actions
from bot.slack.answers import Answers
from bot.slack.application import application, dispatcher
from bot.slack.channel import Channels
from bot.slack.commands import Commands
from bot.slack.convergence import Convergence, PostmortemFile, Tasks
from bot.slack.desk import Desk
from bot.slack.dialogs import Dialogs
from bot.slack.furnishing import Furnishing
from bot.slack.intake import Intake, Signatures
from bot.slack.opening import Opening
from bot.slack.people import People
from bot.slack.pictures import Drawing, Pictures
from bot.slack.posting import Pace, Posting
from bot.slack.reactions import Reactions
from bot.slack.room import CardMaker, Room
from bot.slack.submissions import Submissions
from bot.slack.workspace import Workspace

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Given:
    """What the edge needs from the rest of the house.

    ``plain`` is for a local workspace that shows date tokens and escapes as they are written;
    ``draw`` makes PNG pictures of charts; without it the room gets none. ``pace`` is the gap between two
    messages in one channel, in seconds.
    """

    verbs: Verbs
    records: Records
    rooms: RoomRecords
    queue: OutboxQueue
    deliveries: Deliveries
    traces: Traces
    clock: Clock
    ids: Ids
    catalogue: Catalogue
    runbooks: Mapping[IncidentClass, Runbook]
    postmortem_file: PostmortemFile
    public_url: str
    bot_token: str
    signing_secret: str = ""
    api_url: str = "https://slack.com/api/"
    plain: bool = False
    draw: Drawing | None = None
    pace: float = 1.0
    poll: float = 1.0


@dataclass(frozen=True, slots=True)
class SlackEdge:
    """The parts the composition root runs: ``intake.http`` for the web, ``convergence.run`` as a task."""

    workspace: Workspace
    intake: Intake
    convergence: Convergence
    room: Room
    desk: Desk


@asynccontextmanager
async def slack_edge(given: Given) -> AsyncIterator[SlackEdge]:
    """The edge, ready to take requests. While Slack cannot be reached everything else works and the room waits.

    Raises:
        Misconfigured: the token is wrong.
    """
    async with Workspace(given.bot_token, given.api_url, plain=given.plain) as workspace:
        try:
            await workspace.introduce()
        except Unavailable as error:
            log.warning("%s Rooms are made as soon as it does.", error)
        edge = assembled(given, workspace)
        try:
            yield edge
        finally:
            await edge.intake.stop()


def assembled(given: Given, workspace: Workspace) -> SlackEdge:
    """Every part with what it needs; nothing is asked of Slack."""
    answers, people = Answers(workspace), People(workspace)
    posting = Posting(workspace, Pace(given.pace))
    room = _room(given, workspace, posting, people, answers)
    pictures = Pictures(room, workspace, given.draw, given.public_url) if given.draw else None
    tasks = Tasks(room, posting, answers, workspace, given.postmortem_file, given.public_url, pictures)
    convergence = Convergence(given.queue, tasks, given.clock, given.poll)
    desk = _desk(given, workspace, answers, people, convergence.wake)
    dialogs = Dialogs(desk)
    commands = Commands(desk, dialogs)
    app = application(
        workspace, commands, Actions(desk, dialogs, commands), Submissions(desk, dialogs, commands), Reactions(desk)
    )
    signatures = Signatures(given.signing_secret, given.clock)
    intake = Intake(signatures, given.deliveries, given.clock, dispatcher(app, answers))
    return SlackEdge(workspace, intake, convergence, room, desk)


def _room(given: Given, workspace: Workspace, posting: Posting, people: People, answers: Answers) -> Room:
    return Room(
        given.verbs,
        given.records,
        given.rooms,
        given.clock,
        Channels(workspace),
        posting,
        Furnishing(workspace, posting, people, given.catalogue, given.public_url, given.verbs.invite, answers),
        CardMaker(given.verbs, given.clock, given.runbooks, given.public_url),
        given.public_url,
    )


def _desk(given: Given, workspace: Workspace, answers: Answers, people: People, wake: Callable[[], None]) -> Desk:
    return Desk(
        given.verbs,
        given.records,
        given.traces,
        given.clock,
        given.ids,
        given.catalogue,
        given.runbooks,
        given.public_url,
        workspace,
        answers,
        Opening(workspace, answers),
        people,
        wake,
    )
