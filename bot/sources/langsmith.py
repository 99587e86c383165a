"""LangSmith over its v2 query API: root runs of the asked time, then the runs of their traces in batches.

The window is always said, because LangSmith looks one day back where it is not. Its feedback statistics say how a
run was judged but not when, so a score counts from the end of the run it judges.
"""

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from urllib.parse import quote, urlsplit
from uuid import UUID

from bot.incident.errors import Unavailable
from bot.ports import Clock, SourceAsk, SourceFound
from bot.sources.langsmith_rows import NAME, Runs, newest_traces_of, read_runs
from bot.sources.vendor_pages import (
    FOR_READING,
    AskPage,
    Page,
    chunks,
    cursor_in,
    read_each,
    read_pages,
    read_side_by_side,
)
from bot.sources.vendor_rows import earliest, iso
from bot.sources.visiting import Api, Visit, client_for

SETTING = "FIRSTFIVE_LANGSMITH_URL and FIRSTFIVE_LANGSMITH_API_KEY"
REQUESTS = 18  # of one look, for runs
REQUESTS_FOR_BODIES = 6
BATCHES_AT_ONCE = 2  # the fewer, the fewer are half read when the budget is spent
QUERY_PATH = "/api/v2/runs/query"
RUNS_A_PAGE = 1000  # the most there is
BODIES_A_PAGE = 500  # bodies are long
TRACES_AT_A_TIME = 50  # in one filter
STEP_FIELDS = (
    "ID",
    "TRACE_ID",
    "PARENT_RUN_IDS",
    "IS_ROOT",
    "NAME",
    "RUN_TYPE",
    "STATUS",
    "START_TIME",
    "END_TIME",
    "FIRST_TOKEN_TIME",
    "ERROR_PREVIEW",
    "OUTPUTS_PREVIEW",
    "METADATA",
    "THREAD_ID",
    "PROMPT_TOKENS",
    "COMPLETION_TOKENS",
    "TOTAL_COST",
    "FEEDBACK_STATS",
)
BODY_FIELDS = ("ID", "INPUTS", "OUTPUTS")  # whole, because arguments cut short would look alike


def open_source(url: str, api_key: str, project: str, clock: Clock) -> "LangSmith":
    """LangSmith under that address; ``project`` is the id (UUID) of the project of agents that have none of their own."""
    client = client_for(url, {"X-Api-Key": api_key})
    return LangSmith(Api(NAME, SETTING, client, clock), url, project)


class LangSmith:
    """Traces of a project. In the project of an agent all traces are its; in the common one, those with its name."""

    name = NAME

    def __init__(self, api: Api, url: str, project: str) -> None:
        self._api = api
        self._site = site_of(url)
        self._project = project
        self._workspaces: dict[str, str] = {}  # project -> workspace, for links

    async def find(self, ask: SourceAsk) -> SourceFound:
        """As :meth:`bot.ports.TelemetrySource.find`. ``ask.project`` is the id (UUID) of the agent's project there."""
        project = project_id(ask.project or self._project, ask.agent)
        visit = self._api.visit(ask.seconds * FOR_READING, REQUESTS)
        aside = self._api.visit(ask.seconds * FOR_READING, REQUESTS_FOR_BODIES)
        roots, _ = await asyncio.gather(
            read_pages(_query(visit, project, root_question(ask)), lambda rows: len(rows) >= ask.most_traces),
            self._learn_workspace(visit, project),
        )
        if roots.failure and not roots.rows:
            raise roots.failure
        batches = chunks(newest_traces_of(roots, ask.most_traces), TRACES_AT_A_TIME)
        seen = replace(ask, start_ns=earliest(roots.rows, "start_time") or ask.start_ns)
        steps, bodies = await asyncio.gather(
            read_each((_query(visit, project, step_question(batch, seen)) for batch in batches), BATCHES_AT_ONCE),
            read_side_by_side([_query(aside, project, tool_question(seen))] if batches else []),
        )
        runs = Runs(roots, list(zip(batches, steps, strict=True)), bodies)
        # In a thread, as thousands of rows would hold up the loop
        return await asyncio.to_thread(read_runs, runs, ask, self._pages_under(project))

    async def close(self) -> None:
        """Let go of the connections."""
        await self._api.close()

    async def _learn_workspace(self, visit: Visit, project: str) -> None:
        """Links need the workspace; without it there are none, which is no reason to fail."""
        if project in self._workspaces:
            return
        try:
            answer = await visit.get(f"/api/v1/sessions/{project}")
        except Unavailable:
            return
        workspace = answer.get("tenant_id") if isinstance(answer, dict) else None
        if isinstance(workspace, str) and workspace:
            self._workspaces[project] = workspace

    def _pages_under(self, project: str) -> str:
        workspace = self._workspaces.get(project)
        return f"{self._site}/o/{quote(workspace, safe='')}/projects/p/{project}/r/" if workspace else ""


def _query(visit: Visit, project: str, question: Mapping[str, object]) -> AskPage:
    async def ask_page(cursor: str) -> Page:
        body = {"project_ids": [project], **question}
        answer = await visit.post(QUERY_PATH, {**body, "cursor": cursor} if cursor else body)
        return visit.rows(answer, "items"), cursor_in(answer, "next_cursor")

    return ask_page


def root_question(ask: SourceAsk) -> dict[str, object]:
    """The first runs of the asked time."""
    named = {} if ask.project else {"filter": of_names(ask.names)}
    return {
        "is_root": True,
        "min_start_time": iso(ask.start_ns),
        "max_start_time": iso(ask.end_ns),
        "page_size": min(RUNS_A_PAGE, ask.most_traces),
        "selects": STEP_FIELDS,
        **named,
    }


def step_question(trace_ids: Sequence[str], ask: SourceAsk) -> dict[str, object]:
    """All later runs of those traces, whenever they ended."""
    return {
        "is_root": False,
        "min_start_time": iso(ask.start_ns),
        "page_size": RUNS_A_PAGE,
        "selects": STEP_FIELDS,
        "filter": f"in(trace_id, {json.dumps(list(trace_ids))})",
    }


def tool_question(ask: SourceAsk) -> dict[str, object]:
    """What the tools of those traces got and answered."""
    named = {} if ask.project else {"trace_filter": of_names(ask.names)}
    return {
        "run_type": "TOOL",
        "min_start_time": iso(ask.start_ns),
        "page_size": BODIES_A_PAGE,
        "selects": BODY_FIELDS,
        **named,
    }


def of_names(names: Iterable[str]) -> str:
    """A condition of LangSmith's filter language: the run has one of the names."""
    equal = [f"eq(name, {json.dumps(name)})" for name in sorted(names)]
    return equal[0] if len(equal) == 1 else f"or({', '.join(equal)})"


def project_id(said: str, agent: str) -> str:
    """The project's id as LangSmith writes it.

    Raises:
        Unavailable: there is none, or it is no UUID.
    """
    try:
        return str(UUID(said))
    except ValueError as error:
        raise Unavailable(
            f"LangSmith needs the id (a UUID) of the project of {agent}; set it in the catalogue or in "
            "FIRSTFIVE_LANGSMITH_PROJECT."
        ) from error


def site_of(url: str) -> str:
    """Where people look at what is read under ``url``: ``api.`` falls away, as does the ``/api`` of one's own server."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.replace('api.smith.', 'smith.')}"
