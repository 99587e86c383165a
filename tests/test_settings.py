"""Settings: the environment wins over the file, and nothing opens by accident."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from bot.incident.errors import Misconfigured
from bot.settings.concerns import Settings, documented
from bot.settings.reading import read_settings
from bot.settings.telemetry_keys import TelemetryKey

SOCKET = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1"}
HTTP = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_SIGNING_SECRET": "s"}
TOKENS = dict.fromkeys(("FIRSTFIVE_API_TOKEN", "FIRSTFIVE_TELEMETRY_TOKEN", "FIRSTFIVE_CONTROL_TOKEN"), "t")


def read(tmp_path: Path, environment: Mapping[str, str], toml: str = "") -> Settings:
    file = tmp_path / "firstfive.toml"
    file.write_text(toml, encoding="utf-8")
    return read_settings(environment, file)


def refusal(tmp_path: Path, environment: Mapping[str, str], toml: str = "") -> str:
    with pytest.raises(Misconfigured) as caught:
        read(tmp_path, environment, toml)
    sentence = str(caught.value)
    assert "\n" not in sentence
    return sentence


def test_without_anything_it_listens_on_loopback_with_an_sqlite_file(tmp_path: Path) -> None:
    settings = read_settings({}, tmp_path / "no-such-file.toml")
    assert (settings.server.host, settings.server.port) == ("127.0.0.1", 8080)
    assert settings.server.url == "http://127.0.0.1:8080"
    assert settings.home.database.startswith("sqlite:///")
    assert settings.home.database.endswith(".firstfive/firstfive.db")
    assert not settings.slack.is_set


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    toml = 'port = 9000\ncatalogue = "team.yaml"\nslack_bot_token = "xoxb-file"\n'
    settings = read(tmp_path, {"FIRSTFIVE_PORT": "9100", "SLACK_APP_TOKEN": "xapp-1"}, toml)
    assert settings.server.port == 9100
    assert settings.home.catalogue == "team.yaml"
    assert settings.slack.bot_token == "xoxb-file"


def test_an_empty_variable_counts_as_unset(tmp_path: Path) -> None:
    assert read(tmp_path, {"FIRSTFIVE_PORT": "", "SLACK_BOT_TOKEN": ""}).server.port == 8080


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "token"
    secret.write_text("t0ken\n", encoding="utf-8")
    assert read(tmp_path, {"FIRSTFIVE_API_TOKEN_FILE": str(secret)}).server.api_token == "t0ken"


def test_a_variable_wins_over_its_file(tmp_path: Path) -> None:
    secret = tmp_path / "token"
    secret.write_text("from-file", encoding="utf-8")
    environment = {"FIRSTFIVE_API_TOKEN": "said", "FIRSTFIVE_API_TOKEN_FILE": str(secret)}
    assert read(tmp_path, environment).server.api_token == "said"


def test_a_secret_s_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    sentence = refusal(tmp_path, {"SLACK_BOT_TOKEN_FILE": str(tmp_path / "nowhere")})
    assert sentence.startswith("SLACK_BOT_TOKEN_FILE names ")
    assert "cannot be read" in sentence


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.7", "::", "firstfive.example.com", "127.0.0.1.example.com"])  # noqa: S104  what must be refused
def test_an_open_door_never_faces_the_network(tmp_path: Path, host: str) -> None:
    sentence = refusal(tmp_path, {"FIRSTFIVE_HOST": host})
    assert all(name in sentence for name in TOKENS)
    assert "127.0.0.1" in sentence


@pytest.mark.parametrize("missing", TOKENS)
def test_one_open_door_is_enough_to_refuse_and_is_named(tmp_path: Path, missing: str) -> None:
    given = {name: value for name, value in TOKENS.items() if name != missing}
    sentence = refusal(tmp_path, {**given, "FIRSTFIVE_HOST": "192.0.2.7"})
    assert missing in sentence
    assert not any(name in sentence for name in given)


def test_with_all_three_tokens_it_may_listen_everywhere(tmp_path: Path) -> None:
    assert read(tmp_path, {**TOKENS, "FIRSTFIVE_HOST": "192.0.2.7"}).server.host == "192.0.2.7"


def test_telemetry_tokens_of_agents_and_environments_close_that_door_too(tmp_path: Path) -> None:
    given = {name: value for name, value in TOKENS.items() if name != "FIRSTFIVE_TELEMETRY_TOKEN"}
    given |= {"FIRSTFIVE_HOST": "192.0.2.7", "FIRSTFIVE_TELEMETRY_TOKENS": "agent:helpdesk=fir"}
    assert read(tmp_path, given).server.telemetry_keys == (TelemetryKey("agent", "helpdesk", "fir"),)


def test_telemetry_tokens_are_parted_by_commas_or_lines_and_may_come_from_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "tokens"
    secret.write_text("agent:helpdesk=a=b==\n\n environment:staging = elm ,agent:x y=z,\n", encoding="utf-8")
    keys = read(tmp_path, {"FIRSTFIVE_TELEMETRY_TOKENS_FILE": str(secret)}).server.telemetry_keys
    said = [(key.kind, key.name, key.token) for key in keys]
    assert said == [("agent", "helpdesk", "a=b=="), ("environment", "staging", "elm"), ("agent", "x y", "z")]
    assert "elm" not in repr(keys)


@pytest.mark.parametrize(
    "entry",
    ["s3cret", "agent=s3cret", "agent:=s3cret", "agent:x=", "team:x=s3cret", "agent:x=s3 cret", "agent:x=s3crét"],
)
def test_a_telemetry_token_that_cannot_be_used_is_named_by_its_place_and_not_shown(tmp_path: Path, entry: str) -> None:
    sentence = refusal(tmp_path, {"FIRSTFIVE_TELEMETRY_TOKENS": f"agent:ok=fir,{entry}"})
    assert sentence.startswith("FIRSTFIVE_TELEMETRY_TOKENS, entry 2 ")
    assert "s3" not in sentence


@pytest.mark.parametrize("general", ["", "fir"])
def test_one_token_opens_one_thing_only(tmp_path: Path, general: str) -> None:
    keys = "agent:a=fir,agent:b=fir" if not general else "agent:a=fir"
    given = {"FIRSTFIVE_TELEMETRY_TOKENS": keys, "FIRSTFIVE_TELEMETRY_TOKEN": general}
    assert "used already" in refusal(tmp_path, given)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.0.0.2"])
def test_loopback_needs_no_token(tmp_path: Path, host: str) -> None:
    assert read(tmp_path, {"FIRSTFIVE_HOST": host}).server.is_loopback


@pytest.mark.parametrize("given", [SOCKET, HTTP, {**SOCKET, **HTTP}, {}])
def test_slack_is_whole_or_absent(tmp_path: Path, given: Mapping[str, str]) -> None:
    assert read(tmp_path, given).slack.is_set is bool(given)


@pytest.mark.parametrize("given", [{"SLACK_APP_TOKEN": "xapp-1"}, {"SLACK_SIGNING_SECRET": "s"}])
def test_slack_without_its_bot_token_is_refused(tmp_path: Path, given: Mapping[str, str]) -> None:
    assert refusal(tmp_path, given).startswith("SLACK_BOT_TOKEN is missing")


def test_slack_with_only_a_bot_token_is_refused(tmp_path: Path) -> None:
    sentence = refusal(tmp_path, {"SLACK_BOT_TOKEN": "xoxb-1"})
    assert "SLACK_APP_TOKEN" in sentence
    assert "SLACK_SIGNING_SECRET" in sentence


@pytest.mark.parametrize("port", ["eighty", "80.5", "-1", "65536", "1e3"])
def test_a_port_that_is_none_is_refused_in_one_sentence(tmp_path: Path, port: str) -> None:
    assert refusal(tmp_path, {"FIRSTFIVE_PORT": port}).startswith("FIRSTFIVE_PORT is ")


def test_port_zero_asks_for_a_free_one(tmp_path: Path) -> None:
    assert read(tmp_path, {"FIRSTFIVE_PORT": "0"}).server.port == 0


def test_a_port_of_zero_in_the_file_counts(tmp_path: Path) -> None:
    assert read(tmp_path, {}, "port = 0\n").server.port == 0


@pytest.mark.parametrize("toml", ["port = \n", "[server\n", "port: 9000\n"])
def test_a_broken_file_is_named(tmp_path: Path, toml: str) -> None:
    assert refusal(tmp_path, {}, toml).startswith(f"{tmp_path}/firstfive.toml: ")


def test_a_public_url_loses_its_last_slash(tmp_path: Path) -> None:
    settings = read(tmp_path, {"FIRSTFIVE_PUBLIC_URL": "https://firstfive.example.com/"})
    assert settings.server.url == "https://firstfive.example.com"


def test_another_database_is_taken_as_it_is(tmp_path: Path) -> None:
    url = "postgresql://firstfive@db.example.com/firstfive"
    assert read(tmp_path, {"FIRSTFIVE_DATABASE_URL": url}).home.database == url


def test_every_setting_is_documented_in_a_sentence() -> None:
    names = [name for name, _, _ in documented()]
    assert len(names) == len(set(names))
    for name, _, meaning in documented():
        assert name.startswith(("FIRSTFIVE_", "SLACK_"))
        assert meaning.endswith(".")


def test_origins_of_pages_are_read_as_browsers_write_them(tmp_path: Path) -> None:
    named = "https://Chat.Example.com/, http://localhost:3000,https://chat.example.com:443\nhttp://[::1]:80"
    server = read(tmp_path, {"FIRSTFIVE_BROWSER_ORIGINS": named}).server
    assert server.origins == ("https://chat.example.com", "http://localhost:3000", "http://[::1]")
    assert read(tmp_path, {}).server.origins == ()


@pytest.mark.parametrize(
    "entry",
    [
        "*",
        "https://*.example.com",
        "chat.example.com",
        "https://chat.example.com/app",
        "https://",
        "http://a:b",
        "null",
    ],
)
def test_what_is_no_origin_is_refused(tmp_path: Path, entry: str) -> None:
    sentence = refusal(tmp_path, {"FIRSTFIVE_BROWSER_ORIGINS": f"https://ok.example.com,{entry}"})
    assert sentence.startswith(f"FIRSTFIVE_BROWSER_ORIGINS has {entry!r}, which is no origin; write https://host")
