"""A team adds a class and its question in a file, with a runbook beside it, and every part of the path knows it."""

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.documents.postmortems import JinjaRenderer
from bot.documents.runbooks import read_runbooks
from bot.documents.taxonomy import Read, read_taxonomy
from bot.incident.classification import Question, Reply
from bot.incident.offer import Standing
from bot.incident.taxonomy import Cause, IncidentClass, Severity
from bot.incident.telemetry import ModelCall, Span, SpanKind, Trace
from bot.response.choosing import Choice, Given
from bot.response.declare import Declaration
from bot.response.verbs import Verbs
from bot.slack.views import question, verdict
from tests.documents.test_runbooks import BODY, FRONT
from tests.fakes.clock import FakeClock
from tests.fakes.verbs import KeptTraces, ObeyedControl, Tasks, verbs_over
from tests.response.conftest import ANA
from tests.web.fakes import task
from tests.web.memory import MemoryRecords

DOCS = Path(__file__).resolve().parents[2] / "docs" / "taxonomy.md"
COST, DEAR = IncidentClass("COST"), Question("cost")
DEARER = timedelta(minutes=12)


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """The example of the documentation, as it stands there."""
    (tmp_path / "own.yaml").write_text(re.findall(r"```yaml\n(.*?)```", DOCS.read_text(), re.DOTALL)[0])
    found = read_taxonomy(tmp_path / "own.yaml")
    assert [str(one) for one in found.mistakes] == []
    return found


def priced(trace: Trace, usd: float) -> Trace:
    start = trace.start_ns
    call = ModelCall(cost=usd)
    span = Span(trace.id, "m", "root", SpanKind.LLM, "chat", start, start + 10**9, agent=trace.agent, model=call)
    return replace(trace, spans=(*trace.spans, span))


@pytest.fixture
def verbs(read: Read, tmp_path: Path) -> Verbs:
    """An office whose agent costs three times as much since twelve minutes ago."""
    folder = tmp_path / "runbooks"
    folder.mkdir()
    (folder / "COST.md").write_text(FRONT.replace("class: LOOP", "class: COST") + BODY)
    runbooks, mistakes = read_runbooks(folder, read)
    assert mistakes == ()
    clock = FakeClock()
    now = clock.now()
    moments = [now - timedelta(seconds=15 * n) for n in range(1, 4 * 75)]
    traces = KeptTraces()
    traces.kept = tuple(priced(task(n, at), 0.03 if now - at < DEARER else 0.01) for n, at in enumerate(moments, 1))
    return verbs_over(
        MemoryRecords(),
        clock,
        traces=traces,
        background=Tasks(),
        control=ObeyedControl(),
        taxonomy=read.taxonomy,
        runbooks=runbooks,
    )


def test_without_a_runbook_the_class_is_named_where_it_stands(read: Read, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    _, mistakes = read_runbooks(tmp_path / "empty", read)
    assert [str(one).partition("own.yaml:")[2] for one in mistakes] == [
        f"11: COST has no runbook; add a file with `class: COST` to {tmp_path / 'empty'}."
    ]


async def test_telemetry_gives_the_class_with_its_figure(verbs: Verbs) -> None:
    _, tree = await verbs.suggest("helpdesk-agent")
    assert tree.incident_class is COST
    assert tree.because[0] == "cost per task, P95 0.03 USD, was 0.01 USD"
    assert "not LOOP: " in " ".join(tree.rules_out)
    assert next(one for one in tree.answers if one.question is DEAR).reply is Reply.YES


async def test_the_dialog_asks_about_it_and_offers_it(verbs: Verbs) -> None:
    await verbs.declare(Declaration("The bill", "helpdesk-agent"), ANA, "d")
    asked = await verbs.classify.questions("INC-1")
    assert DEAR in asked.asked
    assert "Does a task cost more than twice what it cost before?" in str(question.dialog(asked, DEAR))
    assert "COST: cost out of bounds" in str(verdict.dialog(asked))


async def test_people_alone_may_say_so_and_the_answer_is_kept(verbs: Verbs) -> None:
    await verbs.declare(Declaration("The bill", "helpdesk-agent"), ANA, "d")
    state = await verbs.classify.answer("INC-1", Given(DEAR, Reply.NO, Reply.YES), ANA, "a")
    _, tree = await verbs.classify.suggested(state)
    assert tree.incident_class is not COST
    assert state.replies[DEAR].differs


async def test_runbook_levers_and_postmortem_know_it(verbs: Verbs) -> None:
    await verbs.declare(Declaration("The bill", "helpdesk-agent"), ANA, "d")
    state = await verbs.classify("INC-1", Choice(COST, Cause.MODEL_OR_PROVIDER, Severity.SEV3), ANA, "c")
    assert state.incident_class is COST
    assert (await verbs.runbook("INC-1")).runbook.title == "Our own loops"
    assert (await verbs.offers("INC-1"))[0].standing is Standing.FITS
    text = JinjaRenderer().postmortem(await verbs.postmortem("INC-1"), "md")
    assert "COST: cost out of bounds" in text
    assert "OWASP agentic: ASI08 cascading failures" in text
