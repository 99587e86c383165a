"""MLflow 3 tracking server over its REST API.

Traces are searched by time and, in an experiment that several agents share, by the tag of their service or by
their name; searching by span attributes would be slow and miss most. Assessments come with the search, spans
in small batches, newest first, so that whatever ends a look early costs the oldest traces.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any
from urllib.parse import quote

import httpx

from bot.incident.errors import Unavailable
from bot.incident.telemetry import EvalScore, Span
from bot.ports import Clock, SourceAsk, SourceFound
from bot.sources.mlflow_rows import Listed, read_assessments, read_listed, read_spans
from bot.sources.normalise import span_from
from bot.sources.scores import scores_of_span
from bot.sources.vendor_evidence import because, paced, scores_of_agent, traces_of_agent
from bot.sources.vendor_pages import FOR_READING, Page, cursor_in, missing_rows, read_pages, rows_in
from bot.sources.vendor_rows import map_in, readable, said_in
from bot.sources.visiting import Api, Visit, authorization, client_for

NAME = "MLflow"
SETTING = "FIRSTFIVE_MLFLOW_URL and its token"
REQUESTS = 80  # of one look; time ends it long before
SEARCH = "/api/3.0/mlflow/traces/search"
SPANS = "/api/3.0/mlflow/traces/batchGet"
EXPERIMENT = "/api/2.0/mlflow/experiments/get"
EXPERIMENT_BY_NAME = "/api/2.0/mlflow/experiments/get-by-name"
TRACES_A_PAGE = 500  # the most there is
TRACES_AT_A_TIME = 25  # with all their spans and bodies in one answer
MOST_NAMES = 6  # searched for one by one: there is no "or"
MILLISECOND = 1_000_000  # nanoseconds


def open_source(url: str, token: str, experiment: str, clock: Clock) -> "Mlflow":
    """MLflow under that address; ``token`` is a bearer token, or user:password for basic authentication."""
    client = client_for(url, authorization(token))
    return Mlflow(Api(NAME, SETTING, client, clock), experiment, url)


@dataclass(slots=True)
class Reading:
    """What a look has read so far."""

    spans: list[Span] = field(default_factory=list)
    assessed: list[EvalScore] = field(default_factory=list)
    told: list[EvalScore] = field(default_factory=list)  # by the spans themselves
    called: dict[str, str] = field(default_factory=dict)  # trace id -> the id MLflow knows it by
    bad_spans: int = 0
    bad_assessments: int = 0
    missing: list[str] = field(default_factory=list)

    def assess(self, listed: Listed) -> None:
        """Keep the assessments of a trace."""
        scores, bad = read_assessments(listed)
        self.assessed += scores
        self.bad_assessments += bad
        self.called[listed.id] = listed.said

    def take(self, batch: Iterable[Listed], rows: Mapping[str, Sequence[object]]) -> None:
        """Keep the spans of these traces, from rows by the id MLflow knows a trace by."""
        for listed in batch:
            raw, bad = read_spans(listed, rows.get(listed.said, ()))
            self.spans += [span_from(one) for one in raw]
            self.told += chain.from_iterable(scores_of_span(one) for one in raw)
            self.bad_spans += bad


class Mlflow:
    """Traces of an experiment with their spans, and their assessments as scores."""

    name = NAME

    def __init__(self, api: Api, experiment: str, public_url: str = "") -> None:
        """``public_url`` is where people open MLflow; without it there are no links."""
        self._api = api
        self._experiment = experiment
        self._public_url = public_url.rstrip("/")
        self._ids: dict[str, str] = {}  # of experiments, by what they are called in settings and catalogue

    async def find(self, ask: SourceAsk) -> SourceFound:
        """As :meth:`bot.ports.TelemetrySource.find`. ``ask.project`` is the id or name of the agent's experiment."""
        visit = self._api.visit(ask.seconds * FOR_READING, REQUESTS)
        experiment = await self._id_of(visit, ask.project or self._experiment)
        reading = Reading()
        listed = await _search(visit, experiment, ask, reading)
        await _read_spans(visit, listed, reading)
        return await asyncio.to_thread(self._found, reading, ask, experiment)

    def _found(self, reading: Reading, ask: SourceAsk, experiment: str) -> SourceFound:
        traces = traces_of_agent(reading.spans, ask)
        page = f"{self._public_url}/#/experiments/{quote(experiment, safe='')}/traces?selectedEvaluationId="
        return SourceFound(
            traces=traces,
            scores=scores_of_agent(reading.assessed, reading.told, traces, ask),
            links={t.id: page + quote(reading.called[t.id], safe="") for t in traces} if self._public_url else {},
            missing=(
                *reading.missing,
                *missing_rows(NAME, "spans", reading.bad_spans),
                *missing_rows(NAME, "assessments", reading.bad_assessments),
            ),
        )

    async def close(self) -> None:
        """Let go of the connections."""
        await self._api.close()

    async def _id_of(self, visit: Visit, experiment: str) -> str:
        """The experiment's id, asked for once; one that is no number is a name."""
        if experiment not in self._ids:
            by_id = experiment.isdecimal()
            path, name = (EXPERIMENT, "experiment_id") if by_id else (EXPERIMENT_BY_NAME, "experiment_name")
            answer = await visit.get(path, {name: experiment}, absent=httpx.codes.NOT_FOUND)
            found = said_in(map_in(answer if isinstance(answer, dict) else {}, "experiment"), "experiment_id")
            if not found:
                where = "check FIRSTFIVE_MLFLOW_EXPERIMENT or the catalogue"
                raise Unavailable(f"{NAME} has no experiment {experiment!r}; {where}.")
            self._ids[experiment] = found
        return self._ids[experiment]


async def _search(visit: Visit, experiment: str, ask: SourceAsk, reading: Reading) -> list[Listed]:
    """The traces to look at, newest first; their assessments are kept.

    Raises:
        Unavailable: no page of any search came.
    """
    rows: list[Any] = []
    for names in _filters(ask):
        if rows and not names:
            break  # the agent's own traces were found; all of the experiment are not wanted
        pages = await read_pages(_asking(visit, experiment, ask, names), lambda rows: len(rows) > ask.most_traces)
        rows += pages.rows
        if pages.failure and not rows:
            raise pages.failure
        if pages.failure:
            reading.missing.append(f"{NAME}: the list of traces is not whole; {because(pages.failure)}.")
            break
    found, bad = readable(rows, read_listed)
    reading.missing += missing_rows(NAME, "traces", bad)
    once = {trace.id: trace for trace in found}
    newest = sorted(once.values(), key=lambda trace: said_in(trace.about, "request_time"), reverse=True)
    if len(newest) > ask.most_traces:
        reading.missing.append(f"{NAME}: only the newest {ask.most_traces} traces were read; there are older ones.")
    for trace in newest[: ask.most_traces]:
        reading.assess(trace)
    return newest[: ask.most_traces]


def _asking(visit: Visit, experiment: str, ask: SourceAsk, names: str) -> Any:
    since, until = ask.start_ns // MILLISECOND, -(-ask.end_ns // MILLISECOND)
    body = {
        "locations": [{"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": experiment}}],
        "filter": f"trace.timestamp_ms >= {since} AND trace.timestamp_ms < {until}{names}",
        "max_results": min(ask.most_traces + 1, TRACES_A_PAGE),
        "order_by": ["timestamp_ms DESC"],
    }

    async def ask_page(cursor: str) -> Page:
        answer = await visit.post(SEARCH, {**body, **({"page_token": cursor} if cursor else {})})
        return visit.rows(answer, "traces"), cursor_in(answer, "next_page_token")

    return ask_page


def _filters(ask: SourceAsk) -> list[str]:
    """One search a condition: by every name as service and as trace, and at last everything of the experiment."""
    if ask.project is not None:
        return [""]
    others = sorted(ask.names - {ask.agent})
    quoted = [text for name in (ask.agent, *others) if (text := _quoted(name))][:MOST_NAMES]
    return [*(f" AND {of} = {text}" for text in quoted for of in ("tag.`service.name`", "trace.name")), ""]


def _quoted(name: str) -> str:
    """A name as MLflow's filters take it; empty where they cannot."""
    mark = "'" if "'" not in name else '"'
    return "" if mark in name or not name.isprintable() or "\\" in name else f"{mark}{name}{mark}"


async def _read_spans(visit: Visit, listed: Sequence[Listed], reading: Reading) -> None:
    done = empty = 0
    for batch in paced(listed, TRACES_AT_A_TIME):
        try:
            answer = await visit.get(SPANS, {"trace_ids": [trace.said for trace in batch]})
        except Unavailable as failure:
            if not done:
                raise
            left = f"the oldest {len(listed) - done} of {len(listed)} traces were not read"
            reading.missing.append(f"{NAME}: {left}; {because(failure)}.")
            break
        done += len(batch)
        spans = _spans_by_trace(answer)
        empty += sum(1 for trace in batch if not spans.get(trace.said))
        await asyncio.to_thread(reading.take, batch, spans)  # thousands of spans would hold up the loop
    if empty:
        reading.missing.append(f"{NAME}: {empty} of {len(listed)} traces came without spans.")


def _spans_by_trace(answer: object) -> dict[str, Sequence[Any]]:
    traces = [trace for trace in rows_in(answer, "traces") if isinstance(trace, dict)]
    return {said_in(map_in(trace, "trace_info"), "trace_id"): rows_in(trace, "spans") for trace in traces}
