"""The client: controls kept at hand, checked before every model call and every tool call."""

import logging
import os
import socket
import ssl
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from threading import Lock
from time import monotonic
from types import MappingProxyType
from typing import Self
from uuid import uuid4
from weakref import WeakSet

from firstfive_client import bites
from firstfive_client.connection import Connection
from firstfive_client.controls import Controls, Kind, Scope
from firstfive_client.core import Core, Identity
from firstfive_client.decisions import UNDESCRIBED, of_rate, of_task
from firstfive_client.keeping import LastKnownGood, default_folder
from firstfive_client.now import known, unknown
from firstfive_client.refusals import Refused
from firstfive_client.task import CURRENT, Task, pinned
from firstfive_client.unknown import Tool, WhenUnknown
from firstfive_client.wrapping import Wrapping

log = logging.getLogger("firstfive_client")

MOST_STARTS = 100_000  # as many as a rate cap can ask for


@dataclass(frozen=True, slots=True)
class Standing:
    """How the client stands: is anything known, from where, and is the server being heard now."""

    known: bool
    from_server: bool
    in_touch: bool
    revision: int
    heard_seconds_ago: float | None
    not_understood: tuple[str, ...]


class Client(Wrapping):
    """What an agent has to obey. Reads are answered from memory and never wait for the network.

    Args:
        url: the firstfive server; default ``FIRSTFIVE_URL``, else http://127.0.0.1:8080.
        agent: the agent's name in the catalogue.
        environment, version, channel, tenant: what is the same for every call of this process.
        instance: a name of this process that no other has; default host and process id.
        token: the control token, or a function that gives the current one; default ``FIRSTFIVE_CONTROL_TOKEN``.
        tools: what the agent's tools do, by name; :meth:`tool` adds to it.
        when_unknown: what holds while nothing was ever known.
        keep: the last-known-good file, or a folder for it; None keeps nothing. Default: ``~/.local/state/firstfive-client``.
        enforces: the kinds of control that this program obeys; others are not reported as applied.
        context: TLS settings, where the defaults do not fit.
    """

    def __init__(  # noqa: PLR0913 - each is one fact about the agent
        self,
        url: str | None = None,
        *,
        agent: str,
        environment: str = "",
        version: str = "",
        channel: str = "",
        tenant: str = "",
        instance: str = "",
        token: str | Callable[[], str] | None = None,
        tools: Mapping[str, Tool] = MappingProxyType({}),
        when_unknown: WhenUnknown = WhenUnknown(),  # noqa: B008 - immutable
        keep: str | Path | None = "",
        enforces: Collection[Kind] = frozenset(Kind),
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._own = Scope(environment, tenant, channel, version)
        self._named = instance
        self._tools = dict(tools)
        token = os.environ.get("FIRSTFIVE_CONTROL_TOKEN", "") if token is None else token
        identity = Identity(agent, environment, version, channel, tenant, instance or _instance())
        self._file = None if keep is None else LastKnownGood(_file(identity, keep), _key(token))
        self._core = Core(on_change=self._changed, enforces=frozenset(enforces))
        url = url or os.environ.get("FIRSTFIVE_URL") or "http://127.0.0.1:8080"
        self._connection = Connection(url, token, identity, self._core, context)
        self._now = unknown(when_unknown, self._own)
        self._listeners: list[Callable[[Controls], None]] = []
        self._starts: deque[float] = deque(maxlen=MOST_STARTS)
        self._lock = Lock()
        self._changing = Lock()
        self._running = False

    def start(self, wait: float = 2.0) -> Self:
        """Read the last known controls, connect, and wait up to ``wait`` seconds for the first word. Never raises for the network."""
        if self._running:
            return self
        kept = self._file.load() if self._file else None
        if kept is not None:
            self._core.remembered(kept, monotonic())
            self._now = known(kept, self._own)
        self._running = True
        _CLIENTS.add(self)
        self._connection.start()
        self._connection.known.wait(wait)
        return self

    def close(self) -> None:
        """Stop listening. What was known stays in force for whoever still asks."""
        self._running = False
        _CLIENTS.discard(self)
        self._connection.stop()

    def check(self, tool: str | None = None, scope: Scope | None = None) -> None:
        """Raise why a model call (or a call of ``tool``) may not be made now. Microseconds, no I/O.

        Raises:
            Refused: Halted, HandedOff, ToolDisabled, ReadOnly or EgressCut, with the incident.
        """
        now = self._now
        if now.calm:
            return
        refusal = now.refusal(scope, tool, UNDESCRIBED if tool is None else self._tools.get(tool, UNDESCRIBED))
        if refusal is not None:
            bites.refused(refusal)
            raise refusal

    def refusal(self, tool: str | None = None, scope: Scope | None = None) -> Refused | None:
        """What :meth:`check` would raise, or None."""
        return self._now.refusal(scope, tool, UNDESCRIBED if tool is None else self._tools.get(tool, UNDESCRIBED))

    def controls(self, scope: Scope | None = None) -> Controls:
        """Everything a call has to obey now, in one atomic read."""
        return self._now.controls(scope)

    def scope(self, *, tenant: str = "", channel: str = "", version: str = "") -> Scope:
        """The scope of a call: this client's own, with what is said here."""
        own = self._own
        return Scope(own.environment, tenant or own.tenant, channel or own.channel, version or own.version)

    def model(self, own: str) -> str:
        """The model to ask: the pinned one, else the agent's ``own``."""
        return pinned(self.controls(), Kind.MODEL_PIN, own)

    def prompt_version(self, own: str) -> str:
        """The prompt version to use: the pinned one, else the agent's ``own``."""
        return pinned(self.controls(), Kind.PROMPT_PIN, own)

    @contextmanager
    def task(
        self, key: str = "", *, tenant: str = "", channel: str = "", version: str = "", queued: bool = False
    ) -> Iterator[Task]:
        """One task, around all its calls; :meth:`turn`, :meth:`step` and wrapped tools count on it.

        ``key`` names it (a session or message id) and places it in the traffic for a canary share.
        ``queued``: it is taken from a queue.

        Raises:
            Refused: Halted, HandedOff, Draining, QueuePaused, NotServed or RateCapReached.
        """
        scope = self.scope(tenant=tenant, channel=channel, version=version)
        key = key or uuid4().hex
        now = self._now
        refusal = None if now.calm else of_task(now.controls(scope), key, queued=queued)
        with self._lock:
            moment = monotonic()
            refusal = refusal or of_rate(now.controls(scope), self._starts, self._core.instances, moment)
            if refusal is None:
                self._starts.append(moment)
        if refusal is not None:
            bites.refused(refusal)
            raise refusal
        with Task(lambda: self._now, self._described, scope, key) as task:
            yield task

    @contextmanager
    def turn(self) -> Iterator[Task | None]:
        """Around one model call: counted on the current task, or only checked where there is none.

        Raises:
            Refused: as :meth:`Task.turn`.
        """
        task = CURRENT.get()
        if task is None:
            self.check()
            yield None
        else:
            with task.turn():
                yield task

    @contextmanager
    def step(self, tool: str) -> Iterator[Task | None]:
        """Around one tool call, as :meth:`turn`.

        Raises:
            Refused: as :meth:`Task.tool`.
        """
        task = CURRENT.get()
        if task is None:
            self.check(tool)
            yield None
        else:
            with task.tool(tool):
                yield task

    def describe(self, name: str, tool: Tool) -> None:
        """Say what a tool does."""
        self._tools[name] = tool

    def on_change(self, listener: Callable[[Controls], None]) -> None:
        """Call ``listener`` with the new controls after each change, in the client's own thread."""
        self._listeners.append(listener)

    @property
    def standing(self) -> Standing:
        """How the client stands, for health pages."""
        core, snapshot = self._core, self._core.snapshot
        return Standing(
            known=snapshot is not None,
            from_server=core.from_server,
            in_touch=self._connection.in_touch,
            revision=snapshot.revision if snapshot else 0,
            heard_seconds_ago=None if core.heard_at is None else monotonic() - core.heard_at,
            not_understood=snapshot.not_understood if snapshot else (),
        )

    @property
    def agent(self) -> str:
        """The agent's name."""
        return self._connection.identity.agent

    @property
    def instance(self) -> str:
        """The name under which the server knows this process."""
        return self._connection.identity.instance

    def _described(self, tool: str) -> Tool:
        return self._tools.get(tool, UNDESCRIBED)

    def _changed(self) -> None:
        with self._changing:
            snapshot = self._core.snapshot
            if snapshot is None:
                return
            self._now = known(snapshot, self._own)  # in force before anybody is told, before it is kept
            for listener in tuple(self._listeners):
                try:
                    listener(self._now.controls(None))
                except Exception:
                    log.exception("A listener for changed controls failed.")
            if self._file is not None:
                self._file.save(snapshot)

    def _forked(self) -> None:
        """In the child: the same knowledge, a connection and a name of its own."""
        self._lock, self._changing = Lock(), Lock()
        self._core.forked()
        self._connection.forked()
        if not self._named:
            self._connection.identity = replace(self._connection.identity, instance=_instance())
        self._connection.start()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *error: object) -> None:
        self.close()


def _instance() -> str:
    return f"{socket.gethostname()}-{os.getpid()}"


def _file(identity: Identity, keep: str | Path) -> Path:
    """``keep``, or a file of this agent's own in it where it is a folder; else one in the default folder."""
    folder = Path(keep) if keep else default_folder()
    if keep and not folder.is_dir():
        return folder
    parts = (identity.agent, identity.environment, identity.tenant, identity.channel, identity.version)
    said = "_".join(parts)
    name = "_".join("".join(c if c.isalnum() or c in ".-" else "-" for c in part) for part in parts)
    own = "" if name == said else f"-{sha256(said.encode()).hexdigest()[:8]}"  # ``a_b`` and ``a-b`` are two agents
    return folder / f"{name.rstrip('_')}{own}.json"


def _key(token: str | Callable[[], str]) -> bytes:
    """Signs the file. A token that is renewed signs nothing: the file would be lost with each renewal."""
    return f"last-known-good {token}".encode() if isinstance(token, str) and token else b""


_CLIENTS: WeakSet[Client] = WeakSet()


def _after_fork() -> None:
    for client in tuple(_CLIENTS):
        client._forked()  # noqa: SLF001 - the same module


os.register_at_fork(after_in_child=_after_fork)
