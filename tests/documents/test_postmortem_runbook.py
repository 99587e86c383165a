"""The postmortem shows the runbook that people had: what was ticked, what was not, and what it asks."""

from datetime import timedelta

import pytest

from bot.documents.postmortems import JinjaRenderer
from bot.documents.runbooks import packaged, read_runbooks
from bot.incident.review import draft
from bot.incident.taxonomy import IncidentClass
from tests.incident import stories
from tests.incident.stories import WHOLE, told
from tests.taxonomies import KNOWN, TAXONOMY

NOW = stories.DECLARED_AT + timedelta(hours=3)
RUNBOOK = read_runbooks(packaged(), KNOWN)[0][IncidentClass.QUAL]


@pytest.mark.parametrize("form", ["md", "html"])
def test_ticked_and_unticked_steps_questions_and_public_names_stand_in_it(form: str) -> None:
    events = told()
    text = JinjaRenderer().postmortem(draft(stories.state(events), events, None, NOW, TAXONOMY, RUNBOOK), form)
    for part in (
        "Runbook steps",
        "Done, runbook QUAL: Read the figure, its n and its interval",
        "Not ticked, containment: Label answers as being checked",
        "Questions of the runbook",
        "Names in public taxonomies, to choose from",
        "ASI09 human-agent trust exploitation",
    ):
        assert part in text.replace("\\", ""), part
    assert "repair the index" not in text.lower()  # for another cause


def test_without_a_class_or_a_runbook_there_is_no_such_section() -> None:
    events = told(WHOLE[:2])
    for runbook in (None, RUNBOOK):
        text = JinjaRenderer().postmortem(draft(stories.state(events), events, None, NOW, TAXONOMY, runbook), "md")
        assert "Runbook steps" not in text
        assert "public taxonomies" not in text
