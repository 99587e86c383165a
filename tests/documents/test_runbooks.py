"""Every class has a runbook that is worth reading at 3 a.m., and a team's own replaces one class at a time."""

from pathlib import Path

import pytest

from bot.documents.runbooks import packaged, read_runbook, read_runbooks, whose
from bot.incident.fitness import judge
from bot.incident.kinds import MitigationKind
from bot.incident.offer import Standing
from bot.incident.recovery import Trouble
from bot.incident.rules import ROLLBACK_CAUSES
from bot.incident.runbook import ACTIONS, Deed, Phase, Runbook
from bot.incident.taxonomy import IncidentClass
from tests.taxonomies import CLASSES, KNOWN, TAXONOMY

FRONT = """---
class: LOOP
version: 2026.11-a
title: Our own loops
trigger: Steps go up.
signature:
  - Steps are up and errors are flat
questions:
  - Are steps up?
blast_radius:
  - The budget
in_flight:
  - Looping tasks go on
first_five: [look, limit]
steps:
  - id: look
    phase: diagnosis
    text: Look at one trace
    action: evidence
  - id: limit
    phase: containment
    text: Press the turn limit
    action: turn-limit
    verify: No task goes past it
    undo: Undo it on the card
  - id: prompt-back
    phase: remediation
    text: Take the prompt back
    causes: [our-prompt]
    rollback: true
  - id: tell
    phase: communication
    text: Tell users
    action: update
  - id: watch
    phase: recovery
    text: Watch two windows
do_not:
  - text: Kill the agent
    because: Ordinary tasks pass
snapshot:
  - One looping trace
recovery:
  text: Steps are back at their baseline.
  lifted: true
  signals:
    - signal: at_limit
      at_least: 50
      minutes: 20
communication:
  - {who: Users, when: at once, what: that it is capped}
postmortem:
  - What did it cost?
---
"""
BODY = "What to look at, and what to do about it. " * 8


def line_of(part: str, text: str = FRONT) -> int:
    return text[: text.index(part)].count("\n") + 1


def written(folder: Path, text: str, name: str = "LOOP.md") -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def mistakes(folder: Path, text: str) -> list[tuple[int, str]]:
    found = read_runbook(written(folder, text), TAXONOMY)
    assert isinstance(found, tuple)
    return [(mistake.line, mistake.sentence) for mistake in found]


def test_the_packaged_runbooks_cover_every_class_without_a_mistake() -> None:
    runbooks, mistakes = read_runbooks(packaged(), KNOWN)
    assert mistakes == ()
    assert set(runbooks) == set(CLASSES)
    assert not any(runbook.own for runbook in runbooks.values())


@pytest.mark.parametrize("incident_class", CLASSES)
class TestAPackagedRunbook:
    def test_is_no_placeholder(self, incident_class: IncidentClass) -> None:
        runbook = read_runbooks(packaged(), KNOWN)[0][incident_class]
        assert len(runbook.body) > 800
        assert len(runbook.first_five) == 5
        assert len(runbook.do_not) >= len(TAXONOMY.facts(incident_class).do_not)
        assert "TODO" not in runbook.body
        assert "\n## " in f"\n{runbook.body}"

    def test_never_offers_a_lever_that_makes_its_class_worse(self, incident_class: IncidentClass) -> None:
        runbook = read_runbooks(packaged(), KNOWN)[0][incident_class]
        for step in runbook.steps:
            if isinstance(step.action, MitigationKind):
                standing, _ = judge(step.action, incident_class, TAXONOMY, harm_now=False, failing=0.1)
                assert standing is not Standing.CONTRAINDICATED, step.id

    def test_rolls_back_only_for_causes_that_a_rollback_can_repair(self, incident_class: IncidentClass) -> None:
        runbook = read_runbooks(packaged(), KNOWN)[0][incident_class]
        for step in runbook.steps:
            said = f"{step.text} {step.id}".lower()
            if "roll" in said and " back" in said and step.phase is Phase.REMEDIATION:
                assert step.rollback, step.id
            if step.rollback:
                assert set(step.causes) <= ROLLBACK_CAUSES

    def test_contains_before_it_repairs(self, incident_class: IncidentClass) -> None:
        runbook = read_runbooks(packaged(), KNOWN)[0][incident_class]
        phases = [step.phase for step in runbook.steps]
        if Phase.REMEDIATION in phases:
            assert phases.index(Phase.CONTAINMENT) < phases.index(Phase.REMEDIATION)
        assert all(step.text[0].isupper() and not step.text.endswith((".", "!")) for step in runbook.steps)
        named = {step.text: step for step in runbook.steps}
        assert all(named[text].phase is not Phase.REMEDIATION for text in runbook.first_five)

    def test_says_how_much_is_enough_where_telemetry_can_tell(self, incident_class: IncidentClass) -> None:
        gate = read_runbooks(packaged(), KNOWN)[0][incident_class].recovery
        assert gate is not None
        assert bool(gate.watches) is (incident_class is not IncidentClass.UNKN)


def test_memory_is_snapshotted_before_anything_else_where_an_attacker_is_at_work() -> None:
    runbook = read_runbooks(packaged(), KNOWN)[0][IncidentClass.SECU]
    first = runbook.steps[0]
    assert (first.action, first.phase) == (Deed.SNAPSHOT, Phase.CONTAINMENT)
    assert runbook.first_five[0] == first.text


def test_what_is_read_is_what_was_written(tmp_path: Path) -> None:
    runbook = read_runbook(written(tmp_path, FRONT + BODY), TAXONOMY)
    assert isinstance(runbook, Runbook)
    assert (runbook.version, runbook.edition) == ("2026.11-a", "LOOP 2026.11-a, packaged")
    assert runbook.first_five == ("Look at one trace", "Press the turn limit")
    limit = runbook.step("limit")
    assert limit is not None
    assert (limit.action, limit.verify) == (MitigationKind.TURN_LIMIT, "No task goes past it")
    assert runbook.recovery is not None
    (watch,) = runbook.recovery.watches
    assert (watch.signal, watch.trouble, watch.at_least, watch.minutes) == ("at_limit", Trouble.UP, 50, 20)
    assert runbook.step("nothing") is None


def test_a_file_of_ones_own_replaces_its_class_alone(tmp_path: Path) -> None:
    written(tmp_path, FRONT + BODY)
    runbooks, mistakes = read_runbooks(tmp_path, KNOWN)
    assert mistakes == ()
    assert runbooks[IncidentClass.LOOP].title == "Our own loops"
    assert runbooks[IncidentClass.LOOP].edition == "LOOP 2026.11-a, own"
    assert runbooks[IncidentClass.QUAL] == read_runbooks(packaged(), KNOWN)[0][IncidentClass.QUAL]
    assert whose(runbooks).startswith("9 classes; your own: LOOP 2026.11-a; as they came along: ")
    assert "LOOP" not in whose(runbooks).partition("came along")[2]


def test_without_a_file_of_ones_own_all_are_as_they_came_along() -> None:
    assert whose(read_runbooks(packaged(), KNOWN)[0]) == "9 classes, all as they came along"


def test_a_bare_number_is_a_version_too(tmp_path: Path) -> None:
    runbook = read_runbook(written(tmp_path, FRONT.replace("2026.11-a", "3") + BODY), TAXONOMY)
    assert isinstance(runbook, Runbook)
    assert runbook.version == "3"


def test_a_broken_runbook_is_named_and_the_packaged_one_stands_in(tmp_path: Path) -> None:
    written(tmp_path, "no front matter")
    runbooks, mistakes = read_runbooks(tmp_path, KNOWN)
    assert len(mistakes) == 1
    assert set(runbooks) == set(CLASSES)


def test_a_folder_that_is_not_there_is_said_and_nobody_is_left_without(tmp_path: Path) -> None:
    runbooks, mistakes = read_runbooks(tmp_path / "nowhere", KNOWN)
    assert "FIRSTFIVE_RUNBOOKS" in mistakes[0].sentence
    assert set(runbooks) == set(CLASSES)


def test_two_files_for_one_class_are_a_mistake(tmp_path: Path) -> None:
    written(tmp_path, FRONT + BODY, "a.md")
    written(tmp_path, FRONT + BODY, "b.md")
    _, (twice,) = read_runbooks(tmp_path, KNOWN)
    assert twice.file.name == "b.md"
    assert "LOOP has a runbook already" in twice.sentence


@pytest.mark.parametrize(
    ("text", "line", "part"),
    [
        ("", 1, "front matter"),
        ("---\nclass: LOOP\n", 1, "front matter"),
        (FRONT.replace("class: LOOP", "class: LOPO") + BODY, 2, "there is no class LOPO; use"),
        (FRONT.replace("title: Our own loops\n", "") + BODY, 2, "title is missing"),
        (FRONT.replace("version: 2026.11-a\n", "") + BODY, 2, "version is missing"),
        (FRONT.replace("questions:", "questoins:") + BODY, line_of("questions:"), "questoins is not a known field"),
        (FRONT.replace("[look, limit]", "[look]") + BODY, line_of("first_five"), "first_five"),
        (FRONT.replace("[look, limit]", "[look, lmit]") + BODY, line_of("first_five"), "no step has the id 'lmit'"),
        (FRONT.replace("text: Look at", "text: 'Look: at'\n    txt: x #") + BODY, line_of("text: Look") + 1, "txt"),
        (FRONT.replace("Look at one", "Look: at one") + BODY, line_of("text: Look"), "not valid YAML"),
        (FRONT.replace("- Are steps up?", "- Are: steps up?") + BODY, line_of("Are steps"), "put the text in quotes"),
        (FRONT.replace("action: evidence", "action: evidnce") + BODY, line_of("evidence"), "no action is called"),
        (FRONT.replace("signal: at_limit", "signal: at_limmit") + BODY, line_of("at_limit"), "no signal is called"),
        (FRONT.replace("at_least: 50", "at_least: 0") + BODY, line_of("at_least"), "greater than or equal to 1"),
        (FRONT.replace("id: limit", "id: look") + BODY, line_of("id: limit"), "stands here twice"),
        (FRONT.replace("id: limit", "id: The limit") + BODY, line_of("id: limit"), "pattern"),
        (FRONT.replace("    undo: Undo it on the card\n", "") + BODY, line_of("id: limit"), "has no undo"),
        (FRONT.replace("phase: recovery", "phase: later") + BODY, line_of("phase: recovery"), "is 'later'; use"),
        (FRONT.replace("phase: recovery", "phase: diagnosis") + BODY, line_of("steps:"), "no step has the phase"),
        (FRONT.replace("[our-prompt]", "[our-promt]") + BODY, line_of("causes:"), "is 'our-promt'; use"),
        (FRONT.replace("[our-prompt]", "[tool-or-API]") + BODY, line_of("rollback:"), "a rollback needs causes"),
        (FRONT.replace("class: LOOP", "class: PROV") + BODY, line_of("rollback:"), "PROV takes no rollback"),
        (FRONT.replace("class: LOOP", "class: UNKN") + BODY, line_of("phase: remediation"), "no remediation"),
        (FRONT.replace("title: Our own loops", "title: 'Our own") + BODY, FRONT.count("\n") - 1, "not valid YAML"),
        (FRONT + "Too short.", FRONT.count("\n") + 1, "under 200 characters"),
        ("---\n---\n" + BODY, 1, "front matter"),
        ("---\n# nothing\n---\n" + BODY, 2, "is missing"),
        ("---\n- a\n- b\n---\n" + BODY, 2, ""),
    ],
)
def test_a_mistake_is_named_where_it_stands(tmp_path: Path, text: str, line: int, part: str) -> None:
    found = mistakes(tmp_path, text)
    assert any(where == line and part in sentence for where, sentence in found), found


def test_windows_line_ends_are_read(tmp_path: Path) -> None:
    file = tmp_path / "LOOP.md"
    file.write_bytes((FRONT + BODY).replace("\n", "\r\n").encode())
    assert isinstance(read_runbook(file, TAXONOMY), Runbook)


def test_a_byte_order_mark_does_not_hide_the_front_matter(tmp_path: Path) -> None:
    file = tmp_path / "LOOP.md"
    file.write_bytes(b"\xef\xbb\xbf" + (FRONT + BODY).encode())
    assert isinstance(read_runbook(file, TAXONOMY), Runbook)


def test_text_in_another_encoding_is_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "LOOP.md"
    file.write_bytes((FRONT + BODY + "é").encode("latin-1"))
    found = read_runbook(file, TAXONOMY)
    assert isinstance(found, tuple)
    assert "cannot be read" in found[0].sentence


def test_the_example_in_the_documentation_is_a_runbook(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "write-a-runbook.md").read_text(encoding="utf-8")
    example = page.split("```markdown\n", 1)[1].split("\n```", 1)[0]
    runbook = read_runbook(written(tmp_path, example + BODY), TAXONOMY)
    assert isinstance(runbook, Runbook), runbook
    assert runbook.own is False


@pytest.mark.parametrize("name", [*(action for action in ACTIONS), *(phase.value for phase in Phase)])
def test_every_action_and_phase_is_explained(name: str) -> None:
    page = (Path(__file__).parents[2] / "docs" / "write-a-runbook.md").read_text(encoding="utf-8")
    assert f"`{name}`" in page
