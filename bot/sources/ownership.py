"""Whose telemetry a bearer token may bring: that of one agent, or of one environment.

Telemetry is judged by what it says of itself. What names nobody is the token's own: it gets that
agent or environment, so that nothing lands anywhere else. Trace ids are not compared with what is stored.
"""

from dataclasses import dataclass, replace
from typing import assert_never

from bot.incident.model import Catalogue
from bot.incident.telemetry import EvalScore, Span
from bot.sources import attributes as names
from bot.sources.values import Values, word


@dataclass(frozen=True, slots=True)
class OneAgent:
    """Only telemetry of one agent: ``names`` are all its names, ``others`` those of every other listed agent."""

    name: str
    names: frozenset[str]
    others: frozenset[str] = frozenset()

    @property
    def refusal(self) -> str:
        """Why something was left out, without a full stop."""
        return (
            f"this token brings telemetry of the agent {self.name} only; "
            "list further names of it in the agents file, or send with another token"
        )


@dataclass(frozen=True, slots=True)
class OneEnvironment:
    """Only telemetry of one deployment environment."""

    name: str

    @property
    def refusal(self) -> str:
        """Why something was left out, without a full stop."""
        return (
            f"this token brings telemetry of the environment {self.name} only; "
            "correct deployment.environment.name, or send with another token"
        )


Scope = OneAgent | OneEnvironment


def scope_of(kind: str, name: str, catalogue: Catalogue) -> Scope:
    """The scope of a token: ``kind`` is "agent" or "environment"; an agent comes with its names in the catalogue."""
    if kind == "environment":
        return OneEnvironment(name)
    agent = catalogue.agent(name)
    others = frozenset(other for entry in catalogue.agents if entry != agent for other in entry.telemetry_names)
    return OneAgent(agent.name, agent.telemetry_names, others - agent.telemetry_names)


def owned_span(scope: Scope, around: Values, span: Span) -> Span | None:
    """The span as it may be stored, or None where it names another; ``around``: its attributes over its resource's."""
    match scope:
        case OneAgent():
            agent = _agent_of(scope, around, span.agent, whole_task=span.parent_id is None)
            return None if agent is None else span if agent == span.agent else replace(span, agent=agent)
        case OneEnvironment():
            named = word(around, names.ENVIRONMENT)
            if named is None:
                return replace(span, attributes={**span.attributes, names.ENVIRONMENT[0]: scope.name})
            return span if named == scope.name else None
        case _:
            assert_never(scope)


def owned_score(scope: Scope, around: Values, score: EvalScore) -> EvalScore | None:
    """The evaluation result as it may be stored, or None where it names another; ``around`` as for spans."""
    match scope:
        case OneAgent():
            if score.agent is not None and score.agent not in scope.names:
                return None
            # Left open it would become that of the task it names, which may be anybody's
            return score if score.agent_said else score._replace(agent=scope.name, agent_said=True)
        case OneEnvironment():
            return score if word(around, names.ENVIRONMENT) in {None, scope.name} else None
        case _:
            assert_never(scope)


def owns_record(scope: Scope, around: Values) -> bool:
    """Whether messages in a log record may be stored; they are judged as a step's span is."""
    match scope:
        case OneAgent():
            return _agent_of(scope, around, word(around, names.AGENT)) is not None
        case OneEnvironment():
            return word(around, names.ENVIRONMENT) in {None, scope.name}
        case _:
            assert_never(scope)


def _agent_of(scope: OneAgent, around: Values, named: str | None, *, whole_task: bool = False) -> str | None:
    """The agent to store of what names that one, or None for another's.

    Frameworks call the parts of an agent agents too. Such a step counts as the agent's where the
    service is its own and nobody is listed under that name; a whole task must name the agent itself.
    """
    service = word(around, names.SERVICE)
    if named in scope.names:
        return named
    if named is None and service is None:
        return scope.name
    if service not in scope.names:
        return None
    if named is None:
        return service
    return None if whole_task or named in scope.others else scope.name
