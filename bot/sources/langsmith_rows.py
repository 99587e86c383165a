"""LangSmith's runs and their feedback statistics in our nouns."""

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.incident.telemetry import EvalScore
from bot.ports import SourceAsk, SourceFound
from bot.sources.normalise import span_from
from bot.sources.raw_spans import ERROR_STATUS, RawEvent, RawSpan
from bot.sources.scores import score_from
from bot.sources.vendor_pages import Pages, first_of_each, missing_rows, newest_traces, scores_in_time
from bot.sources.vendor_rows import (
    Row,
    clock_time,
    error_type_in,
    flat,
    identifier_in,
    map_in,
    nanoseconds,
    number_in,
    present,
    readable,
    said_in,
    span_id_of,
    trace_id_of,
)

NAME = "LangSmith"

_KINDS = {"TOOL": "tool", "CHAIN": "chain", "LLM": "llm", "RETRIEVER": "retriever", "EMBEDDING": "embedding"}


@dataclass(frozen=True, slots=True)
class Runs:
    """What came: first runs, later runs by batch of traces, and what tools got and answered."""

    roots: Pages
    steps: Sequence[tuple[Sequence[str], Pages]]
    bodies: Pages


@dataclass(frozen=True, slots=True)
class Reading:
    """One run: its span, its scores, and the vendor's own ids."""

    raw: RawSpan
    scores: tuple[EvalScore, ...]
    run: str
    trace: str


def newest_traces_of(roots: Pages, most: int) -> list[str]:
    """The vendor's ids of the newest traces, newest first; ISO moments sort as text."""
    rows = [row for row in roots.rows if isinstance(row, dict) and isinstance(row.get("trace_id"), str)]
    newest = heapq.nlargest(most, rows, key=lambda row: str(row.get("start_time")))
    return list(dict.fromkeys(row["trace_id"] for row in newest))


def read_runs(runs: Runs, ask: SourceAsk, pages_under: str) -> SourceFound:
    """Traces and scores of the runs that came.

    A trace whose batch was not read to its end is left out: with steps missing it would look shorter than it was.
    """
    bodies = {row["id"]: row for row in runs.bodies.rows if isinstance(row, dict) and isinstance(row.get("id"), str)}
    whole = {trace for batch, pages in runs.steps if pages.failure is None for trace in batch}
    rows = [*runs.roots.rows, *(row for _, pages in runs.steps for row in pages.rows)]
    readings, bad = readable(first_of_each(rows, "id"), lambda row: reading_of(row, bodies, ask.agent))
    kept = [reading for reading in readings if reading.trace in whole]
    traces = newest_traces((span_from(reading.raw) for reading in kept), ask)
    links = {one.raw.trace_id: f"{pages_under}{one.run}" for one in kept if pages_under and not one.raw.parent_id}
    return SourceFound(
        traces=traces,
        scores=scores_in_time((score for reading in kept for score in reading.scores), ask),
        links={trace.id: links[trace.id] for trace in traces if trace.id in links},
        missing=(*_lacking(runs, readings), *missing_rows(NAME, "runs", bad)),
    )


def _lacking(runs: Runs, readings: Sequence[Reading]) -> list[str]:
    lacking: list[str] = []
    if runs.roots.failure:
        oldest = min((one.raw.start_ns for one in readings if not one.raw.parent_id), default=0)
        lacking.append(f"{runs.roots.failure} Traces before {clock_time(oldest)} may be missing.")
    failed = [(len(batch), pages.failure) for batch, pages in runs.steps if pages.failure]
    if failed:
        everything = sum(len(batch) for batch, _ in runs.steps)
        lacking.append(f"{failed[0][1]} {sum(n for n, _ in failed)} of {everything} traces are missing.")
    if runs.bodies.failure:
        lacking.append(f"{runs.bodies.failure} Arguments and results of some tool calls are missing.")
    return lacking


def reading_of(row: Row, bodies: Mapping[str, Row], agent: str) -> Reading:
    """A run as a span with its scores.

    Raises:
        Unreadable: it has no id, no trace or no start.
    """
    run, trace = identifier_in(row, "id"), identifier_in(row, "trace_id")
    whole = {**row, **bodies.get(run, {}), "id": run}
    start = nanoseconds(row.get("start_time"))
    parent = parent_of(row)
    raw = RawSpan(
        trace_id=trace_id_of(trace),
        span_id=span_id_of(run),
        parent_id=span_id_of(parent) if parent else "",
        name=said_in(row, "name"),
        start_ns=start,
        end_ns=nanoseconds(row["end_time"]) if row.get("end_time") else start,
        status=ERROR_STATUS if failed(row) else 0,
        status_message=said_in(row, "error", "error_preview"),
        attributes=_told(whole, root=not parent) | flat(metadata_of(row)),
    )
    return Reading(raw, scores_of(row, raw, agent), run, trace)


def parent_of(row: Row) -> str:
    """The id of the run above: the last of the ancestors, which are listed from the first run down."""
    above = row.get("parent_run_ids")
    last = above[-1] if isinstance(above, list) and above else ""
    return last if isinstance(last, str) and row.get("is_root") is not True else ""


def failed(row: Row) -> bool:
    """The run ended in an error."""
    return said_in(row, "status").upper() == "ERROR"


def metadata_of(row: Row) -> Row:
    """What the team and the tracing library noted; older answers keep it under ``extra``."""
    return map_in(row, "metadata") or map_in(map_in(row, "extra"), "metadata")


def _told(row: Row, *, root: bool) -> dict[str, object]:
    kind, noted = said_in(row, "run_type").upper(), metadata_of(row)
    return present(
        {
            "openinference.span.kind": _KINDS.get(kind, "chain" if root else ""),
            "gen_ai.agent.version": said_in(noted, "revision_id"),
            "gen_ai.conversation.id": said_in(row, "thread_id") or said_in(noted, "thread_id", "session_id"),
            "error.type": error_type_in(said_in(row, "error", "error_preview")) if failed(row) else "",
        }
        | (_model_call(row, noted) if kind in {"LLM", "EMBEDDING"} else {})
        | (_tool_call(row) if kind == "TOOL" else {"gen_ai.completion": said_in(row, "outputs_preview")})
    )


def _model_call(row: Row, noted: Row) -> dict[str, object]:
    return {
        "gen_ai.request.model": said_in(noted, "ls_model_name"),
        "gen_ai.provider.name": said_in(noted, "ls_provider"),
        "gen_ai.prompt.name": said_in(noted, "lc_hub_repo"),
        "gen_ai.prompt.version": said_in(noted, "lc_hub_commit_hash"),
        "gen_ai.usage.input_tokens": number_in(row, "prompt_tokens"),
        "gen_ai.usage.output_tokens": number_in(row, "completion_tokens"),
        "gen_ai.usage.cost": number_in(row, "total_cost"),
        "gen_ai.response.time_to_first_chunk": _seconds_to_first_token(row),
    }


def _seconds_to_first_token(row: Row) -> float | None:
    if not row.get("first_token_time"):
        return None
    return max(0, nanoseconds(row["first_token_time"]) - nanoseconds(row.get("start_time"))) / 1e9


def _tool_call(row: Row) -> dict[str, object]:
    return {
        "gen_ai.tool.name": said_in(row, "name"),
        "gen_ai.tool.call.arguments": said_in(row, "inputs"),
        "gen_ai.tool.call.result": said_in(row, "outputs"),
    }


def scores_of(row: Row, raw: RawSpan, agent: str) -> tuple[EvalScore, ...]:
    """One score for every key of the feedback statistics: the mean, or the label that was given most often.

    What only failed to judge has neither, so it counts as given and as undecided.
    """
    return tuple(
        score_from(
            RawEvent("feedback", max(raw.start_ns, raw.end_ns), _judged(key, map_in(stats, key), agent)),
            raw.trace_id,
            raw.span_id if raw.parent_id else "",
        )
        for stats in (map_in(row, "feedback_stats"),)
        for key in list(stats)
        if map_in(stats, key)
    )


def _judged(key: str, stats: Row, agent: str) -> dict[str, object]:
    labels = {label: n for label, n in map_in(stats, "values").items() if isinstance(n, int)}
    comments = stats.get("comments")
    return present(
        {
            "gen_ai.agent.name": agent,
            "gen_ai.evaluation.name": said_in({"key": key}, "key"),
            "gen_ai.evaluation.score.value": number_in(stats, "avg"),
            "gen_ai.evaluation.score.label": max(labels, key=lambda label: labels[label], default=""),
            "gen_ai.evaluation.explanation": said_in({"first": comments[0]}, "first")
            if isinstance(comments, list) and comments
            else "",
        }
    )
