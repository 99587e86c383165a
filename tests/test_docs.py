"""What the documentation says is what there is."""

import argparse
import re
from pathlib import Path

import httpx
import pytest
import yaml

from bot.__main__ import parser
from bot.demo.agent.faults import Fault
from bot.documents.catalogue import read_catalogue
from bot.incident.kinds import MitigationKind
from bot.incident.model import Catalogue
from bot.incident.postmortem import Section
from bot.incident.taxonomy import IncidentClass
from bot.settings.concerns import documented
from bot.slack.phrase import Word
from bot.sources import attributes
from bot.web.api.application import build_api
from tests.taxonomies import CLASSES
from tests.web.fakes import World

ROOT = Path(__file__).resolve().parents[1]
PAGES = (ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md")))
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def page(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def everything() -> str:
    return "\n".join(file.read_text(encoding="utf-8") for file in PAGES)


def commands() -> dict[str, argparse.ArgumentParser]:
    action = next(a for a in parser()._actions if isinstance(a, argparse._SubParsersAction))
    return dict(action.choices)


@pytest.mark.parametrize("file", PAGES, ids=lambda file: str(file.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(file: Path) -> None:
    text = FENCE.sub("", file.read_text(encoding="utf-8"))
    wanted = [target.partition("#")[0] for target in LINK.findall(text) if "://" not in target]
    missing = [target for target in wanted if target and not (file.parent / target).exists()]
    assert missing == []


def test_every_file_that_is_named_as_a_check_exists() -> None:
    named = set(re.findall(r"`((?:tests|benchmarks|bot)/[\w/.-]+)`", everything()))
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


def test_every_command_is_explained_and_no_other_is_promised() -> None:
    told = set(re.findall(r"firstfive ([a-z]+)", everything()))
    known = set(commands())
    assert known <= told
    named_in_code = set(re.findall(r"`firstfive ([a-z]+)", everything()))
    assert named_in_code <= known


def test_every_option_in_an_example_exists() -> None:
    known = commands()
    used = re.findall(r"firstfive ([a-z]+)([^\n`|]*)", everything())
    wrong = [
        f"firstfive {name} {option}"
        for name, rest in used
        for option in re.findall(r"(?<!\S)(--[a-z-]+)", rest)
        if name in known and option not in known[name]._option_string_actions
    ]
    assert wrong == []


def test_every_setting_stands_in_the_table_with_its_default_and_meaning() -> None:
    table = page("docs/operate.md")
    for name, default, meaning in documented():
        shown = f"`{default}`" if default else "empty"
        assert f"| `{name}` | {shown} | {meaning} |" in table


def test_the_table_holds_no_setting_that_is_gone() -> None:
    known = {name for name, _, _ in documented()}
    told = set(re.findall(r"\b(?:FIRSTFIVE|SLACK)_[A-Z_]+[A-Z]\b", everything()))
    assert {name.removesuffix("_FILE") for name in told} <= known


@pytest.mark.parametrize("kind", list(MitigationKind))
def test_every_mitigation_is_explained(kind: MitigationKind) -> None:
    assert f"| `{kind.value}` | {kind.label} |" in page("docs/mitigations.md")


@pytest.mark.parametrize("word", list(Word))
def test_every_word_of_the_slack_command_is_explained(word: Word) -> None:
    assert f"`/incident {word.value}" in page("docs/install-in-slack.md")


@pytest.mark.parametrize("fault", list(Fault))
def test_every_fault_of_the_demo_is_explained(fault: Fault) -> None:
    assert f"| `{fault.value}` |" in page("docs/demo.md")


@pytest.mark.parametrize("incident_class", CLASSES)
def test_every_class_is_named_where_runbooks_are_written(incident_class: IncidentClass) -> None:
    assert incident_class.value in page("docs/write-a-runbook.md")


def test_every_section_people_fill_is_explained() -> None:
    text = page("docs/postmortems.md").lower()
    assert all(section.value.replace("_", " ") in text for section in Section)


def test_every_attribute_that_is_read_is_in_the_table() -> None:
    explained = page("docs/connect-traces.md")
    tables = (
        *("AGENT", "AGENT_VERSION", "SESSION", "ENVIRONMENT", "PROMPT_VERSION", "PROVIDER", "MODEL_REQUESTED"),
        *("MODEL_ANSWERING", "INPUT_TOKENS", "OUTPUT_TOKENS", "FIRST_CHUNK", "TOOL", "CALL_ID", "ARGUMENTS"),
        *("RESULT", "SIDE_EFFECT", "PRIVILEGED", "APPROVAL", "DESTINATION", "MANIFEST", "TRUST"),
    )
    names: set[str] = {name for table in tables for name in getattr(attributes, table)}
    assert [name for name in sorted(names) if f"`{name}`" not in explained] == []


def test_the_example_catalogue_is_one() -> None:
    found = read_catalogue(ROOT / "agents.example.yaml")
    assert isinstance(found, Catalogue)
    assert len(found.agents) == 2


def test_every_catalogue_in_the_docs_is_one(tmp_path: Path) -> None:
    for text in re.findall(r"^```yaml\n(.*?)^```", page("docs/add-an-agent.md"), re.MULTILINE | re.DOTALL):
        file = tmp_path / "agents.yaml"
        file.write_text(text, encoding="utf-8")
        assert isinstance(read_catalogue(file), Catalogue)


def test_every_field_of_the_catalogue_is_explained() -> None:
    used = yaml.safe_load(page("agents.example.yaml"))["agents"][0]
    text = page("docs/add-an-agent.md")
    assert [field for field in used if f"`{field}" not in text] == []


def test_the_changelog_knows_this_version() -> None:
    from bot import __version__  # noqa: PLC0415  the one value this story needs

    assert f"## [{__version__}]" in page("CHANGELOG.md")


async def test_every_request_in_the_docs_is_one_the_api_takes(tmp_path: Path) -> None:
    transport = httpx.ASGITransport(build_api(World(tmp_path).parts()))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        paths = (await client.get("/openapi.json")).json()["paths"]
    known = {re.sub(r"\{\w+\}", "{}", path) for path in paths}
    told = re.findall(r"(/api/v1/[^`?\s]+)[^`]*` ?[,|]", page("docs/api.md"))
    assert len(told) > 10
    wanted = {re.sub(r"\{\w+\}", "{}", path.removeprefix("/api")) for path in told}
    assert sorted(wanted - known) == []
