"""The postmortem before rendering, as it goes out."""

from datetime import datetime

from pydantic import Field

from bot.web.api.models.incidents import IncidentShape
from bot.web.api.models.shape import Shape


class StatementShape(Shape):
    """A sentence with the events that support it; none means people wrote it."""

    text: str
    events: list[str]


class TodoShape(Shape):
    """A gap only people can fill."""

    section: str
    question: str


class PostmortemShape(Shape):
    """The document before rendering."""

    incident: IncidentShape
    drafted_at: datetime
    sections: dict[str, list[StatementShape]]
    classification_story: list[StatementShape]
    mitigations: list[StatementShape]
    todos: list[TodoShape]
    reviewable: bool
    reviewed: bool
    runbook_steps: list[StatementShape] = Field(default_factory=list, description="ticked ones, then the others")
    runbook_questions: list[StatementShape] = Field(default_factory=list)
    labels: list[StatementShape] = Field(default_factory=list, description="names of the class in public taxonomies")
    mitigation_times: list[StatementShape] = Field(
        default_factory=list,
        description="of each mitigation: in force, delivered, observed, and where the audit has it",
    )
    approvals: list[StatementShape] = Field(default_factory=list, description="by second persons, and broken glass")
