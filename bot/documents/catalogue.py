"""The agent catalogue: ``agents.yaml`` into :class:`bot.incident.model.Catalogue`."""

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from bot.documents.strict import Strict
from bot.documents.yaml_lines import Document, Mistake, mistakes_of, parse, read_text
from bot.incident.kinds import MitigationKind
from bot.incident.model import Agent, Band, Catalogue, Impact, Tool, Wiring
from bot.incident.taxonomy import Severity
from bot.incident.telemetry import SideEffect

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
_CONTROL_KEY = re.compile(r"[a-z0-9._-]{1,80}")
CONTROLS = tuple(kind.value.replace("-", "_") for kind in MitigationKind)  # with a flag key of the agent's own
SOURCES = ("phoenix", "mlflow", "langfuse", "langsmith", "datadog", "tempo", "jaeger", "prometheus")


class _Telemetry(Strict):
    service_names: tuple[str, ...] = ()
    agent_names: tuple[str, ...] = ()
    full_text: bool = False
    projects: dict[str, str] = Field(default_factory=dict)

    @field_validator("projects")
    @classmethod
    def _known(cls, projects: dict[str, str]) -> dict[str, str]:
        for source in projects:
            if source not in SOURCES:
                raise ValueError(f"{source!r} is no source; use one of {', '.join(SOURCES)}")
        return projects


class _Tool(Strict):
    name: str = Field(min_length=1, max_length=200)
    side_effect: SideEffect = SideEffect.READ
    privileged: bool = False


class _Wiring(Strict):
    driver: str = Field(pattern=r"^([a-z0-9][a-z0-9-]{0,39}|[A-Za-z_][\w.]*:[A-Za-z_]\w*)$")  # a name, or module:NAME
    options: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _short(cls, given: object) -> object:
        """Only a name is the driver's; beside ``driver``, every other word is an option of it."""
        if isinstance(given, str):
            return {"driver": given}
        if isinstance(given, dict) and "options" not in given:
            rest = {str(name): str(value) for name, value in given.items() if name != "driver"}
            return {"options": rest, **({"driver": given["driver"]} if "driver" in given else {})}
        return given


class _Band(Strict):
    low: Annotated[float, Field(ge=0, le=1)]
    high: Annotated[float, Field(ge=0, le=1)]

    @model_validator(mode="after")
    def _ordered(self) -> "_Band":
        if self.low > self.high:
            raise ValueError("low is above high; swap them")
        return self


class _Impact(Strict):
    external: bool = False
    regulated: bool = False
    human_in_the_loop: bool | None = None
    sensitive: tuple[Literal["minors", "health", "finance"], ...] = ()
    persistent_memory: bool = False
    objective: float | None = Field(default=None, gt=0, lt=1)
    severity_floor: Severity | None = None


class _Agent(Strict):
    name: str
    description: str = ""
    owners: tuple[str, ...] = ()
    slack_channel: str | None = None
    environments: tuple[str, ...] = ("production",)
    telemetry: _Telemetry = _Telemetry()
    control_keys: dict[str, str] = Field(default_factory=dict)
    controls: dict[MitigationKind, _Wiring] = Field(default_factory=dict)
    tools: tuple[_Tool, ...] = ()
    approvers: tuple[str, ...] = ()
    kept_elsewhere: tuple[str, ...] = ()
    escalation_band: _Band | None = None
    sla: str | None = None
    provider: str | None = None
    impact: _Impact = Field(default_factory=_Impact)

    @field_validator("name")
    @classmethod
    def _usable(cls, name: str) -> str:
        if not _NAME.fullmatch(name):
            raise ValueError(
                "a name has letters, digits, dots, dashes and underscores, 80 at most; what telemetry calls it "
                "(org/helpdesk) goes under telemetry: agent_names: [org/helpdesk]"
            )
        return name

    @field_validator("control_keys")
    @classmethod
    def _known(cls, keys: dict[str, str]) -> dict[str, str]:
        for control, key in keys.items():
            if control not in CONTROLS:
                raise ValueError(f"{control!r} is no control; use one of {', '.join(CONTROLS)}")
            if not _CONTROL_KEY.fullmatch(key):
                raise ValueError(f"{key!r} is no flag key; use lower-case letters, digits, dots, dashes, underscores")
        return keys


class _File(Strict):
    agents: tuple[_Agent, ...]


def read_catalogue(file: Path) -> Catalogue | tuple[Mistake, ...]:
    """The catalogue in ``file``, or every mistake in it. A file that does not exist is an empty catalogue."""
    if not file.exists():
        return Catalogue()
    text = read_text(file)
    if isinstance(text, Mistake):
        return (text,)
    document = parse(text, file)
    if isinstance(document, Mistake):
        return (document,)
    return _catalogue(document, file)


def _catalogue(document: Document, file: Path) -> Catalogue | tuple[Mistake, ...]:
    try:
        parsed = _File.model_validate(document.value if document.value is not None else {"agents": []})
    except ValidationError as error:
        return mistakes_of(error, document, file)
    agents = tuple(_agent(entry, index, document) for index, entry in enumerate(parsed.agents))
    twice = _claimed_twice(agents, document, file)
    return twice or Catalogue(agents)


def _claimed_twice(agents: tuple[Agent, ...], document: Document, file: Path) -> tuple[Mistake, ...]:
    owner: dict[str, str] = {}
    mistakes = []
    for index, agent in enumerate(agents):
        for name in sorted(agent.telemetry_names):
            if name in owner:
                line = document.line(("agents", index, "name"))
                mistakes.append(Mistake(file, line, f"{name!r} belongs to {owner[name]} already; one name, one agent."))
            owner[name] = agent.name
    return tuple(mistakes)


def _agent(entry: _Agent, index: int, document: Document) -> Agent:
    given: dict[str, Any] = {
        name: getattr(entry, name)
        for name in (
            "name",
            "description",
            "owners",
            "slack_channel",
            "environments",
            "control_keys",
            "approvers",
            "kept_elsewhere",
            "sla",
            "provider",
        )
    }
    return Agent(
        **given,
        service_names=entry.telemetry.service_names,
        agent_names=entry.telemetry.agent_names,
        full_text=entry.telemetry.full_text,
        projects=entry.telemetry.projects,
        impact=Impact(**entry.impact.model_dump()),
        controls={
            kind.value: Wiring(one.driver, one.options, document.line(("agents", index, "controls", kind.value)))
            for kind, one in entry.controls.items()
        },
        tools=tuple(Tool(tool.name, tool.side_effect, tool.privileged) for tool in entry.tools),
        escalation_band=Band(entry.escalation_band.low, entry.escalation_band.high) if entry.escalation_band else None,
    )
