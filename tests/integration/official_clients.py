"""Run with the vendors' own client libraries installed: does what we ask, and what our stand-ins answer, fit their types?

Reads ``{"vendor": …, "asked": [body, …], "answered": [body, …]}`` and prints a list of complaints. Nothing is sent.
"""

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from datadog_api_client import Configuration
from datadog_api_client.model_utils import ModelNormal, validate_and_convert_types
from datadog_api_client.v2.model.llm_obs_search_spans_request import LLMObsSearchSpansRequest
from datadog_api_client.v2.model.llm_obs_spans_response import LLMObsSpansResponse
from langsmith import Langsmith
from langsmith._httpx import httpx  # httpx or its successor, whichever it was built for
from langsmith.types.run_select_field import RunSelectField
from langsmith.types.run_type import RunType
from launchdarkly_api.models import (
    CreateFlagConfigApprovalRequestRequest,
    FeatureFlag,
    FlagConfigApprovalRequestResponse,
)

Bodies = list[Any]


def langsmith(asked: Bodies, answered: Bodies) -> Iterator[str]:
    """The generated client takes our words as its arguments and sends the same body; it validates the answers."""
    sent: Bodies = []
    answers = iter(answered)

    def server(request: httpx.Request) -> httpx.Response:
        sent.append(json.loads(request.content))
        return httpx.Response(200, json=next(answers))

    http = httpx.Client(transport=httpx.MockTransport(server))
    client = Langsmith(api_key="none", base_url="http://vendor", http_client=http, _strict_response_validation=True)
    for body in asked:
        yield from _not_in("a field", body.get("selects", ()), RunSelectField.__args__)
        yield from _not_in("a kind of run", [body[name] for name in ("run_type",) if name in body], RunType.__args__)
        page = client.runs.query_v2(**body)
        if sent[-1] != body:
            yield f"the client sends {sent[-1]}, and we sent {body}"
        for run in page.items:
            yield from (f"a run has no {name}" for name in run.model_extra or ())


def datadog(asked: Bodies, answered: Bodies) -> Iterator[str]:
    """The models of the client library parse both sides whole, with no property that they do not know."""

    def strange(value: object, place: str) -> Iterator[str]:
        if isinstance(value, dict | list):
            inside: Iterable[tuple[object, object]] = value.items() if isinstance(value, dict) else enumerate(value)
            for name, one in inside:
                yield from strange(one, f"{place}.{name}")
        elif isinstance(value, ModelNormal):
            known = {*value.openapi_types}
            yield from (f"{place} has no {name}" for name in value._data_store if name not in known)
            yield from strange(value._data_store, place)
        elif getattr(value, "_unparsed", False):
            yield f"{place} cannot be parsed"

    for model, bodies in ((LLMObsSearchSpansRequest, asked), (LLMObsSpansResponse, answered)):
        for body in bodies:
            parsed = validate_and_convert_types(body, (model,), [model.__name__], True, True, Configuration())
            yield from strange(parsed, model.__name__)


def launchdarkly(asked: Bodies, answered: Bodies) -> Iterator[str]:
    """Requests for an approval, and flags and approval requests that come back; semantic patches have no model."""

    def lost(model: Any, body: dict[str, Any]) -> Iterator[str]:
        kept = model.from_dict(body).to_dict()
        yield from (f"{model.__name__} has no {name}" for name in body if name not in kept)

    for body in asked:
        if "environmentKey" not in body:  # otherwise a semantic patch
            yield from lost(CreateFlagConfigApprovalRequestRequest, body)
    for body in answered:
        for one in body.get("items", [body]):
            yield from lost(FeatureFlag if "variations" in one else FlagConfigApprovalRequestResponse, one)


def _not_in(what: str, given: Iterable[object], known: Iterable[object]) -> Iterator[str]:
    unknown = sorted(set(map(str, given)) - set(map(str, known)))
    if unknown:
        yield f"{', '.join(unknown)} is not {what} there"


VENDORS: dict[str, Callable[[Bodies, Bodies], Iterator[str]]] = {
    "langsmith": langsmith,
    "datadog": datadog,
    "launchdarkly": launchdarkly,
}

if __name__ == "__main__":
    given = json.load(sys.stdin)
    json.dump([*VENDORS[given["vendor"]](given["asked"], given["answered"])], sys.stdout)
