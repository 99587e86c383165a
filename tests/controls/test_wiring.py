"""From the catalogue's ``controls:`` to a driver that is open, or to a sentence with file and line."""

import base64
from dataclasses import replace
from pathlib import Path

import pytest

from bot.app.drivers import OURS, entry_of, mistakes_in, open_drivers
from bot.controls import webhook
from bot.documents.catalogue import read_catalogue
from bot.incident.errors import Misconfigured
from bot.incident.kinds import MitigationKind
from bot.incident.model import Catalogue
from bot.settings.concerns import Settings
from bot.settings.reading import read_settings
from tests.controls.examples import PAGE, installed
from tests.sources.vendor_stub import StillClock

SECRET = f"whsec_{base64.b64encode(b'not-a-secret').decode()}"


def read(folder: Path, controls: str, **variables: str) -> tuple[Settings, Catalogue]:
    file = folder / "agents.yaml"
    lines = "".join(f"      {line}\n" for line in controls.strip().splitlines())
    file.write_text(f"agents:\n  - name: helpdesk-agent\n    controls:\n{lines}", "utf-8")
    catalogue = read_catalogue(file)
    assert isinstance(catalogue, Catalogue)
    settings = read_settings({"FIRSTFIVE_CATALOGUE": str(file), **variables}, folder / "none.toml")
    return settings, catalogue


def said(folder: Path, controls: str, **variables: str) -> list[str]:
    return [str(one).removeprefix(f"{folder}/") for one in mistakes_in(*read(folder, controls, **variables))]


@pytest.mark.parametrize("name", OURS)
def test_every_driver_of_ours_says_what_it_is(name: str) -> None:
    entry = entry_of(name)
    assert entry.name == name
    assert entry.kinds
    assert entry.settings
    assert set(entry.required) <= set(entry.options)


def test_a_wiring_that_is_right_is_opened_and_closed(tmp_path: Path) -> None:
    settings, catalogue = read(
        tmp_path, 'halt: {driver: webhook, url: "https://ops.example.com/x"}', FIRSTFIVE_WEBHOOK_SECRETS=SECRET
    )
    assert mistakes_in(settings, catalogue) == ()
    opened = open_drivers(settings, catalogue, StillClock())
    assert list(opened) == ["webhook"]
    assert SECRET not in repr(opened)
    assert SECRET not in repr(settings.elsewhere)


def test_the_example_of_the_page_can_be_used(tmp_path: Path) -> None:
    page = (PAGE.parent / "mitigations.md").read_text("utf-8").partition("## Through your own control plane")[2]
    file = tmp_path / "agents.yaml"
    file.write_text(page.partition("```yaml\n")[2].partition("```")[0], "utf-8")
    catalogue = read_catalogue(file)
    assert isinstance(catalogue, Catalogue)
    needed = {name for one in OURS for name in entry_of(one).settings}
    values = dict.fromkeys(needed, "http://127.0.0.1:9") | {
        "FIRSTFIVE_WEBHOOK_SECRETS": SECRET,
        "FIRSTFIVE_UNLEASH_CLIENT_TOKENS": "default:production.x",
    }
    settings = read_settings({"FIRSTFIVE_CATALOGUE": str(file), **values}, tmp_path / "none.toml")
    assert mistakes_in(settings, catalogue) == ()
    assert len(set(open_drivers(settings, catalogue, StillClock()).values())) == 4


def test_every_driver_of_ours_has_its_section_and_its_options_explained() -> None:
    page = (PAGE.parent / "mitigations.md").read_text("utf-8")
    for name in OURS:
        assert f"| `{name}` |" in page
        missing = [option for option in entry_of(name).options if f"`{option}`" not in page]
        assert missing == []


def test_the_built_in_control_plane_needs_nothing(tmp_path: Path) -> None:
    settings, catalogue = read(tmp_path, "halt: built-in")
    assert mistakes_in(settings, catalogue) == ()
    assert open_drivers(settings, catalogue, StillClock()) == {}


def test_each_mistake_stands_with_its_line(tmp_path: Path) -> None:
    found = said(
        tmp_path,
        """
halt: {driver: unleash}
drain: {driver: launchdarkly, flagg: x}
turn-limit: {driver: nobody}
read-only: {driver: litellm}
""",
    )
    missing = "unleash needs FIRSTFIVE_UNLEASH_URL; set it, or FIRSTFIVE_UNLEASH_URL_FILE to a file that holds it."
    options = "flag, project, environment, in_force, context_kind, tenant, channel, version."
    known = "built-in, langfuse, launchdarkly, litellm, unleash, webhook, or module:NAME of your own."
    able = "halt, model-pin, rate-cap, turn-limit."
    assert found == [
        f"agents.yaml:4: halt of helpdesk-agent: {missing}",
        f"agents.yaml:5: drain of helpdesk-agent: 'flagg' is no option of launchdarkly; use {options}",
        f"agents.yaml:6: turn-limit of helpdesk-agent: there is no driver 'nobody'; use {known}",
        f"agents.yaml:7: read-only of helpdesk-agent: litellm does not do read-only; it does {able}",
    ]


def test_a_secret_that_cannot_be_used_is_not_shown(tmp_path: Path) -> None:
    (found,) = said(
        tmp_path, 'halt: {driver: webhook, url: "https://ops.example.com"}', FIRSTFIVE_WEBHOOK_SECRETS="hush"
    )
    assert "FIRSTFIVE_WEBHOOK_SECRETS, entry 1 is no secret" in found
    assert "hush" not in found


def test_a_driver_of_your_own_is_named_by_its_path_and_set_from_a_file(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("not-a-secret\n", "utf-8")
    with installed(tmp_path, "acme_gate.py"):
        wiring = 'halt: {driver: "acme_gate:DRIVER", gate: helpdesk}'
        missing = said(tmp_path, wiring)
        variables = {"ACME_GATE_URL": "http://127.0.0.1:9", "ACME_GATE_TOKEN_FILE": str(token)}
        settings, catalogue = read(tmp_path, wiring, **variables)
        assert mistakes_in(settings, catalogue) == ()
        opened = open_drivers(settings, catalogue, StillClock())
    assert "acme-gate needs ACME_GATE_URL; set it" in missing[0]
    assert sorted(opened) == ["acme-gate", "acme_gate:DRIVER"]
    assert settings.named("ACME_GATE_TOKEN") == "not-a-secret"


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("tests.controls.nowhere:DRIVER", "cannot be loaded .ModuleNotFoundError"),
        ("tests.controls.at_work:ANA", "is no driver; it must be an Entry"),
        ("tests.controls.at_work:GONE", "cannot be loaded .AttributeError"),
    ],
)
def test_a_path_that_leads_nowhere_is_one_sentence(path: str, sentence: str) -> None:
    with pytest.raises(Misconfigured, match=sentence):
        entry_of(path)


def test_an_entry_names_what_is_missing() -> None:
    entry = replace(webhook.DRIVER, name="x", options={"a": "what a is"}, required=("a",), check=lambda *_: "")
    assert entry.mistake(MitigationKind.HALT, {}) == "x needs a: what a is."
    assert entry.mistake(MitigationKind.HALT, {"a.production": "1"}) == ""
