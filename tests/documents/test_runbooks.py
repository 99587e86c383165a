"""Every class has a runbook that is worth reading at 3 a.m."""

from pathlib import Path

import pytest

from bot.documents.runbooks import packaged, read_runbook, read_runbooks
from bot.incident.runbook import Runbook
from bot.incident.taxonomy import CLASSES, IncidentClass

FRONT = """---
class: LOOP
title: Our own loops
first_five:
  - Look at one trace
  - Press the turn limit
containment:
  - Turn limit
do_not:
  - Kill the agent
confirm:
  - Are steps up?
recovered_when: Steps are back at their baseline.
---
"""
BODY = "What to look at, and what to do about it. " * 8


def written(folder: Path, text: str, name: str = "LOOP.md") -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def mistakes(folder: Path, text: str) -> list[tuple[int, str]]:
    found = read_runbook(written(folder, text))
    assert isinstance(found, tuple)
    return [(mistake.line, mistake.sentence) for mistake in found]


def test_the_packaged_runbooks_cover_every_class_without_a_mistake() -> None:
    runbooks, mistakes = read_runbooks(packaged())
    assert mistakes == ()
    assert set(runbooks) == set(IncidentClass)


@pytest.mark.parametrize("incident_class", list(IncidentClass))
def test_a_packaged_runbook_is_no_placeholder(incident_class: IncidentClass) -> None:
    runbook = read_runbooks(packaged())[0][incident_class]
    assert len(runbook.body) > 800
    assert len(runbook.first_five) >= 3
    assert len(runbook.do_not) >= len(CLASSES[incident_class].do_not) - 1
    assert "TODO" not in runbook.body
    assert "\n## " in f"\n{runbook.body}"


def test_a_folder_of_ones_own_wins_and_the_rest_falls_back(tmp_path: Path) -> None:
    written(tmp_path, FRONT + BODY)
    runbooks, mistakes = read_runbooks(tmp_path)
    assert mistakes == ()
    assert runbooks[IncidentClass.LOOP].title == "Our own loops"
    assert runbooks[IncidentClass.QUAL] == read_runbooks(packaged())[0][IncidentClass.QUAL]


def test_a_broken_runbook_is_named_and_the_packaged_one_stands_in(tmp_path: Path) -> None:
    written(tmp_path, "no front matter")
    runbooks, mistakes = read_runbooks(tmp_path)
    assert len(mistakes) == 1
    assert set(runbooks) == set(IncidentClass)


def test_a_folder_that_is_not_there_is_said_and_nobody_is_left_without(tmp_path: Path) -> None:
    runbooks, mistakes = read_runbooks(tmp_path / "nowhere")
    assert "FIRSTFIVE_RUNBOOKS" in mistakes[0].sentence
    assert set(runbooks) == set(IncidentClass)


def test_two_files_for_one_class_are_a_mistake(tmp_path: Path) -> None:
    written(tmp_path, FRONT + BODY, "a.md")
    written(tmp_path, FRONT + BODY, "b.md")
    _, (twice,) = read_runbooks(tmp_path)
    assert twice.file.name == "b.md"
    assert "LOOP has a runbook already" in twice.sentence


@pytest.mark.parametrize(
    ("text", "line", "part"),
    [
        ("", 1, "front matter"),
        ("---\nclass: LOOP\n", 1, "front matter"),
        (FRONT.replace("class: LOOP", "class: LOPO") + BODY, 2, "is 'LOPO'; use"),
        (FRONT.replace("title: Our own loops\n", "") + BODY, 2, "title is missing"),
        (FRONT.replace("confirm:", "confirn:") + BODY, 11, "confirn is not a known field"),
        (FRONT.replace("  - Press the turn limit\n", "") + BODY, 4, "first_five"),
        (FRONT.replace("Look at one trace", "Look: at one trace") + BODY, 5, "put the text in quotes"),
        (FRONT.replace("title: Our own loops", "title: 'Our own") + BODY, 13, "not valid YAML"),
        (FRONT + "Too short.", 15, "under 200 characters"),
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
    assert isinstance(read_runbook(file), Runbook)


def test_a_byte_order_mark_does_not_hide_the_front_matter(tmp_path: Path) -> None:
    file = tmp_path / "LOOP.md"
    file.write_bytes(b"\xef\xbb\xbf" + (FRONT + BODY).encode())
    assert isinstance(read_runbook(file), Runbook)


def test_text_in_another_encoding_is_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "LOOP.md"
    file.write_bytes((FRONT + BODY + "é").encode("latin-1"))
    found = read_runbook(file)
    assert isinstance(found, tuple)
    assert "cannot be read" in found[0].sentence
