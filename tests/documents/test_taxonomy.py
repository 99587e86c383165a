"""The taxonomy that comes along is whole, a team adds to it in a file of its own, and mistakes are named where they stand."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from bot.documents.taxonomy import Read, packaged, read_taxonomy
from bot.incident.classification import Question
from bot.incident.kinds import MitigationKind
from bot.incident.rules import AnswerRule
from bot.incident.taxonomy import IncidentClass, Severity
from tests.taxonomies import KNOWN, TAXONOMY

COST = """version: acme-1
questions:
  - id: cost
    title: It costs too much
    ask: Do tasks cost more than twice what they cost before?
    if_yes: COST
    leads_to: COST
    after: looping
    telemetry: case
classes:
  - id: COST
    name: cost out of bounds
    meaning: Tasks end well and cost far more than they are worth.
    first_mitigation: Cap the turns of a task, then look for what grew.
    do_not: [raise the budget]
    floor: SEV3
    case:
      signals: [{name: cost_p95, times: 2, at_least: 20}]
"""


def own(folder: Path, text: str) -> Read:
    (folder / "own.yaml").write_text(text)
    return read_taxonomy(folder / "own.yaml")


def line_of(text: str, part: str) -> int:
    return next(at for at, line in enumerate(text.splitlines(), 1) if part in line)


def said(mistakes: Iterable[object]) -> str:
    return "\n".join(str(one) for one in mistakes)


class TestTheOneThatComesAlong:
    def test_has_no_mistake(self) -> None:
        assert said(KNOWN.mistakes) == ""

    def test_knows_the_nine_classes_and_the_twelve_questions(self) -> None:
        assert " ".join(TAXONOMY.classes) == "SECU ACTN BEHV HARD PROV TOOL LOOP QUAL UNKN"
        assert len(TAXONOMY.questions) == 12

    def test_judges_the_kill_switch_and_the_turn_limit_for_every_class(self) -> None:
        for facts in TAXONOMY.classes.values():
            assert {MitigationKind.HALT, MitigationKind.TURN_LIMIT} <= set(facts.levers), facts.id

    def test_stands_where_the_wheel_takes_it_from(self) -> None:
        assert packaged().is_file()


class TestATeamsOwn:
    def test_class_and_question_are_added_in_their_place(self, tmp_path: Path) -> None:
        read = own(tmp_path, COST)
        assert said(read.mistakes) == ""
        assert list(read.taxonomy.classes)[-1] == "COST"
        order = list(read.taxonomy.order)
        assert order.index(Question("cost")) == order.index(Question.LOOPING) + 1
        assert read.taxonomy.version == f"{TAXONOMY.version} + acme-1"

    def test_field_replaces_ours_and_leaves_the_rest(self, tmp_path: Path) -> None:
        taxonomy = own(tmp_path, "classes:\n  - id: QUAL\n    floor: SEV2\n").taxonomy
        assert taxonomy.facts(IncidentClass.QUAL).floor is Severity.SEV2
        assert taxonomy.facts(IncidentClass.QUAL).name == TAXONOMY.facts(IncidentClass.QUAL).name

    def test_question_may_be_put_to_people_only(self, tmp_path: Path) -> None:
        text = COST.replace("telemetry: case", "telemetry: people").partition("    case:")[0]
        read = own(tmp_path, text)
        assert said(read.mistakes) == ""
        assert read.taxonomy.asked(Question("cost")).telemetry is AnswerRule.PEOPLE


@pytest.mark.parametrize(
    ("text", "line", "part"),
    [
        (COST.replace("    after: looping\n", ""), line_of(COST, "id: cost"), "cost is never asked"),
        (COST.replace("after: looping", "after: loping"), line_of(COST, "id: cost"), "cost is never asked"),
        (COST.replace("leads_to: COST", "leads_to: COSTS"), line_of(COST, "leads_to:"), "there is no class COSTS"),
        (COST.partition("classes:")[2] and "classes:" + COST.partition("classes:")[2], 2, "no question leads to COST"),
        (COST.replace("cost_p95", "cost_p59"), line_of(COST, "cost_p95"), "no signal is called"),
        (COST.replace("floor: SEV3", "floor: SEV7"), line_of(COST, "floor:"), "'SEV7'; use"),
        (COST.replace("    ask: Do tasks cost more than twice what they cost before?\n", ""), 3, "ask is missing"),
        (COST.replace("telemetry: case", "telemetry: guess"), line_of(COST, "telemetry:"), "'guess'; use"),
        (COST.replace("telemetry: case", "telemetry: case\n    then: [costs]"), 10, "no question has the id 'costs'"),
        (COST.partition("    case:")[0], line_of(COST, "telemetry:"), "COST has no case"),
        (
            COST + "  - id: COST\n",
            line_of(COST, "- {name" if "- {name" in COST else "signals:") + 1,
            "stands here twice",
        ),
        (COST.replace("do_not: [raise the budget]", "do_not: []"), line_of(COST, "do_not"), "do_not"),
        (COST.replace("id: COST", "id: cost!"), line_of(COST, "id: COST"), "id"),
        ("order: [security, fresh]\n", 1, "fresh does not lead to a class"),
        ("questions:\n  - id: loud\n    then: [provider, one_tool, looping]\n", 3, "looping is asked in 2 places"),
        ("classes:\n  - id: LOOP\n    labels: {mast: ['9.9']}\n", 3, "9.9 has no name"),
        ("classes:\n  - id: LOOP\n    onset: [everything]\n", 3, "nothing that begins is called 'everything'"),
        ("classes:\n  - id: LOOP\n    cause: {because: why}\n", 3, "give either `is`"),
        ("questions: {a: b}\n", 1, "questions must be a list"),
        ("classes:\n  - name: nameless\n", 2, "has no id"),
        ("- a\n", 1, "must be a mapping"),
        ("version: [\n", 2, "not valid YAML"),
    ],
)
def test_a_mistake_is_named_where_it_stands(tmp_path: Path, text: str, line: int, part: str) -> None:
    read = own(tmp_path, text)
    found = [(one.file.name, one.line, one.sentence) for one in read.mistakes]
    assert any((name, at) == ("own.yaml", line) and part in sentence for name, at, sentence in found), found
    assert read.taxonomy == TAXONOMY
