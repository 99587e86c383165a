"""A mistake in the catalogue is named with its line and what to do about it."""

from pathlib import Path

import pytest

from bot.documents.catalogue import read_catalogue
from bot.documents.yaml_lines import Mistake
from bot.incident.model import Band, Catalogue
from bot.incident.telemetry import SideEffect


def read(tmp_path: Path, text: str | bytes) -> Catalogue | tuple[Mistake, ...]:
    file = tmp_path / "agents.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_catalogue(file)


def mistakes(tmp_path: Path, text: str | bytes) -> list[tuple[int, str]]:
    found = read(tmp_path, text)
    assert not isinstance(found, Catalogue)
    assert all(str(mistake).startswith(f"{tmp_path}/agents.yaml:{mistake.line}: ") for mistake in found)
    return [(mistake.line, mistake.sentence) for mistake in found]


def test_a_name_is_enough(tmp_path: Path) -> None:
    found = read(tmp_path, "agents:\n  - name: helpdesk-agent\n")
    assert isinstance(found, Catalogue)
    agent = found.agent("helpdesk-agent")
    assert agent.listed
    assert agent.environments == ("production",)


def test_everything_in_an_entry_arrives(tmp_path: Path) -> None:
    text = """
agents:
  - name: helpdesk-agent
    owners: [ana@example.com]
    telemetry: {service_names: [helpdesk], agent_names: [helpdesk_agent]}
    control_keys: {halt: my.halt, turn_limit: my-turns}
    tools:
      - {name: reset_password, side_effect: write, privileged: true}
    escalation_band: {low: 0.05, high: 0.2}
"""
    found = read(tmp_path, text)
    assert isinstance(found, Catalogue)
    agent = found.agent("helpdesk")
    assert agent.name == "helpdesk-agent"
    assert agent.tools[0].side_effect is SideEffect.WRITE
    assert agent.tools[0].privileged
    assert agent.escalation_band == Band(0.05, 0.2)
    assert agent.control_keys == {"halt": "my.halt", "turn_limit": "my-turns"}


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "agents: []\n"])
def test_an_empty_file_is_an_empty_catalogue(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text) == Catalogue()


def test_no_file_is_an_empty_catalogue_and_unlisted_agents_have_defaults(tmp_path: Path) -> None:
    found = read_catalogue(tmp_path / "agents.yaml")
    assert isinstance(found, Catalogue)
    assert not found.agent("stranger").listed


@pytest.mark.parametrize(
    ("text", "line", "part"),
    [
        ("agents:\n  - name: a\n   owners: x\n", 3, "not valid YAML"),
        ("agents:\n  - name: [a\n", 3, "not valid YAML"),
        ("agents:\n  - name: a\n    owner: [x]\n", 3, "agents.0.owner is not a known field"),
        ("agents:\n  - description: x\n", 2, "agents.0.name is missing; add it."),
        ("agent:\n  - name: a\n", 1, "agents is missing"),
        ("agents:\n  - name: a\n    name: b\n", 3, "'name' stands here twice; keep one."),
        ("agents:\n  - name: a\n  - name: b\n  - name: a\n", 4, "'a' belongs to a already"),
        (
            "agents:\n  - name: a\n    telemetry:\n      agent_names: [x]\n  - name: b\n    telemetry:\n      agent_names: [x]\n",
            5,
            "'x' belongs to a already",
        ),
        (
            "agents:\n  - name: a\n    tools:\n      - name: t\n        side_effect: writes\n",
            5,
            "side_effect is 'writes'; use 'read' or 'write'.",
        ),
        ("agents:\n  - name: a\n    control_keys:\n      pause: x\n", 3, "'pause' is no control"),
        ("agents:\n  - name: a\n    control_keys: {halt: My Key}\n", 3, "'My Key' is no flag key"),
        ("agents:\n  - name: a b\n", 2, "a name has letters"),
        (f"agents:\n  - name: {'a' * 81}\n", 2, "80 at most"),
        ("agents:\n  - name: 7\n", 2, "agents.0.name"),
        (
            "agents:\n  - name: a\n    escalation_band: {low: 0.5, high: 0.1}\n",
            3,
            "low is above high; swap them",
        ),
        ("agents:\n  - name: a\n    escalation_band:\n      low: 5\n      high: 20\n", 4, "less than or equal to 1"),
        ("- name: a\n", 1, "the file"),
        ("just words\n", 1, "the file"),
        ("agents: {name: a}\n", 1, "agents"),
        ("a: &x [*x]\n", 1, "refers to what it is part of"),
        ("a: 1\n---\nb: 2\n", 2, "not valid YAML"),
        ("agents:\n  - name: a\n    description: !!python/object:os.system {}\n", 3, "not valid YAML"),
        ("agents:\n  - name: a\n    description: \u0007bell\n", 1, "not valid YAML"),
        ("agents:\n\t- name: a\n", 2, "not valid YAML"),
    ],
)
def test_a_mistake_is_named_where_it_stands(tmp_path: Path, text: str, line: int, part: str) -> None:
    found = mistakes(tmp_path, text)
    assert any(part in sentence for _, sentence in found), found
    if part:
        assert line in {where for where, _ in found}, found


def test_every_mistake_is_named_at_once(tmp_path: Path) -> None:
    found = mistakes(tmp_path, "agents:\n  - name: a b\n  - nam: c\n")
    assert [line for line, _ in found] == [2, 3, 3]


def test_text_in_another_encoding_is_one_sentence(tmp_path: Path) -> None:
    ((line, sentence),) = mistakes(tmp_path, "agents:\n  - name: café\n".encode("latin-1"))
    assert line == 1
    assert "cannot be read" in sentence


def test_a_folder_in_place_of_the_file_is_one_sentence(tmp_path: Path) -> None:
    found = read_catalogue(tmp_path)
    assert not isinstance(found, Catalogue)
    assert "cannot be read" in found[0].sentence
