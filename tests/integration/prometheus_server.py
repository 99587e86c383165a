"""A real Prometheus as a child of the test run: it scrapes an agent of ours every second and keeps its data in ``home``."""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from tests.integration.prometheus_binary import NotToBeHad, prometheus
from tests.integration.servers import Launch, free_port, running
from tests.web.serving import serving

SCRAPE = """
global: {{scrape_interval: 1s, scrape_timeout: 900ms}}
scrape_configs:
  - job_name: agents
    static_configs: [{{targets: ["{target}"]}}]
"""


def program() -> Path:
    """The program; without it the test is skipped, or fails where it is required."""
    try:
        return prometheus()
    except NotToBeHad as sorry:
        if os.environ.get("FIRSTFIVE_INTEGRATION") == "required":
            pytest.fail(str(sorry))
        pytest.skip(str(sorry))


@dataclass
class Agent:
    """The exposition of an agent: series with their values, and histograms with their observations."""

    series: dict[str, float] = field(default_factory=dict)
    scrapes: int = 0

    def add(self, name: str, by: float = 1, **labels: str) -> None:
        """Count up a series; by 0 it only begins."""
        key = f"{name}{_braces(labels)}"
        self.series[key] = self.series.get(key, 0) + by

    def observe(self, name: str, value: float, buckets: tuple[float, ...], times: int = 1, **labels: str) -> None:
        """Add observations to a histogram."""
        for edge in buckets:
            self.add(f"{name}_bucket", times if value <= edge else 0, **labels, le=f"{edge:g}")
        self.add(f"{name}_bucket", times, **labels, le="+Inf")
        self.add(f"{name}_count", times, **labels)
        self.add(f"{name}_sum", value * times, **labels)

    async def expose(self, _: Request) -> PlainTextResponse:
        """What Prometheus reads."""
        self.scrapes += 1
        lines = (f"{name} {value}" for name, value in self.series.items())
        return PlainTextResponse("\n".join(lines) + "\n", media_type="text/plain; version=0.0.4")

    async def scraped(self, times: int, seconds: float = 30) -> None:
        """Wait until Prometheus has read all that is there that many times more."""
        wanted, until = self.scrapes + times, monotonic() + seconds
        while self.scrapes < wanted:
            assert monotonic() < until, "Prometheus does not scrape"
            await asyncio.sleep(0.05)


def _braces(labels: Mapping[str, str]) -> str:
    escaped = (value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") for value in labels.values())
    pairs = ",".join(f'{name}="{value}"' for name, value in zip(labels, escaped, strict=True))
    return f"{{{pairs}}}" if pairs else ""


@asynccontextmanager
async def scraping(agent: Agent, home: Path) -> AsyncIterator[str]:
    """The address of a Prometheus that scrapes the agent."""
    async with serving(Starlette(routes=[Route("/metrics", agent.expose)])) as url:
        settings = home / "prometheus.yml"
        settings.write_text(SCRAPE.format(target=url.removeprefix("http://")), "utf-8")
        port = free_port()
        listen = [f"--web.listen-address=127.0.0.1:{port}", f"--storage.tsdb.path={home / 'data'}"]
        command = [str(program()), f"--config.file={settings}", *listen, "--log.level=warn"]
        address = f"http://127.0.0.1:{port}"
        starting = running(Launch(command, {}, address, "/-/ready"), home)
        await asyncio.to_thread(starting.__enter__)
        try:
            yield address
        finally:
            await asyncio.to_thread(starting.__exit__, None, None, None)


async def version(address: str) -> str:
    """Which Prometheus it is."""
    async with httpx.AsyncClient(base_url=address, trust_env=False) as client:
        answer = await client.get("/api/v1/status/buildinfo")
    return str(answer.json()["data"]["version"])
