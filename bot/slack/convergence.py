"""The loop that lets Slack follow the database: takes tasks from the outbox and works each off until Slack has it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import assert_never

from bot.incident.errors import FirstfiveError, Unavailable
from bot.incident.model import IncidentKey
from bot.ports import Clock, OutboxQueue, QueuedTask, RoomTask, RoomTaskKind
from bot.slack import messages
from bot.slack.answers import Answers
from bot.slack.pictures import Pictures
from bot.slack.posting import Message, Posting
from bot.slack.room import Room
from bot.slack.telling import open_question, told
from bot.slack.workspace import Declined, Workspace, asked

log = logging.getLogger(__name__)

AT_ONCE = 8  # incidents worked on side by side
TASK_SECONDS = 25.0  # a task that takes longer is given back before its lease of 30 s runs out
LONGEST_WAIT = timedelta(minutes=5)
FIRST_WAIT = timedelta(seconds=1)
MOST_TRIES = 8  # for messages; making the room is tried for ever
MOST_REFUSALS = 3  # a message that Slack declines will hardly be taken later, and others wait behind it
PostmortemFile = Callable[[IncidentKey], Awaitable[tuple[str, bytes, str]]]  # file name, content, title


def wait_before(attempts: int, error: BaseException) -> timedelta:
    """How long to wait after the ``attempts``-th failure: what Slack asked for, or doubling, 5 minutes at most."""
    doubled: timedelta = FIRST_WAIT * (1 << min(attempts - 1, 12))
    wanted = error.retry_after if isinstance(error, Unavailable) else timedelta(0)
    return min(max(doubled, wanted), LONGEST_WAIT)


@dataclass(frozen=True, slots=True)
class Tasks:
    """What each kind of task means."""

    room: Room
    posting: Posting
    answers: Answers
    workspace: Workspace
    postmortem_file: PostmortemFile
    public_url: str
    pictures: Pictures | None = None

    async def work_off(self, task: RoomTask, attempts: int) -> None:
        """Do it; repeating it posts nothing twice.

        Raises:
            FirstfiveError: it could not be done now.
        """
        match task.kind:
            case RoomTaskKind.CONVERGE:
                await self.room.converge(task.incident)
            case RoomTaskKind.POST:
                await self._post(task, attempts)
            case RoomTaskKind.TELL:
                await self._tell(task)
            case RoomTaskKind.POSTMORTEM:
                await self._postmortem(task, attempts)
            case RoomTaskKind.EVIDENCE:
                if self.pictures is not None:
                    await self.pictures.post(task.incident, attempts)
            case other:
                assert_never(other)

    async def _post(self, task: RoomTask, attempts: int) -> None:
        record = await self.room.ready(task.incident)
        state = await self.room.verbs.look.state(task.incident)
        card = told(task, state, self.room.clock.now(), self.public_url)
        message = Message(card.text, card.blocks, name=task.key)
        elsewhere = task.payload.get("channel", "")
        try:
            ts = await self._once(elsewhere or record.channel_id, message, attempts)
        except Declined as error:
            if not elsewhere:
                raise
            log.info("%s was not announced in %s: %s", task.incident, elsewhere, error)  # a courtesy, nothing more
            return
        if (question := open_question(task, state)) is not None:
            await self.room.remember(task.incident, question.id, ts)

    async def _once(self, channel: str, message: Message, attempts: int) -> str:
        """Post it, unless an earlier try got through and only its answer was lost; returns its timestamp."""
        if attempts > 1 and message.name and (before := await self.posting.found(channel, message)):
            return before
        return await self.posting.post(channel, message)

    async def _tell(self, task: RoomTask) -> None:
        channel = task.payload.get("channel") or (await self.room.rooms.room(task.incident)).channel_id
        await self.answers.tell_person(task.payload["person"], channel, messages.answer(task.payload["text"]))

    async def _postmortem(self, task: RoomTask, attempts: int) -> None:
        """The draft as a file and a message with the link to its page; without the file where uploads fail."""
        record = await self.room.ready(task.incident)
        state = await self.room.verbs.look.state(task.incident)
        card = messages.postmortem_posted(state, self.public_url)
        message = Message(card.text, card.blocks, name=task.key)
        if attempts > 1 and await self.posting.found(record.channel_id, message):
            return
        await self._upload(task.incident, record.channel_id)
        await self.posting.post(record.channel_id, message)

    async def _upload(self, key: IncidentKey, channel: str) -> None:
        name, content, title = await self.postmortem_file(key)
        try:
            await asked(
                self.workspace.room.files_upload_v2(channel=channel, filename=name, content=content, title=title)
            )
        except FirstfiveError as error:
            log.warning("the postmortem of %s was not uploaded: %s", key, error)


class Convergence:
    """Runs the outbox. ``wake`` it after a commit; it also looks by itself every ``poll`` seconds."""

    def __init__(self, queue: OutboxQueue, tasks: Tasks, clock: Clock, poll: float = 1.0) -> None:
        self._queue = queue
        self._tasks = tasks
        self._clock = clock
        self._poll = poll
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """There may be something to do."""
        self._woken.set()

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            self._woken.clear()
            try:
                while await self.step():
                    pass
            except Exception:  # the worker's loop: a broken database connection must not end it
                log.exception("the outbox could not be read")
            try:
                async with asyncio.timeout(self._poll):
                    await self._woken.wait()
            except TimeoutError:
                continue

    async def step(self) -> int:
        """Take what is due, one task per incident, and work it off; how many there were."""
        due = await self._queue.claim(self._clock.now(), AT_ONCE)
        await asyncio.gather(*(self._one(queued) for queued in due))
        return len(due)

    async def _one(self, queued: QueuedTask) -> None:
        try:
            async with asyncio.timeout(TASK_SECONDS):
                await self._tasks.work_off(queued.task, queued.attempts)
        except (FirstfiveError, TimeoutError) as error:
            await self._failed(queued, error)
        except Exception as error:  # the worker's loop: one broken task must not stop the others
            log.exception("%s of %s failed", queued.task.kind, queued.task.incident)
            await self._failed(queued, error)
        else:
            await self._queue.done(queued.id)

    async def _failed(self, queued: QueuedTask, error: BaseException) -> None:
        task = queued.task
        most = MOST_REFUSALS if isinstance(error, Declined) else MOST_TRIES
        if task.kind is not RoomTaskKind.CONVERGE and queued.attempts >= most:
            log.error("%s of %s was given up: %s", task.kind, task.incident, error)
            await self._queue.done(queued.id)
            return
        why = str(error) or type(error).__name__
        await self._queue.again(queued.id, self._clock.now() + wait_before(queued.attempts, error), why)
