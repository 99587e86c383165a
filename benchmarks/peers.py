"""One question put to every server over its public API: the last 50 failed tasks of an agent with spans and scores.

Each asks as its documentation advises, over one kept connection. Time runs until the last byte has come; what has to
be understood for the next request is parsed on the way.
"""

import http.client
import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from urllib.parse import urlencode

from spans import Task, root_id
from stores import Served

PROTOBUF = {"content-type": "application/x-protobuf"}
JSON = {"content-type": "application/json"}
TRACES_A_PAGE = 50
SPANS_A_PAGE = 1000


class Line:
    """One kept connection to a server."""

    def __init__(self, served: Served) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=120)

    def get(self, path: str, params: Sequence[tuple[str, str]] = ()) -> bytes:
        """The body of the answer to a GET."""
        return self._answer("GET", f"{path}?{urlencode(params)}" if params else path, None, {})

    def post(self, path: str, body: object) -> bytes:
        """The body of the answer to a POST of JSON, or of bytes in protobuf."""
        if isinstance(body, bytes):
            return self._answer("POST", path, body, PROTOBUF)
        return self._answer("POST", path, json.dumps(body).encode(), JSON)

    def _answer(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> bytes:
        self._connection.request(method, path, body, headers)
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.status not in {200, 201}:
            raise RuntimeError(f"{method} {path[:80]}: {answer.status} {content[:300].decode(errors='replace')}")
        return content

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


@contextmanager
def line(served: Served) -> Iterator[Line]:
    """A connection for as long as it is needed."""
    kept = Line(served)
    try:
        yield kept
    finally:
        kept.close()


Answer = tuple[int, int, int]  # tasks, spans, scores
Ask = Callable[[Line, str], Callable[[], Answer]]  # asks at once; what it returns counts the answer afterwards


def ask_us(to: Line, agent: str) -> Callable[[], Answer]:
    """One request."""
    params = [("agent", agent), ("failed", "true"), ("limit", str(TRACES_A_PAGE)), ("spans", "true")]
    body = to.get("/api/v1/traces", params)

    def count() -> Answer:
        traces = json.loads(body)["traces"]
        return len(traces), sum(len(one["steps"]) for one in traces), sum(len(one["scores"]) for one in traces)

    return count


def ask_phoenix(to: Line, agent: str) -> Callable[[], Answer]:
    """Failed roots of the agent, then the spans of their traces, then the annotations of the roots."""
    of_agent = [("parent_id", "null"), ("status_code", "ERROR"), ("attribute", f"gen_ai.agent.name:{agent}")]
    newest = [("sort", "start_time"), ("order", "desc"), ("limit", str(TRACES_A_PAGE))]
    roots = json.loads(to.get("/v1/projects/default/spans", [*of_agent, *newest]))["data"]
    return _of_traces(to, [(one["context"]["trace_id"], one["context"]["span_id"]) for one in roots])


def ask_phoenix_by_filter(to: Line, agent: str) -> Callable[[], Answer]:
    """Failed traces of the agent by its filter language, then as before."""
    wanted = f"error_count > 0 and attributes['gen_ai.agent.name'] == '{agent}'"
    params = [("filter", wanted), ("sort", "start_time"), ("order", "desc"), ("limit", str(TRACES_A_PAGE))]
    traces = json.loads(to.get("/v1/projects/default/traces", params))["data"]
    return _of_traces(to, [(one["trace_id"], one["trace_id"][:16]) for one in traces])  # as `root_id` makes them


def _of_traces(to: Line, roots: Sequence[tuple[str, str]]) -> Callable[[], Answer]:
    most = ("limit", str(SPANS_A_PAGE))
    spans = to.get("/v1/projects/default/spans", [*(("trace_id", trace) for trace, _ in roots), most])
    told = to.get("/v1/projects/default/span_annotations", [*(("span_ids", span) for _, span in roots), most])
    return lambda: (len(roots), len(json.loads(spans)["data"]), len(json.loads(told)["data"]))


def ask_mlflow(to: Line, agent: str) -> Callable[[], Answer]:
    """Failed traces by their service's tag, assessments included, then their spans."""
    wanted = {
        "locations": [{"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": "0"}}],
        "filter": f"trace.status = 'ERROR' AND tag.`service.name` = '{agent}'",
        "max_results": TRACES_A_PAGE,
        "order_by": ["timestamp_ms DESC"],
    }
    traces = json.loads(to.post("/api/3.0/mlflow/traces/search", wanted)).get("traces", [])
    ids = [("trace_ids", one["trace_id"]) for one in traces]
    spans = to.get("/api/3.0/mlflow/traces/batchGet", ids)

    def count() -> Answer:
        found = json.loads(spans)["traces"]
        scores = sum(len(one.get("assessments", [])) for one in traces)
        return len(traces), sum(len(one["spans"]) for one in found), scores

    return count


def judge_in_phoenix(to: Line, tasks: Sequence[Task]) -> None:
    """A verdict on the root of each task; Phoenix answers when they are kept."""
    rows = [
        {
            "name": "answer_correctness",
            "annotator_kind": "LLM",
            "span_id": root_id(task).hex(),
            "result": {"label": "fail", "score": 0.0, "explanation": "gave up"},
        }
        for task in tasks
    ]
    to.post("/v1/span_annotations?sync=true", {"data": rows})


def judge_in_mlflow(to: Line, tasks: Sequence[Task]) -> None:
    """A verdict on each task, one by one."""
    for task in tasks:
        named = f"tr-{task.trace_id.hex()}"
        assessment = {
            "assessment_name": "answer_correctness",
            "trace_id": named,
            "source": {"source_type": "LLM_JUDGE", "source_id": "judge-1"},
            "feedback": {"value": False},
            "rationale": "gave up",
        }
        to.post(f"/api/3.0/mlflow/traces/{named}/assessments", {"assessment": assessment})


def timed(ask: Ask, to: Line, agent: str, times: int) -> tuple[list[float], Answer]:
    """Milliseconds of each asking, and what the last answer held."""
    found: list[float] = []
    for _ in range(times):
        begun = time.perf_counter()
        count = ask(to, agent)
        found.append(1000 * (time.perf_counter() - begun))
    return found, count()
