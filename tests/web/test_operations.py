"""Health, readiness, metrics, Slack's door, and starting up."""

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bot.web.operations import exposition
from tests.web.fakes import World


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass
class FakeSlack:
    requests: list[tuple[bytes, Mapping[str, str]]] = field(default_factory=list)

    async def http(self, body: bytes, headers: Mapping[str, str]) -> Reply:
        self.requests.append((body, headers))
        return Reply(200, {"content-type": "application/json"}, b"{}")


async def test_ready_says_what_is_missing(tmp_path: Path) -> None:
    world = World(tmp_path)
    async with world.client() as client:
        assert (await client.get("/readyz")).text == "ready\n"
        world.missing = "The database does not answer."
        answer = await client.get("/readyz")
        assert (answer.status_code, answer.text) == (503, "The database does not answer.\n")
        assert (await client.get("/healthz")).status_code == 200


async def test_metrics_are_in_prometheus_text(tmp_path: Path) -> None:
    async with World(tmp_path).client() as client:
        answer = await client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert answer.text == (
        "# TYPE firstfive_ack_seconds_total counter\n"
        "firstfive_ack_seconds_total 0.25\n"
        "# TYPE firstfive_incidents_open gauge\n"
        'firstfive_incidents_open{severity="SEV2",class="LOOP"} 1\n'
        'firstfive_incidents_open{severity="SEV3",class=""} 2\n'
        "# TYPE firstfive_outbox_depth gauge\n"
        "firstfive_outbox_depth 0\n"
    )


def test_figures_that_are_not_numbers_do_not_break_the_rest() -> None:
    text = exposition({"a": float("nan"), "b": float("inf"), "c": 12345678})
    assert text.splitlines()[1::2] == ["a NaN", "b +Inf", "c 12345678"]


async def test_slack_gets_its_raw_body_through_and_a_limit(tmp_path: Path) -> None:
    slack = FakeSlack()
    async with World(tmp_path, slack=slack).client() as client:
        answer = await client.post("/slack/events", content=b"payload=%7B%7D", headers={"X-Slack-Signature": "v0=1"})
        assert (answer.status_code, answer.content) == (200, b"{}")
        assert (await client.post("/slack/events", content=b"x" * (1024 * 1024 + 1))).status_code == 413
    ((body, headers),) = slack.requests
    assert (body, headers["x-slack-signature"]) == (b"payload=%7B%7D", "v0=1")


def test_starting_up_does_not_pay_for_the_api_or_the_pages() -> None:
    told = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, bot.web.application; print('fastapi' in sys.modules, 'jinja2' in sys.modules)",
        ],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert told.stdout.split() == ["False", "False"]
