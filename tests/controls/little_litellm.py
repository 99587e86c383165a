"""A small LiteLLM proxy with a database: keys, deployments and fallbacks, held against its own description."""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jsonschema

from tests.controls.stand_ins import Declined, StandIn, Told

MASTER = "sk-master-not-a-secret"
ROUTES = json.loads((Path(__file__).parents[1] / "data" / "openapi" / "litellm_routes.json").read_text())["routes"]
HASH = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


def declined(status: int, message: str) -> Declined:
    return Declined(
        status, {"error": {"message": message, "type": "bad_request_error", "param": None, "code": str(status)}}
    )


def conforming(told: Told) -> str:
    """The route that was asked; raises where the request is not as its description says."""
    for name, route in ROUTES.items():
        method, _, path = name.partition(" ")
        if method == told.method and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", path), told.path):
            assert set(told.query) <= set(route.get("query", ()))
            if "body" in route:
                schema = {"type": "object", "properties": route["body"], "required": route["required"]}
                jsonschema.validate(told.body, {**schema, "additionalProperties": False})
            return str(name)
    raise declined(404, "Not Found")


@dataclass
class LittleLiteLlm(StandIn):
    """One virtual key, deployments by id, fallbacks by model."""

    key: dict[str, Any] = field(
        default_factory=lambda: {"blocked": None, "rpm_limit": None, "aliases": {}, "metadata": {}}
    )
    deployments: dict[str, dict[str, Any]] = field(default_factory=dict)
    fallbacks: dict[str, list[str]] = field(default_factory=dict)

    def deployment(self, id_: str, model: str) -> dict[str, Any]:
        self.deployments[id_] = {"model_name": "big", "litellm_params": {"model": model}, "model_info": {"id": id_}}
        return self.deployments[id_]

    def answer(self, told: Told) -> tuple[int, object]:
        if told.headers.get("authorization") != f"Bearer {MASTER}":
            raise declined(401, f"Authentication Error, Invalid proxy server token passed. Received API Key = {MASTER}")
        route = conforming(told)
        last = unquote(told.parts[-1])
        match route.split(" ")[1].split("/")[1]:
            case "key":
                return 200, self._key(last, told)
            case "model":
                return 200, self._model(last, told)
            case _:
                return 200, self._fallback(last, told)

    def _key(self, last: str, told: Told) -> object:
        if (told.query if told.method == "GET" else told.body).get("key") != HASH:
            raise declined(404, "Key not found.")
        if last in {"block", "unblock"}:
            self.key["blocked"] = last == "block"
        if last == "update":
            self.key |= {name: value for name, value in told.body.items() if name != "key"}
        return {"key": HASH, "info": self.key}

    def _model(self, last: str, told: Told) -> object:
        if last == "info":
            found = self.deployments.get(told.query["litellm_model_id"])
            return {"data": [found] if found else []}
        found = self.deployments.get(unquote(told.parts[1]) if last == "update" else told.body["model_id"])
        if found is None:
            raise declined(404, "Model not found on proxy.")
        if last == "update":
            assert told.body["model_info"]["id"] == found["model_info"]["id"]  # else LiteLLM makes up another id
            found["model_info"] |= told.body["model_info"]
            found["litellm_params"] |= told.body.get("litellm_params", {})
        else:
            found["model_info"]["blocked"] = last == "block"
        return found

    def _fallback(self, last: str, told: Told) -> object:
        model = told.body["model"] if told.method == "POST" else last
        if told.method == "POST":
            self.fallbacks[model] = told.body["fallback_models"]
        elif model not in self.fallbacks:
            raise Declined(404, {"detail": {"error": f"No general fallbacks configured for model '{model}'"}})
        elif told.method == "DELETE":
            del self.fallbacks[model]
        return {
            "model": model,
            "fallback_models": self.fallbacks.get(model, []),
            "fallback_type": "general",
            "message": "",
        }
