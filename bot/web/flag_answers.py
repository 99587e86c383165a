"""What agents are answered, as bytes: composed once per scope and revision, whoever and however many ask."""

import hashlib
from collections.abc import Callable, Hashable
from typing import Any, TypeVar, cast
from urllib.parse import urlencode

import orjson

from bot.incident.codec import encode
from bot.incident.composition import Controls
from bot.ports import Clock
from bot.web.askers import Asker
from bot.web.doors import ControlPlane
from bot.web.flags import CONTROLS, KEYS, flag, standard_key
from bot.web.tokens import pass_for

T = TypeVar("T")

EVENTS = "/ofrep/v1/events"
MOST_KEPT = 5000  # callers choose the scopes freely
INACTIVITY_SECONDS = 120


class FlagAnswers:
    """Answers of the control plane. The bytes of one are kept until its controls change."""

    def __init__(self, control: ControlPlane, clock: Clock, token: str | None) -> None:
        self._control = control
        self._clock = clock
        self._token = token
        self._kept: dict[Hashable, tuple[Controls, Any]] = {}

    def single(self, key: str, asker: Asker, controls: Controls) -> bytes | None:
        """One flag; None when there is no such control."""
        return self._once((key, asker.agent.name, asker.scope), controls, lambda: _single(key, asker, controls))

    def bulk(self, asker: Asker, controls: Controls) -> tuple[bytes, str]:
        """All flags with the announced event stream, and the ETag."""
        return self._once(("bulk", asker.agent.name, asker.scope), controls, lambda: self._bulk(asker, controls))

    def notice(self, asker: Asker, controls: Controls) -> bytes:
        """The event that tells OFREP providers to fetch again; never a value."""
        return self._once(("notice", asker.agent.name, asker.scope), controls, lambda: self._notice(asker, controls))

    def whole(self, asker: Asker, controls: Controls) -> bytes:
        """The control object, as :mod:`firstfive_client` reads it."""
        return self._once(("whole", asker.agent.name, asker.scope), controls, lambda: _whole(controls))

    def event(self, asker: Asker, controls: Controls) -> bytes:
        """The event that carries the control object."""
        key = ("event", asker.agent.name, asker.scope)
        return self._once(key, controls, lambda: _event(controls.revision, "controls", self.whole(asker, controls)))

    def stream_pass(self, asker: Asker) -> str:
        """Browsers cannot send headers with an event stream, so its address carries a pass for nothing else."""
        scope = asker.scope
        named = (scope.environment, scope.tenant, scope.channel, scope.version)
        return pass_for(self._token, "events", asker.agent.name, *named) if self._token else ""

    def _once(self, key: Hashable, controls: Controls, make: Callable[[], T]) -> T:
        kept = self._kept.get(key)
        if kept is not None and kept[0] is controls:
            return cast("T", kept[1])
        made = make()
        if len(self._kept) >= MOST_KEPT:
            self._kept.clear()
        self._kept[key] = (controls, made)
        return made

    def _bulk(self, asker: Asker, controls: Controls) -> tuple[bytes, str]:
        own = asker.agent.control_keys
        names = {key: key for key in KEYS}
        names |= {custom: key for custom in own.values() if (key := standard_key(custom, own)) is not None}
        query = {"agent": asker.agent.name, **{name: said for name, said in encode(asker.scope).items() if said}}
        if self._token:
            query["pass"] = self.stream_pass(asker)
        stream = {"type": "sse", "endpoint": {"requestUri": f"{EVENTS}?{urlencode(query)}"}}
        body = orjson.dumps(
            {
                "flags": [flag(name, key, controls) for name, key in names.items()],
                "metadata": {"agent": asker.agent.name, "revision": controls.revision},
                "eventStreams": [{**stream, "inactivityDelaySec": INACTIVITY_SECONDS}],
            }
        )
        return body, f'"{hashlib.sha256(body).hexdigest()[:24]}"'

    def _notice(self, asker: Asker, controls: Controls) -> bytes:
        _, etag = self.bulk(asker, controls)
        moment = int(self._clock.now().timestamp())
        said = orjson.dumps({"type": "refetchEvaluation", "etag": etag, "lastModified": moment})
        return _event(controls.revision, "", said)


def _single(key: str, asker: Asker, controls: Controls) -> bytes | None:
    standard = standard_key(key, asker.agent.control_keys)
    return None if standard is None else orjson.dumps(flag(key, standard, controls))


def _whole(controls: Controls) -> bytes:
    return orjson.dumps(flag(CONTROLS, CONTROLS, controls)["value"])


def _event(revision: int, name: str, data: bytes) -> bytes:
    named = f"event: {name}\n" if name else ""
    return f"id: {revision}\n{named}data: ".encode() + data + b"\n\n"
