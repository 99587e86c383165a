"""Wrong words and wrong settings get one sentence, the right exit code and no traceback."""

import json
import socket
from pathlib import Path

import pytest

from bot.__main__ import main
from tests.cli.conftest import Terminal


def sentence(terminal: Terminal, code: int, *words: str, **given: str) -> str:
    """The one line on stderr of a command that ends with `code`."""
    ended = terminal.run(*words, **given)
    assert ended.returncode == code, ended.stderr
    assert "Traceback" not in ended.stderr
    (line,) = ended.stderr.splitlines()
    assert line.startswith("firstfive")
    return line


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("sreve",),
            "firstfive: There is no 'sreve' here; did you mean serve? `firstfive --help` shows what there is.",
        ),
        ((), "firstfive: Name COMMAND. `firstfive --help` shows what there is."),
        (("serve", "--prot", "1"), "firstfive serve: '--prot' is not understood; did you mean --port?"),
        (("serve", "--bogus"), "firstfive serve: '--bogus' is not understood. `firstfive serve --help`"),
        (("serve", "--port", "99999"), "firstfive serve: --port: '99999' is no port; choose one from 0 to 65535."),
        (("serve", "--port"), "firstfive serve: --port: expected one argument."),
        (("control", "explode"), "firstfive control: There is no 'explode' here. `firstfive control --help` shows"),
        (("control", "turn-limt"), "firstfive control: There is no 'turn-limt' here; did you mean turn-limit?"),
        (("control", "x\ny"), "firstfive control: There is no 'x\\ny' here."),
        (("evidence",), "firstfive evidence: Name --agent."),
    ],
)
def test_a_wrong_word_gets_one_sentence(capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(said)
    assert ended.value.code == 2


@pytest.mark.parametrize("name", ["what?", "a#b", "50%", "a%20b", "ü b", "a%3Fb"])
def test_a_home_of_any_name_holds_its_database(terminal: Terminal, name: str) -> None:
    home = terminal.home / name
    ended = terminal.run("check", FIRSTFIVE_HOME=str(home))
    assert ended.returncode == 0, ended.stderr
    assert (home / "firstfive.db").exists()
    assert [file.name for file in terminal.home.iterdir()] == [name]


def test_a_question_mark_in_the_address_of_a_file_is_refused(terminal: Terminal) -> None:
    said = sentence(terminal, 1, "migrate", FIRSTFIVE_DATABASE_URL=f"sqlite:///{terminal.home}/what?.db")
    assert "write %3F" in said


def test_a_taken_port_is_refused_with_the_way_out(terminal: Terminal) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert "--port" in sentence(terminal, 1, "serve", "--port", port)


def test_a_file_that_is_no_database_is_named(terminal: Terminal) -> None:
    file = terminal.home / "notes.txt"
    file.write_text("these are notes, and more than a hundred characters of them " * 3, encoding="utf-8")
    said = sentence(terminal, 1, "migrate", FIRSTFIVE_DATABASE_URL=f"sqlite:///{file}")
    assert str(file) in said
    assert "FIRSTFIVE_DATABASE_URL" in said


def test_a_home_that_is_a_file_is_named(terminal: Terminal) -> None:
    file = terminal.home / "file"
    file.touch()
    assert "Set FIRSTFIVE_HOME" in sentence(terminal, 1, "serve", "--port", "0", FIRSTFIVE_HOME=str(file))


def test_check_lists_every_mistake_at_once(terminal: Terminal, tmp_path: Path) -> None:
    catalogue = tmp_path / "mine.yaml"
    catalogue.write_text("agents:\n  - name: a\n    tools: 7\n  - nme: b\n", encoding="utf-8")
    ended = terminal.run(
        "check",
        "--json",
        FIRSTFIVE_CATALOGUE=str(catalogue),
        FIRSTFIVE_PORT="abc",
        FIRSTFIVE_RETENTION_HOURS="-3",
        FIRSTFIVE_DATABASE_URL="mysql://x",
        SLACK_APP_TOKEN="xapp-1",
    )
    assert ended.returncode == 1
    said = "\n".join(json.loads(ended.stdout)["problems"])
    for part in (":3: ", ":4: ", "FIRSTFIVE_PORT", "RETENTION", "mysql", "SLACK_BOT_TOKEN"):
        assert part in said


def test_check_says_whose_telemetry_tokens_there_are_and_never_shows_one(terminal: Terminal) -> None:
    (terminal.home / "agents.yaml").write_text("agents:\n  - name: helpdesk\n", encoding="utf-8")
    tokens = "agent:helpdesk=s3cret,agent:helpdsek=s3cret2\nenvironment:staging=s3cret3"
    ended = terminal.run("check", FIRSTFIVE_TELEMETRY_TOKENS=tokens)
    assert ended.returncode == 0, ended.stderr
    assert (
        "telemetry tokens: agent helpdesk, agent helpdsek (not listed in agents.yaml), environment staging"
        in ended.stdout
    )
    wrong = sentence(terminal, 1, "serve", "--port", "0", FIRSTFIVE_TELEMETRY_TOKENS="helpdesk:s3cret")
    assert "agent:NAME=token" in wrong
    assert "s3cret" not in ended.stdout + wrong


@pytest.mark.parametrize("at", ["nonsense", "0001-01-01T00:00:00+14:00", "1066-10-14", ""])
def test_a_moment_out_of_reach_is_refused(terminal: Terminal, at: str) -> None:
    assert "moment" in sentence(terminal, 2, "classify", "--agent", "a", "--at", at)


def test_an_unlisted_agent_is_said_to_be_one(terminal: Terminal) -> None:
    ended = terminal.run("classify", "--agent", "nobody", "--json")
    assert ended.returncode == 0
    assert "nobody is not listed" in ended.stderr
    assert json.loads(ended.stdout)["class"] == "UNKN"


def test_an_agent_that_nobody_knows_is_named_in_one_sentence(terminal: Terminal) -> None:
    assert "nobody is not listed and never sent anything" in sentence(terminal, 1, "classify", "--agent", "nobody")


def test_a_listed_agent_without_telemetry_is_unknown_and_says_what_to_do(terminal: Terminal) -> None:
    (terminal.home / "agents.yaml").write_text("agents:\n  - name: helpdesk\n", encoding="utf-8")
    ended = terminal.run("classify", "--agent", "helpdesk")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("UNKN: not classified yet")
    assert "docs/connect-traces.md" in ended.stdout
    assert "cannot be ruled out" not in ended.stdout


def test_the_manifest_is_json_and_its_address_is_checked(terminal: Terminal) -> None:
    assert json.loads(terminal.run("manifest").stdout)["settings"]["socket_mode_enabled"]
    assert "https://" in sentence(terminal, 1, "manifest", "--public-url", "nonsense")


def test_a_demo_on_a_taken_port_and_with_an_unknown_fault_is_refused(terminal: Terminal) -> None:
    assert "choose one of" in sentence(terminal, 2, "demo", "--fault", "nonsense")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert "taken" in sentence(terminal, 1, "demo", "--no-browser", "--port", port)


def test_a_second_demo_in_the_same_home_is_refused(terminal: Terminal) -> None:
    fcntl = pytest.importorskip("fcntl")
    with (terminal.home / "demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "runs in" in sentence(terminal, 1, "demo", "--no-browser")
