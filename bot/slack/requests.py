"""Slack's payloads before they are understood: bytes to dictionaries, and the key that makes each one count once."""

import json
from collections.abc import Mapping
from enum import StrEnum
from hashlib import sha256
from typing import Any, TypeAlias
from urllib.parse import parse_qsl

from bot.incident.storable import storable

Payload: TypeAlias = dict[str, Any]  # whatever Slack sent, still in Slack's own words


class Kind(StrEnum):
    """What Slack may send us."""

    COMMAND = "command"
    ACTION = "block_actions"
    SUBMISSION = "view_submission"
    EVENT = "event_callback"
    URL_CHECK = "url_verification"
    SSL_CHECK = "ssl_check"
    OTHER = "other"


_BY_TYPE = {kind.value: kind for kind in (Kind.ACTION, Kind.SUBMISSION, Kind.EVENT, Kind.URL_CHECK)}


def parsed(body: bytes, content_type: str) -> Payload:
    """The payload in an HTTP body, from JSON, a form, or JSON inside a form.

    Raises:
        ValueError: it is none of these.
    """
    text = body.decode()
    if content_type.startswith("application/json"):
        return _object(text)
    form: Payload = dict(parse_qsl(text, keep_blank_values=True))
    return _object(form["payload"]) if "payload" in form else form


def _object(text: str) -> Payload:
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError("not an object")  # noqa: TRY004  callers tell readable from unreadable, nothing finer
    return value


def kept(value: Any) -> Any:
    """A payload without what no database keeps."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {storable(name): kept(said) for name, said in value.items()}
    return [kept(said) for said in value] if isinstance(value, list) else value


def kind_of(payload: Mapping[str, Any]) -> Kind:
    """What kind of request it is."""
    if "ssl_check" in payload:
        return Kind.SSL_CHECK
    if "command" in payload:
        return Kind.COMMAND
    return _BY_TYPE.get(payload.get("type", ""), Kind.OTHER)


def key_of(payload: Mapping[str, Any]) -> str:
    """The name under which a request counts once, however often it is delivered or clicked.

    A command is named by its trigger; a click by what was clicked and when; an event by its id;
    a submitted dialog by the dialog, its version and what was filled in, so that a corrected one is new.
    """
    match kind_of(payload):
        case Kind.COMMAND:
            return f"command:{payload.get('trigger_id') or _digest(payload)}"
        case Kind.ACTION:
            return _action_key(payload)
        case Kind.SUBMISSION:
            view = payload.get("view", {})
            values = _digest(view.get("state", {}))
            return f"submission:{view.get('id', '')}:{view.get('hash', '')}:{values}"
        case Kind.EVENT:
            return f"event:{payload.get('event_id') or _digest(payload)}"
        case Kind.URL_CHECK | Kind.SSL_CHECK | Kind.OTHER:
            return f"other:{payload.get('trigger_id') or _digest(payload)}"


def _action_key(payload: Mapping[str, Any]) -> str:
    container = payload.get("container", {})
    place = container.get("message_ts") or container.get("view_id") or ""
    actions = payload.get("actions") or [{}]
    clicked = actions[0]
    return f"action:{place}:{clicked.get('action_id', '')}:{clicked.get('action_ts') or payload.get('trigger_id', '')}"


def _digest(value: Any) -> str:
    return sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:20]
