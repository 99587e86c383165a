"""Langfuse's prompts with their labels, every request and answer held against Langfuse's OpenAPI file."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from tests.controls.stand_ins import Declined, StandIn, Told
from tests.sources.langfuse_stub import conforms, read_as, spec

PUBLIC, SECRET = "pk-lf-not-a-secret", "sk-lf-not-a-secret"
READ, MOVE = "/api/public/v2/prompts/{promptName}", "/api/public/v2/prompts/{name}/versions/{version}"


@dataclass
class LittleLangfuse(StandIn):
    """One prompt: its labels and the version each is on."""

    name: str = "helpdesk/system"
    versions: int = 9
    labels: dict[str, int] = field(default_factory=dict)
    protected: bool = False

    def answer(self, told: Told) -> tuple[int, object]:
        if not told.headers.get("authorization", "").startswith("Basic "):
            raise Declined(401, {"message": "Invalid credentials"})
        route = MOVE if "versions" in told.parts else READ
        described = spec()["paths"][route][told.method.lower()]
        for name, text in told.query.items():
            schema = next(
                one["schema"] for one in described["parameters"] if one["name"] == name and one["in"] == "query"
            )
            conforms(schema, read_as(schema, text))
        if unquote(told.parts[4]) != self.name:
            raise Declined(404, {"message": f"Prompt not found: {unquote(told.parts[4])}"})
        found = self._moved(told, described) if told.method == "PATCH" else self._read(told)
        conforms(described["responses"]["200"]["content"]["application/json"]["schema"], found)
        return 200, found

    def _moved(self, told: Told, described: Any) -> dict[str, Any]:
        conforms(described["requestBody"]["content"]["application/json"]["schema"], told.body)
        version = int(told.parts[-1])
        if self.protected:
            raise Declined(403, {"message": "You don't have permission to update a prompt with protected labels"})
        if not 1 <= version <= self.versions:
            raise Declined(404, {"message": f"Prompt not found: {self.name}"})
        self.labels |= dict.fromkeys(told.body["newLabels"], version)
        return self._prompt(version)

    def _read(self, told: Told) -> dict[str, Any]:
        version = self.labels.get(told.query["label"])
        if version is None:
            raise Declined(404, {"message": "Prompt not found", "error": "LangfuseNotFoundError"})
        return self._prompt(version)

    def _prompt(self, version: int) -> dict[str, Any]:
        labels = [label for label, place in self.labels.items() if place == version]
        plain: dict[str, Any] = {"id": "p1", "config": {}, "tags": [], "commitMessage": None, "resolutionGraph": None}
        return {**plain, "type": "text", "prompt": "Hi", "name": self.name, "version": version, "labels": labels}
