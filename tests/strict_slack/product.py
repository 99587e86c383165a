"""The whole product as a child process, connected to a strict Slack."""

import asyncio
import os
import re
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from bot.app.connecting import REPLAY_AFTER
from tests.strict_slack.server import StrictSlack

ROOT = Path(__file__).parents[2]
START_SECONDS, STOP_SECONDS = 60.0, 30.0
LISTENS = re.compile(r"firstfive listens on (http://\S+?);")


@dataclass
class Product:
    """A running `serve`: its address, its log, and what agents read from it."""

    process: asyncio.subprocess.Process
    session: aiohttp.ClientSession
    url: str = ""
    log: list[str] = field(default_factory=list)
    connected_at: float = 0.0

    async def listening(self) -> None:
        """Until it says where it listens.

        Raises:
            AssertionError: it ended first.
        """
        while not self.url:
            line = await self._line()
            assert line, f"it ended: {''.join(self.log)}"
            if found := LISTENS.search(line):
                self.url = found[1]

    async def read_log(self) -> None:
        while await self._line():
            pass

    async def _line(self) -> str:
        assert self.process.stderr is not None
        line = (await self.process.stderr.readline()).decode()
        self.log.append(line)
        return line

    async def ready(self) -> None:
        """Until everything, Slack included, is connected."""
        async with asyncio.timeout(START_SECONDS):
            while True:
                with suppress(aiohttp.ClientConnectorError):  # the address is bound a moment before it is served
                    async with self.session.get(f"{self.url}/readyz") as answer:
                        if answer.status == 200:
                            return
                await asyncio.sleep(0.05)

    async def settled(self) -> None:
        """Until it has looked for requests that a restart left over."""
        await asyncio.sleep(max(0.0, self.connected_at + REPLAY_AFTER + 0.3 - time.monotonic()))

    async def post(self, path: str, body: Any) -> Any:
        """The JSON answer to a JSON body."""
        async with self.session.post(f"{self.url}{path}", json=body) as answer:
            assert answer.status < 300, (path, answer.status, await answer.text())
            return await answer.json()

    async def flag(self, key: str, agent: str, environment: str = "simulated") -> Any:
        """The value an agent's OpenFeature SDK reads."""
        context = {"targetingKey": f"{agent}-1", "agent": agent, "environment": environment}
        answer = await self.post(f"/ofrep/v1/evaluate/flags/{key}", {"context": context})
        return answer["value"]

    def complaints(self) -> list[str]:
        """What it logged as a warning or worse, and tracebacks."""
        return [line for line in self.log if re.search(r" (WARNING|ERROR|CRITICAL) |Traceback", line)]


@asynccontextmanager
async def product(slack: StrictSlack, home: Path, *, over_http: bool = False) -> AsyncIterator[Product]:
    """`serve` on a free port with the demo's agents; in Socket Mode unless `over_http`. Ended on leaving."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "bot", "serve", "--port", "0"),
        cwd=home,
        env=_environment(slack, home, over_http=over_http),
        stdin=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    async with aiohttp.ClientSession() as session:
        running = Product(process, session)
        try:
            async with asyncio.timeout(START_SECONDS):
                await running.listening()
            reading = asyncio.create_task(running.read_log())
            await running.ready()
            running.connected_at = time.monotonic()
            if over_http:
                slack.use_http(f"{running.url}/slack/events")
            else:
                await slack.wait_for_sockets()
            yield running
        finally:
            await _ended(process)
        await reading


def _environment(slack: StrictSlack, home: Path, *, over_http: bool) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("FIRSTFIVE_", "SLACK_"))}
    door = {"SLACK_SIGNING_SECRET": slack.signing_secret} if over_http else {"SLACK_APP_TOKEN": slack.app_token}
    return {
        **kept,
        **door,
        "PYTHONPATH": str(ROOT),
        "FIRSTFIVE_HOME": str(home),
        "FIRSTFIVE_CATALOGUE": str(ROOT / "bot" / "demo" / "agents.yaml"),
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_API_URL": slack.api_url,
    }


async def _ended(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
