"""A small LaunchDarkly: semantic patches are checked and carried out as its API documents them."""

import copy
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from urllib.parse import unquote

from tests.controls.stand_ins import Declined, StandIn, Told

TOKEN = "api-not-a-secret-0123"
SEMANTIC = "application/json; domain-model=launchdarkly.semanticpatch"
PARAMETERS = {  # kind -> what it must have, and what it may have besides
    "turnFlagOn": (set[str](), set[str]()),
    "turnFlagOff": (set[str](), set[str]()),
    "addRule": ({"clauses", "variationId"}, {"beforeRuleId", "description"}),
    "removeRule": ({"ruleId"}, set[str]()),
}
CLAUSE = {"contextKind", "attribute", "op", "negate", "values"}
LINK = {"href": "/api/v2/flags/default/a-flag", "type": "application/json"}
OF_A_FLAG: dict[str, Any] = {  # what a real answer has besides, and nobody here reads
    "_version": 1,
    "creationDate": 1793620800000,
    "temporary": False,
    "tags": [],
    "_links": {"self": LINK},
    "experiments": {"baselineIdx": 0, "items": []},
    "customProperties": {},
    "archived": False,
}
OF_AN_ENVIRONMENT: dict[str, Any] = {
    "archived": False,
    "salt": "c2FsdA",
    "sel": "c2Vs",
    "lastModified": 1793620800000,
    "_site": LINK,
    "trackEvents": False,
    "trackEventsFallthrough": False,
}
OF_A_REQUEST: dict[str, Any] = {
    "_version": 1,
    "creationDate": 1793620800000,
    "serviceKind": "launchdarkly",
    "reviewStatus": "pending",
    "allReviews": [],
    "notifyMemberIds": [],
    "conflicts": [],
    "_links": {"self": LINK},
}


def refused(status: int, code: str, message: str) -> Declined:
    return Declined(status, {"code": code, "message": message, "id": "30ce6058"})


@dataclass
class LittleLaunchDarkly(StandIn):
    """Flags of the project "default" by key."""

    flags: dict[str, dict[str, Any]] = field(default_factory=dict)
    approvals: bool = False
    requests: list[dict[str, Any]] = field(default_factory=list)
    conflicts: int = 0  # so many patches meet a change of somebody else
    ids: Any = field(default_factory=count)

    def flag(self, key: str, *values: object, on: bool = True, off: int = 1, fallthrough: int = 0) -> dict[str, Any]:
        """A flag with these variations in production and staging."""
        targeting = {
            "on": on,
            "offVariation": off,
            "fallthrough": {"variation": fallthrough},
            "rules": [],
            "version": 1,
            **OF_AN_ENVIRONMENT,
        }
        self.flags[key] = {
            "key": key,
            "name": key,
            "kind": "boolean" if all(isinstance(value, bool) for value in values) else "multivariate",
            **OF_A_FLAG,
            "variations": [{"_id": f"v{place}", "value": value} for place, value in enumerate(values)],
            "environments": {
                name: {**copy.deepcopy(targeting), "_environmentName": name} for name in ("production", "staging")
            },
        }
        return self.flags[key]

    def answer(self, told: Told) -> tuple[int, object]:
        if told.headers.get("authorization") != TOKEN:
            raise refused(401, "unauthorized", "Invalid access token")
        match told.method, [unquote(part) for part in told.parts]:
            case "GET", ["api", "v2", "flags", "default", key]:
                flag = self._flag(key)
                shown = {name: one for name, one in flag["environments"].items() if name == told.query["env"]}
                return 200, {**flag, "environments": shown}
            case "PATCH", ["api", "v2", "flags", "default", key]:
                return 200, self._patched(self._flag(key), told)
            case method, ["api", "v2", "projects", "default", "flags", _, "environments", _, "approval-requests"]:
                if method == "GET":
                    return 200, {"items": self.requests}
                assert set(told.body) == {"description", "comment", "instructions"}
                kept = {name: told.body[name] for name in ("description", "instructions")}
                self.requests.append({**kept, **OF_A_REQUEST, "_id": f"r{next(self.ids)}", "status": "pending"})
                return 201, self.requests[-1]
            case _:
                raise refused(404, "not_found", "Unknown route")

    def approve(self, key: str, environment: str) -> None:
        """Somebody approves what waits, and it is carried out."""
        for request in self.requests:
            self._carried_out(self._flag(key), environment, request["instructions"])
            request["status"] = "completed"

    def _flag(self, key: str) -> dict[str, Any]:
        if key not in self.flags:
            raise refused(404, "not_found", f"Unknown feature key {key!r}")
        return self.flags[key]

    def _patched(self, flag: dict[str, Any], told: Told) -> dict[str, Any]:
        if told.headers["content-type"] != SEMANTIC:
            raise refused(400, "invalid_request", "patch must be a JSON array")
        if self.conflicts:
            self.conflicts -= 1
            raise refused(409, "optimistic_locking_error", "Conflict. Optimistic lock failed")
        if self.approvals:
            raise refused(405, "method_not_allowed", "Approval is required for this environment")
        assert set(told.body) == {"environmentKey", "comment", "instructions"}
        self._carried_out(flag, told.body["environmentKey"], told.body["instructions"])
        return flag

    def _carried_out(self, flag: dict[str, Any], environment: str, instructions: list[dict[str, Any]]) -> None:
        """All of it or nothing."""
        changed = copy.deepcopy(flag["environments"][environment])
        for one in instructions:
            rest = {name: value for name, value in one.items() if name != "kind"}
            must, may = PARAMETERS[one["kind"]]
            if not must <= set(rest) <= must | may:
                raise refused(400, "invalid_request", f"{one['kind']} has the wrong parameters")
            self._instructed(changed, flag, one["kind"], rest)
        changed["version"] += 1
        flag["environments"][environment] = changed

    def _instructed(self, there: dict[str, Any], flag: dict[str, Any], kind: str, given: dict[str, Any]) -> None:
        ids = [rule["_id"] for rule in there["rules"]]
        match kind:
            case "turnFlagOn" | "turnFlagOff":
                there["on"] = kind == "turnFlagOn"
            case "removeRule":
                if given["ruleId"] not in ids:
                    raise refused(400, "invalid_request", "rule not found")
                there["rules"] = [rule for rule in there["rules"] if rule["_id"] != given["ruleId"]]
            case _:
                assert given["clauses"]
                assert all(set(clause) == CLAUSE for clause in given["clauses"])
                variations = [one["_id"] for one in flag["variations"]]
                rule = {
                    "_id": f"rule{next(self.ids)}",
                    "variation": variations.index(given["variationId"]),
                    "clauses": [{**clause, "_id": f"clause{next(self.ids)}"} for clause in given["clauses"]],
                    "trackEvents": False,
                    "description": given.get("description", ""),
                }
                place = ids.index(given["beforeRuleId"]) if "beforeRuleId" in given else len(ids)
                there["rules"].insert(place, rule)
