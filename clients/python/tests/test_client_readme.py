"""The example in the README runs, and says what it says it says."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from control_server import ControlServer, rule

EXAMPLE = re.findall(r"```python\n(.*?)```", (Path(__file__).parents[1] / "README.md").read_text("utf-8"), re.DOTALL)[0]


@pytest.mark.parametrize("halted", [False, True])
def test_the_example_serves_a_message_and_hands_it_over_when_halted(
    *, halted: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    server, asked, handed = ControlServer([rule("halt")] if halted else []), [], []

    def ask(model: str, prompt: str, message: object) -> Any:
        asked.append((model, prompt, message))
        return SimpleNamespace(cost_usd=0.01, tool=len(asked) == 1, text="done", arguments="7")

    message = SimpleNamespace(session="s-1", tenant="acme")
    world: dict[str, Any] = {"ask": ask, "message": message, "pass_to_a_person": lambda _, why: handed.append(why)}
    with server.running() as url:
        exec(EXAMPLE.replace("http://127.0.0.1:8080", url), world)  # noqa: S102 - our own documentation
        world["client"].close()
    expected = [] if halted else [("large-2026", "v7", message)] * 2
    assert (asked, handed) == (expected, ["The agent is halted (INC-7)."] if halted else [])
