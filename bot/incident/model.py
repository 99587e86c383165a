"""The nouns everyone uses: people, agents, incidents."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NewType

from bot.incident.taxonomy import Severity
from bot.incident.telemetry import SideEffect

IncidentKey = NewType("IncidentKey", str)  # "INC-7"


class Status(StrEnum):
    """The ladder an incident climbs. It is a fold over the timeline, never set by hand."""

    DECLARED = "declared"
    CLASSIFIED = "classified"
    MITIGATED = "mitigated"
    RESOLVED = "resolved"
    REVIEWED = "reviewed"

    @property
    def is_open(self) -> bool:
        """The incident still takes classification and mitigations."""
        return self not in {Status.RESOLVED, Status.REVIEWED}


class Role(StrEnum):
    """Who does what during an incident."""

    COMMANDER = "commander"
    SCRIBE = "scribe"
    COMMUNICATIONS = "communications"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who acted: a chat user id, ``cli:<login>`` or ``api:<token name>``, and a name to show."""

    id: str
    name: str


FIRSTFIVE = Person("firstfive", "firstfive")  # the bot itself, for what the clock or telemetry did


class Via(StrEnum):
    """The door somebody came through."""

    SLACK = "slack"
    API = "api"
    CLI = "cli"
    MONITOR = "monitor"
    ALERT = "alert"

    @property
    def in_words(self) -> str:
        """As sentences name it: ``through Slack``."""
        return _DOORS[self]


_DOORS = {
    Via.SLACK: "Slack",
    Via.API: "the API",
    Via.CLI: "the command line",
    Via.MONITOR: "a monitor",
    Via.ALERT: "an alert",
}


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool an agent may call."""

    name: str
    side_effect: SideEffect = SideEffect.READ
    privileged: bool = False


@dataclass(frozen=True, slots=True)
class Band:
    """A two-sided normal range of a share, 0..1."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Wiring:
    """How one kind of control of an agent is carried out: by which driver, and what that one needs to know."""

    driver: str
    options: Mapping[str, str] = field(default_factory=dict)
    line: int = field(default=1, compare=False)  # where it stands in the catalogue, for whoever finds fault with it


@dataclass(frozen=True, slots=True)
class Impact:
    """What trouble with an agent can do, as the catalogue knows it. It raises severities and never lowers one.

    ``objective`` is the share of tasks that must end well, 0..1; ``human_in_the_loop`` is None where nobody said.
    """

    external: bool = False  # people outside the organisation read what it says
    regulated: bool = False
    human_in_the_loop: bool | None = None
    sensitive: tuple[str, ...] = ()  # minors, health, finance
    persistent_memory: bool = False  # what it reads stays in a memory or an index
    objective: float | None = None
    severity_floor: Severity | None = None


@dataclass(frozen=True, slots=True)
class Agent:
    """A catalogue entry. Only the name is required; an unlisted agent gets the defaults."""

    name: str
    description: str = ""
    owners: tuple[str, ...] = ()
    slack_channel: str | None = None
    environments: tuple[str, ...] = ("production",)
    service_names: tuple[str, ...] = ()
    agent_names: tuple[str, ...] = ()
    full_text: bool = False  # what it and its users say is kept whole; else short previews only
    projects: dict[str, str] = field(default_factory=dict)  # source -> the agent's project or experiment there
    control_keys: dict[str, str] = field(default_factory=dict)
    controls: Mapping[str, Wiring] = field(default_factory=dict)  # kind -> driver; other kinds are built in
    tools: tuple[Tool, ...] = ()
    approvers: tuple[
        str, ...
    ] = ()  # people and Slack user groups who approve the riskier direction; empty: anybody else
    kept_elsewhere: tuple[str, ...] = ()  # where its memory and queue are, for the evidence that a halt can destroy
    escalation_band: Band | None = None
    sla: str | None = None
    provider: str | None = None
    impact: Impact = field(default_factory=Impact)
    listed: bool = True

    @property
    def telemetry_names(self) -> frozenset[str]:
        """Every name under which telemetry may speak of this agent."""
        return frozenset({self.name, *self.service_names, *self.agent_names})


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The agents a team runs."""

    agents: tuple[Agent, ...] = ()

    def find(self, name: str) -> Agent | None:
        """The agent of that name or telemetry name, or None."""
        return next((agent for agent in self.agents if name in agent.telemetry_names), None)

    def agent(self, name: str) -> Agent:
        """The agent of that name; one that only telemetry knows comes with defaults and ``listed=False``."""
        return self.find(name) or Agent(name=name, listed=False)


@dataclass(frozen=True, slots=True)
class Incident:
    """What is fixed at declaration. Everything later is an event on the timeline."""

    number: int
    title: str
    agent: str
    environment: str
    declared_at: datetime
    declared_by: Person
    private: bool = False
    test: bool = False

    @property
    def key(self) -> IncidentKey:
        """The name people use: ``INC-7``."""
        return IncidentKey(f"INC-{self.number}")
