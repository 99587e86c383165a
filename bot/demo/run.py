"""`firstfive demo`: starts the workspace, the bot and the simulated helpdesk, and ends all of them together."""

import signal
import sys
import threading
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from bot.demo.agent.faults import Fault
from bot.demo.children import end_all
from bot.demo.keyboard import KEYS, Keyboard, keyboard
from bot.demo.local_slack import WorkspaceError
from bot.demo.parts import DEFAULT_PORT, Demo, DemoError, free_port, taken

try:
    import fcntl
except ImportError:  # Windows has none; there two demos are the user's own affair
    fcntl = None  # type: ignore[assignment]  # a module or nothing


class _Ended(Exception):
    """Ctrl-C or SIGTERM."""


def run_demo(home: Path, port: int | None, open_browser: bool, fault: str) -> int:  # noqa: FBT001  named at the call
    """Run the demo until Ctrl-C; return 0 then, 1 when a part fails, 2 for a fault that does not exist.

    Without a `port` the bot takes 8080 or the next free one.
    """
    if fault not in set(Fault):
        print(f"firstfive demo: There is no fault {fault}; choose one of {', '.join(Fault)}.", file=sys.stderr)
        return 2
    demo = Demo(home.absolute(), lambda line: print(line, flush=True))
    before = _end_on_signals()
    try:
        with _alone(demo.home):
            _run(demo, port, Fault(fault), open_browser)
    except (DemoError, WorkspaceError) as why:
        print(f"firstfive demo: {why}", file=sys.stderr)
        return 1
    except _Ended:
        demo.say("ending")
        return 0
    finally:
        _ignore_signals(before)
        end_all(demo.children)
        _restore_signals(before)
    return 0


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """One demo a home: two would share database, logs and the helpdesk's address. The lock ends with the process."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        lock = (home / "demo.lock").open("w")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise DemoError(f"{home} cannot be used ({reason}). Set FIRSTFIVE_HOME to a folder you can write.") from error
    with lock:
        if fcntl is not None:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise DemoError(
                    f"A demo runs in {home} already. End it with Ctrl-C, or set FIRSTFIVE_HOME to another folder."
                ) from error
        yield


def _run(demo: Demo, port: int | None, fault: Fault, open_browser: bool) -> None:  # noqa: FBT001  as above
    if port is not None and taken(port):
        raise DemoError(f"Port {port} is taken; choose another with --port, or leave it out.")
    workspace = demo.start_workspace()
    bot = demo.start_bot(workspace, free_port(DEFAULT_PORT) if port is None else port)
    agent = demo.start_agent(bot, fault)
    with keyboard() as keys:
        _invite(demo.say, workspace.url, bot, agent, keys)
        if open_browser:
            # A text browser would take the terminal; a window opens beside it.
            threading.Thread(target=webbrowser.open, args=(workspace.url,), daemon=True).start()
        demo.stay(agent, keys)


def _invite(say: Callable[[str], None], workspace: str, bot: str, agent: str, keys: Keyboard) -> None:
    say(f"workspace {workspace}")
    say(f"pages {bot}")
    say("Try: open the workspace, type /incident in #general and declare what you see.")
    say(f"Let the agent fail first, at {agent}" + (", or with a key:" if keys.listens else "."))
    if keys.listens:
        say("  " + "  ".join(f"{key} {fault.value}" for key, fault in KEYS.items()))
    say("Ctrl-C ends everything.")


_Handlers = dict[signal.Signals, "signal.Handlers | int | Callable[[int, FrameType | None], object] | None"]


def _end_on_signals() -> _Handlers:
    def end(_number: int, _frame: FrameType | None) -> None:
        raise _Ended

    return {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}


def _ignore_signals(handlers: _Handlers) -> None:
    """A second Ctrl-C must not leave half of the parts running."""
    for number in handlers:
        signal.signal(number, signal.SIG_IGN)


def _restore_signals(handlers: _Handlers) -> None:
    for number, handler in handlers.items():
        signal.signal(number, handler)
