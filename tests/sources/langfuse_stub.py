"""A small Langfuse: it answers from rows of ours, and holds every request and answer against Langfuse's OpenAPI file."""

import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from tests.sources.vendor_stub import Asked, Reply

SPEC = Path(__file__).parents[1] / "data" / "openapi" / "langfuse.openapi.yml"
OBSERVATIONS = "/api/public/v2/observations"
SCORES = "/api/public/v3/scores"
GROUPS = {
    "core": ["id", "traceId", "startTime", "endTime", "projectId", "parentObservationId", "type"],
    "basic": ["name", "level", "statusMessage", "version", "environment", "userId", "sessionId", "isRootObservation"],
    "time": ["completionStartTime", "createdAt", "updatedAt"],
    "io": ["input", "output"],
    "metadata": ["metadata"],
    "model": ["providedModelName", "internalModelId", "modelParameters"],
    "usage": ["usageDetails", "costDetails", "totalCost", "usagePricingTierName"],
    "prompt": ["promptId", "promptName", "promptVersion"],
    "metrics": ["latency", "timeToFirstToken"],
    "trace_context": ["tags", "release", "traceName"],
}
SCORE_GROUPS = {"details": ["comment", "configId", "metadata"], "subject": ["subject"]}
ALWAYS = {"modelId": None, "inputPrice": None, "outputPrice": None, "totalPrice": None}
MOST_METADATA = 200  # characters
Row = dict[str, Any]


@functools.cache
def spec() -> Any:
    """The file, in the words of JSON Schema: what may be null says so in its type."""
    whole = yaml.load(SPEC.read_text("utf-8"), Loader=yaml.CSafeLoader)  # the safe loader, written in C
    schemas = {name: in_json_schema(schema) for name, schema in whole["components"]["schemas"].items()}
    return {
        "paths": whole["paths"],
        "components": {"schemas": schemas},
    }


def in_json_schema(node: Any) -> Any:
    if isinstance(node, list):
        return [in_json_schema(item) for item in node]
    if not isinstance(node, dict):
        return node
    plain = {key: in_json_schema(value) for key, value in node.items() if key != "nullable"}
    return {"anyOf": [plain, {"type": "null"}]} if node.get("nullable") is True else plain


def conforms(schema: Any, value: object) -> None:
    whole = {**in_json_schema(schema), "components": spec()["components"]}
    jsonschema.Draft202012Validator(whole, format_checker=jsonschema.FormatChecker()).validate(value)


def parameters(path: str) -> Mapping[str, Any]:
    return {one["name"]: one for one in spec()["paths"][path]["get"]["parameters"]}


def read_as(schema: Any, text: str) -> object:
    """A query parameter's text as the type that the schema names."""
    wanted = schema.get("type")
    if wanted == "integer":
        return int(text)
    if wanted == "boolean":
        return {"true": True, "false": False}.get(text, text)
    return [text] if wanted == "array" else text


def conforming_request(asked: Asked) -> None:
    """Path, method, every parameter's name, type and enumeration, and what is required; raises where it is not so."""
    assert asked.method == "GET"
    assert asked.path in {OBSERVATIONS, SCORES}
    assert asked.headers["authorization"].startswith("Basic ")
    known = parameters(asked.path)
    for name, text in asked.query:
        conforms(known[name]["schema"], read_as(known[name]["schema"], text))
    required = {name for name, one in known.items() if one.get("required")}
    assert required <= {name for name, _ in asked.query}
    assert "parseIoAsJson" not in dict(asked.query)
    if "filter" in dict(asked.query):  # it makes Langfuse ignore the parameters that say the same, without a word
        assert dict(asked.query).keys() <= {"fields", "limit", "cursor", "filter", "expandMetadata"}
        columns = {condition["column"] for condition in json.loads(asked.param("filter"))}
        assert "startTime" in columns
    most = 1000 if asked.path == OBSERVATIONS else 100
    assert int(asked.param("limit")) <= most
    groups = GROUPS if asked.path == OBSERVATIONS else SCORE_GROUPS
    assert set(asked.param("fields").split(",")) <= set(groups)


def only_known_fields(name: str, row: Mapping[str, object]) -> None:
    assert set(row) <= fields_of(name), set(row) - fields_of(name)


@functools.cache
def fields_of(name: str) -> frozenset[str]:
    schema = spec()["components"]["schemas"][name]
    return frozenset(schema.get("properties", {})) | frozenset(
        field_name
        for part in [*schema.get("allOf", ()), *schema.get("oneOf", ())]
        for inner in [part, *part.get("allOf", ())]
        for field_name in [*inner.get("properties", {}), *_referred(inner)]
    )


def _referred(part: Mapping[str, Any]) -> frozenset[str]:
    return fields_of(part["$ref"].rpartition("/")[2]) if "$ref" in part else frozenset()


@dataclass
class LittleLangfuse:
    """Rows in full; an answer holds only the field groups that were asked for, newest first, page by page."""

    observations: list[Row] = field(default_factory=list)
    scores: list[Row] = field(default_factory=list)
    page: int = 1000
    misbehaves: bool = False  # rows may break the schema on purpose
    cursors: list[str] = field(default_factory=list)

    def __call__(self, asked: Asked) -> Reply:
        conforming_request(asked)
        if asked.path == OBSERVATIONS:
            return self._paged(asked, self._observed(asked), "ObservationsV2Response", "ObservationV2")
        return self._paged(asked, self._scored(asked), "GetScoresV3Response", "ScoreV3")

    def _observed(self, asked: Asked) -> list[Row]:
        wanted = [name for group in ["core", *asked.param("fields").split(",")] for name in GROUPS[group]]
        found = [row for row in self.observations if all(met(one, row) for one in json.loads(asked.param("filter")))]
        found.sort(key=lambda row: str(row.get("startTime")), reverse=True)
        whole = asked.param("expandMetadata").split(",")
        return [{**ALWAYS, **{name: cut(name, row[name], whole) for name in wanted if name in row}} for row in found]

    def _scored(self, asked: Asked) -> list[Row]:
        hidden = {name for group, names in SCORE_GROUPS.items() if group not in asked.param("fields") for name in names}
        ids = asked.param("traceId").split(",")
        of_these = [row for row in self.scores if trace_of(row) in ids]
        return [{name: value for name, value in row.items() if name not in hidden} for row in of_these]

    def _paged(self, asked: Asked, rows: Sequence[Row], response: str, row_schema: str) -> Reply:
        size = min(self.page, int(asked.param("limit")))
        start = int(asked.param("cursor") or 0)
        shown = rows[start : start + size]
        meta: Row = {} if asked.path == OBSERVATIONS else {"limit": size}
        if start + size < len(rows):
            meta["cursor"] = str(start + size)
        body = {"data": shown, "meta": meta}
        if not self.misbehaves:
            conforms({"$ref": f"#/components/schemas/{response}"}, body)
            for row in shown:
                only_known_fields(row_schema, row)
        return Reply(body)


def cut(name: str, value: Any, whole: Sequence[str]) -> Any:
    """A field as Langfuse hands it out: metadata ends after 200 characters, unless its key was named."""
    if name != "metadata" or not isinstance(value, dict):
        return value
    written = {key: one if isinstance(one, str) else json.dumps(one) for key, one in value.items()}
    return {
        key: one if key in whole or len(written[key]) <= MOST_METADATA else written[key][:MOST_METADATA]
        for key, one in value.items()
    }


def trace_of(score: Row) -> object:
    subject = score.get("subject") or {}
    return subject.get("traceId") if subject.get("kind") == "observation" else subject.get("id")


def met(condition: Mapping[str, Any], row: Row) -> bool:
    value, operator = row.get(condition["column"]), condition["operator"]
    if condition["type"] == "datetime":
        at, edge = str(value), str(condition["value"])
        return at >= edge if operator == ">=" else at < edge
    assert (condition["type"], operator) == ("stringOptions", "any of")
    return any(value == one for one in condition["value"])
