"""The bot's Slack edge against a Slack on loopback: real Bolt, real verbs, a real SQLite file."""

import asyncio
import hashlib
import hmac
import json
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.engine.ids import RandomIds
from bot.incident.model import Catalogue, IncidentKey
from bot.slack.edge import Given, SlackEdge, slack_edge
from bot.slack.pictures import Drawing
from bot.slack.socket import connected
from bot.storage.database import Database
from bot.storage.delivery_ledgers import open_deliveries
from bot.storage.outbox import SqlOutboxQueue
from bot.storage.records import SqlRecords
from bot.storage.rooms import SqlRoomRecords
from tests.fakes.clock import FakeClock
from tests.fakes.scheduler import NoJobs
from tests.fakes.verbs import HELPDESK, KeptTraces, ObeyedControl, Tasks, verbs_over
from tests.scenarios.slack_double import APP_TOKEN, BOT_TOKEN, Payload, SlackDouble, running
from tests.web.serving import serving

SECRET = "signing-secret"
Deliver = Callable[[Payload], Awaitable[Payload]]
PEOPLE = {"ana": "U1", "ben": "U2"}


def signed(body: bytes, at: float, secret: str = SECRET) -> dict[str, str]:
    """Headers of a request that Slack signed at ``at``."""
    stamp = str(int(at))
    digest = hmac.new(secret.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
    return {
        "x-slack-request-timestamp": stamp,
        "x-slack-signature": f"v0={digest}",
        "content-type": "application/x-www-form-urlencoded",
    }


def form(payload: Payload) -> bytes:
    """The body Slack would post."""
    return urlencode(payload if "command" in payload else {"payload": json.dumps(payload)}).encode()


@dataclass
class Office:
    """People who use the bot in a workspace, and everything behind it."""

    slack: SlackDouble
    database: Database
    clock: FakeClock
    api_url: str
    token: str = BOT_TOKEN
    app_token: str = APP_TOKEN
    traces: KeptTraces = field(default_factory=KeptTraces)
    background: Tasks = field(default_factory=Tasks)
    transport: str = "direct"
    draw: Drawing | None = None
    catalogue: Catalogue = HELPDESK
    _open: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def start(self) -> "Office":
        """Start the bot, anew after :meth:`stop`."""
        self.records = records = SqlRecords(self.database, NoJobs())
        self.verbs = verbs_over(
            records,
            self.clock,
            traces=self.traces,
            background=self.background,
            control=ObeyedControl(),
            catalogue=self.catalogue,
        )
        self.deliveries = open_deliveries(self.database)
        self._open.push_async_callback(self.deliveries.close)
        self.rooms = SqlRoomRecords(self.database)
        given = Given(
            verbs=self.verbs,
            records=records,
            rooms=self.rooms,
            queue=SqlOutboxQueue(self.database),
            deliveries=self.deliveries,
            traces=self.traces,
            clock=self.clock,
            ids=RandomIds(),
            catalogue=self.catalogue,
            runbooks={},
            postmortem_file=self._postmortem,
            public_url="https://pages.test",
            bot_token=self.token,
            signing_secret=SECRET,
            api_url=self.api_url,
            draw=self.draw,
            pace=0.0,
        )
        self.edge: SlackEdge = await self._open.enter_async_context(slack_edge(given))
        self.deliver: Deliver = await self._transport()
        return self

    async def stop(self) -> None:
        """End the bot; the database stays."""
        await self.background.settle()
        await self._open.aclose()

    async def _postmortem(self, key: IncidentKey) -> tuple[str, bytes, str]:
        return f"{key}.md", f"# {key}\n".encode(), f"Postmortem of {key}"

    async def _transport(self) -> Deliver:
        if self.transport == "socket":
            await self._open.enter_async_context(connected(self.edge.workspace, self.app_token, self.edge.intake, 0.2))
            return self.slack.over_the_socket
        if self.transport == "http":
            url = await self._open.enter_async_context(serving(self._web()))
            client = await self._open.enter_async_context(httpx.AsyncClient(base_url=url))
            return lambda payload: self._post(client, payload)
        return self.edge.intake.envelope

    def _web(self) -> Starlette:
        async def events(request: Request) -> Response:
            answer = await self.edge.intake.http(await request.body(), dict(request.headers))
            return Response(answer.body, answer.status, dict(answer.headers))

        return Starlette(routes=[Route("/slack/events", events, methods=["POST"])])

    async def _post(self, client: httpx.AsyncClient, payload: Payload) -> Payload:
        body = form(payload)
        answer = await client.post("/slack/events", content=body, headers=signed(body, self.clock.now().timestamp()))
        assert answer.status_code == 200
        return dict(answer.json()) if answer.content else {}

    def command(self, text: str, who: str = "ana", channel: str = "C0GENERAL") -> Payload:
        return {
            "command": "/incident",
            "text": text,
            "trigger_id": self.slack.trigger(),
            "user_id": PEOPLE[who],
            "user_name": who,
            "channel_id": channel,
            "channel_name": self.slack.channels[channel]["name"],
            "team_id": "T1",
            "response_url": f"{self.slack.base}/answer/{who}",
        }

    async def types(self, text: str, who: str = "ana", channel: str = "C0GENERAL") -> Payload:
        """Somebody types ``/incident …``; the dialog that opened, if any."""
        return await self.sends(self.command(text, who, channel))

    async def sends(self, payload: Payload) -> Payload:
        await self.deliver(payload)
        await self.edge.intake.settle()
        opened = self.slack.opened.get(payload.get("trigger_id", ""), "")
        return self.slack.views.get(opened, {})

    def submission(self, view: Payload, who: str = "ana", **fields: str) -> Payload:
        """A filled-in dialog; ``fields`` by block id, or by what of it stands before a colon."""
        values: dict[str, Any] = {}
        for block in view["blocks"]:
            name = str(block.get("block_id", ""))
            field = name if name in fields else name.partition(":")[0]
            if block["type"] != "input" or field not in fields:
                continue
            text, kind = fields[field], block["element"]["type"]
            answer = {"value": text} if kind == "plain_text_input" else {"selected_option": {"value": text}}
            values[name] = {name: {"type": kind, **answer}}
        filled = {**view, "state": {"values": values}}
        user = {"id": PEOPLE[who], "username": who}
        return {"type": "view_submission", "trigger_id": self.slack.trigger(), "user": user, "view": filled}

    async def submits(self, view: Payload, who: str = "ana", **fields: str) -> Payload:
        return self.slack.checked(await self.deliver(self.submission(view, who, **fields)))

    async def goes_on(self, view: Payload, who: str = "ana", **fields: str) -> Payload:
        """Submit a screen; the one that takes its place, as the person then has it."""
        answer = await self.submits(view, who, **fields)
        assert answer.get("response_action") == "update", answer
        return {**answer["view"], "id": view["id"], "hash": self.slack.trigger()}

    async def clicks(self, action_id: str, value: Payload, channel: str, who: str = "ana") -> Payload:
        """A click on a button of a message; the dialog that opened, if any."""
        stamp = f"{self.clock.now().timestamp()}{self.slack.trigger()[8:]}"
        action = {"type": "button", "action_id": action_id, "block_id": "b", "value": json.dumps(value)}
        return await self.sends(
            {
                "type": "block_actions",
                "trigger_id": self.slack.trigger(),
                "user": {"id": PEOPLE[who], "username": who},
                "container": {"type": "message", "message_ts": "1.1", "channel_id": channel},
                "channel": {"id": channel},
                "response_url": f"{self.slack.base}/answer/{who}",
                "actions": [{**action, "action_ts": stamp}],
            }
        )

    async def pins(self, channel: str, ts: str, who: str = "ben", event_id: str = "Ev1") -> None:
        item = {"type": "message", "channel": channel, "ts": ts}
        event = {"type": "reaction_added", "user": PEOPLE[who], "reaction": "pushpin", "item": item}
        await self.sends({"type": "event_callback", "event_id": event_id, "team_id": "T1", "event": event})

    async def declares(self, title: str = "It loops", who: str = "ana") -> Payload:
        """The whole way from the command to the answer of the submitted dialog."""
        view = await self.types("", who)
        return await self.submits(view, who, title=title, agent="helpdesk-agent", agent_name="helpdesk-agent")

    async def declares_nothing_known(self) -> Payload:
        """The screen after declaring about an agent that has sent nothing."""
        view = await self.types("")
        return await self.goes_on(view, title="It is odd", agent="helpdesk-agent", agent_name="helpdesk-agent")

    async def follows(self) -> None:
        """Slack has followed: everything in the outbox that is due was worked off."""
        await self.background.settle()
        for _ in range(50):
            if not await self.edge.convergence.step():
                return
        raise AssertionError("the outbox does not come to rest")


@pytest.fixture
async def slack(clock: FakeClock) -> AsyncIterator[SlackDouble]:
    """A workspace with a channel and two people."""
    double = SlackDouble(now=lambda: clock.now().timestamp())
    async with running(double):
        yield double


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with its tables, made once and copied for each story."""
    file = tmp_path_factory.mktemp("migrated") / "firstfive.db"

    async def make() -> None:
        database = Database(f"sqlite:///{file}")
        await database.upgrade()
        await database.close()

    asyncio.run(make())
    return file


@pytest.fixture
async def database(migrated: Path, tmp_path: Path) -> AsyncIterator[Database]:
    """A database of this story's own."""
    file = shutil.copy(migrated, tmp_path / "firstfive.db")
    opened = Database(f"sqlite:///{file}")
    yield opened
    await opened.close()


@pytest.fixture
async def closed_office(slack: SlackDouble, database: Database, clock: FakeClock) -> AsyncIterator[Office]:
    """The office before the bot starts."""
    office = Office(slack, database, clock, f"{slack.base}/api/")
    yield office
    await office.stop()
    assert office.slack.problems == []


@pytest.fixture
async def office(closed_office: Office) -> Office:
    """The bot runs; requests reach its intake directly."""
    return await closed_office.start()
