"""How verbs read an incident and record what happened."""

import re
from datetime import datetime
from hashlib import sha256

from bot.incident.errors import Closed, KeyReused, NotFound
from bot.incident.model import FIRSTFIVE, IncidentKey, Person
from bot.incident.state import IncidentState
from bot.incident.timeline import Fact
from bot.ports import RoomTask, RoomTaskKind, Work


def incident_key(text: str) -> IncidentKey:
    """The key in what people type: ``INC-7``, ``inc-7`` and ``7`` are the same.

    Raises:
        NotFound: the text cannot be a key.
    """
    match = re.fullmatch(r"(?:inc-?)?0*([1-9]\d{0,8})", text.strip(), re.IGNORECASE)
    if match is None:
        raise NotFound(f"No incident {text.strip()[:40] or '(nothing)'} here. `/incident list` shows the open ones.")
    return IncidentKey(f"INC-{match.group(1)}")


async def state_of(work: Work, text: str) -> IncidentState:
    """The state of the incident people mean by ``text``.

    Raises:
        NotFound: there is no such incident.
    """
    key = incident_key(text)
    incident = await work.incidents.get(key)
    if incident is None:
        raise NotFound(f"No incident {key} here. `/incident list` shows the open ones.")
    return await work.timelines.state(incident)


async def open_state_of(work: Work, text: str, step: str) -> IncidentState:
    """As :func:`state_of`, for a ``step`` that only an open incident takes.

    Raises:
        NotFound: there is no such incident.
        Closed: it is resolved or reviewed.
    """
    state = await state_of(work, text)
    if not state.status.is_open:
        raise Closed(
            f"{state.incident.key} is {state.status.value}, so it takes no {step} any more. Nothing was changed."
        )
    return state


async def record(work: Work, key: IncidentKey, fact: Fact, by: Person, at: datetime, idem: str | None) -> bool:
    """Append one fact and let the room follow; False when this very click was recorded before."""
    event = await work.timelines.append(key, fact, by, at, idem)
    if event is None:
        return False
    await work.outbox.put(RoomTask(RoomTaskKind.CONVERGE, key))
    return True


def digest_of(*said: str) -> str:
    """SHA-256 of what was asked for, to tell a repeated request from another one."""
    return sha256("\0".join(said).encode()).hexdigest()


async def used_before(work: Work, key: str, fingerprint: str, at: datetime) -> bool:
    """Whether this very request has changed something before; from now on it has, unless this transaction is undone.

    Raises:
        KeyReused: the key came with another request then.
    """
    known = await work.requests.claim(key, fingerprint, at)
    if known is not None and known.fingerprint != fingerprint:
        raise KeyReused("This idempotency key was used for something else before. Use a new one; nothing was changed.")
    return known is not None


async def post(work: Work, key: IncidentKey, task: str, text: str) -> None:
    """Queue one message for the room; a second one with the same ``task`` is dropped."""
    await work.outbox.put(RoomTask(RoomTaskKind.POST, key, task, {"text": text, "by": FIRSTFIVE.id}))
