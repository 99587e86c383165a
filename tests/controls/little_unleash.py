"""A small Unleash: features, environments and strategies as unleash-server 7.5.1 keeps them."""

from dataclasses import dataclass, field
from itertools import count
from typing import Any
from urllib.parse import unquote

from tests.controls.stand_ins import Declined, StandIn, Told

ADMIN = "*:*.admin-not-a-secret"
READERS = {"production": "default:production.read-not-a-secret", "development": "default:development.read-not-a-secret"}
DEFAULT = {"name": "flexibleRollout", "parameters": {"rollout": "100", "stickiness": "default"}, "constraints": []}


def declined(status: int, message: str) -> Declined:
    return Declined(status, {"name": "Error", "message": message, "details": [{"message": message}]})


@dataclass
class LittleUnleash(StandIn):
    """Features by name; each has its environments with their strategies."""

    features: dict[str, dict[str, Any]] = field(default_factory=dict)
    archived: set[str] = field(default_factory=set)
    locked: bool = False  # change requests are on: nothing is switched directly
    events: int = 0
    ids: Any = field(default_factory=count)

    def feature(self, name: str) -> dict[str, Any]:
        made = {one: {"enabled": False, "strategies": []} for one in READERS}
        return self.features.setdefault(name, {"name": name, "environments": made})

    def answer(self, told: Told) -> tuple[int, object]:
        if told.path == "/api/client/features":
            return self._read(told)
        if told.headers.get("authorization") != ADMIN:
            raise Declined(401, {"message": "You must log in to use Unleash."})
        if told.path == "/api/admin/search/events":
            return 200, {"events": [{"id": self.events}] if self.events else []}
        match [unquote(part) for part in told.parts]:
            case ["api", "admin", "projects", "default", "features", *rest]:
                return self._features(told, rest)
            case _:
                raise declined(404, "no such route")

    def _features(self, told: Told, rest: list[str]) -> tuple[int, object]:
        match told.method, rest:
            case "POST", []:
                name = told.body["name"]
                if name in self.features or name in self.archived:
                    raise declined(409, "An archived flag with that name already exists")
                assert told.body["type"] == "kill-switch"
                return 201, self.feature(name)
            case "GET", [name]:
                if name not in self.features:
                    raise declined(404, f'There\'s no feature named "{name}" in project "default".')
                return 200, self.features[name]
            case method, [name, "environments", environment, *way]:
                there = self.features.get(name, {}).get("environments", {}).get(environment)
                if there is None:
                    raise declined(404, f"Could not find environment {environment} for feature: {name}")
                return self._environment(method, way, there, told)
            case _:
                raise declined(404, "no such route")

    def _environment(self, method: str, way: list[str], there: dict[str, Any], told: Told) -> tuple[int, object]:
        if method != "GET":
            self.events += 1
        match method, way:
            case "GET", []:
                return 200, there
            case "POST", ["on" | "off" as how]:
                if self.locked:
                    raise declined(403, "Change requests are enabled in this environment")
                there["enabled"] = how == "on"
                if how == "on" and not there["strategies"]:
                    there["strategies"].append({**DEFAULT, "id": f"s{next(self.ids)}", "sortOrder": 0})
                return 200, None
            case "POST", ["strategies"]:
                self._strategy(there, told.body)
                return 200, there["strategies"][-1]
            case "DELETE", ["strategies", strategy_id]:
                if all(one["id"] != strategy_id for one in there["strategies"]):
                    raise declined(404, f"Could not find strategy with id={strategy_id}")
                there["strategies"] = [one for one in there["strategies"] if one["id"] != strategy_id]
                return 200, None
            case _:
                raise declined(404, "no such route")

    def _strategy(self, there: dict[str, Any], body: dict[str, Any]) -> None:
        assert set(body) <= {
            "name",
            "title",
            "sortOrder",
            "parameters",
            "constraints",
            "variants",
            "disabled",
            "segments",
        }
        assert all(isinstance(value, str) for value in body["parameters"].values())
        assert all(set(one) == {"contextName", "operator", "values"} for one in body["constraints"])
        assert sum(one["weight"] for one in body["variants"]) in {0, 1000}
        there["strategies"].append({**body, "id": f"s{next(self.ids)}", "disabled": False})

    def _read(self, told: Told) -> tuple[int, object]:
        environment = {token: name for name, token in READERS.items()}.get(told.headers.get("authorization", ""))
        if environment is None:
            raise Declined(401, {"message": "no"})
        hidden = {"id", "title", "sortOrder", "disabled"}
        found = []
        for name, feature in self.features.items():
            there = feature["environments"][environment]
            ordered = sorted(there["strategies"], key=lambda one: one["sortOrder"])
            shown = [{key: value for key, value in one.items() if key not in hidden} for one in ordered]
            if name.startswith(told.query["namePrefix"]):
                found.append({"name": name, "enabled": there["enabled"], "strategies": shown})
        return 200, {"version": 2, "features": found, "meta": {"revisionId": self.events}}
