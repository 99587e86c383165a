"""How webhook requests are signed, as Standard Webhooks says, and the secrets for that."""

import binascii
from base64 import b64decode, b64encode
from collections.abc import Mapping
from hashlib import sha256
from hmac import new as hmac

from bot.incident.errors import Misconfigured

SECRETS = "FIRSTFIVE_WEBHOOK_SECRETS"
PREFIX = "whsec_"


def signature(key: bytes, message_id: str, at: int, body: bytes) -> str:
    """The signature of a message as Standard Webhooks writes it: ``v1,`` and base64."""
    signed = f"{message_id}.{at}.".encode() + body
    return f"v1,{b64encode(hmac(key, signed, sha256).digest()).decode()}"


def entries_of(text: str) -> tuple[str, ...]:
    """The secrets of the setting as they are written, by line or comma."""
    return tuple(part.strip() for line in text.splitlines() for part in line.split(",") if part.strip())


def secrets_in(text: str) -> dict[str, tuple[bytes, ...]]:
    """Keys by name: ``whsec_…`` is the one without a name, ``NAME=whsec_…`` another; two of a name sign side by side.

    Raises:
        Misconfigured: an entry is none; the sentence never shows a secret.
    """
    found: dict[str, tuple[bytes, ...]] = {}
    for place, entry in enumerate(entries_of(text), start=1):
        name, _, secret = ("", "", entry) if entry.startswith(PREFIX) else entry.partition("=")
        try:
            key = b64decode(secret.strip().removeprefix(PREFIX), validate=True) if PREFIX in secret else b""
        except binascii.Error:
            key = b""
        if not key:
            raise Misconfigured(f"{SECRETS}, entry {place} is no secret; write whsec_ and base64, or NAME=whsec_….")
        found[name.strip()] = (*found.get(name.strip(), ()), key)
    return found


def settled(settings: Mapping[str, str]) -> str:
    """What is wrong with the secrets of the settings; empty when nothing is."""
    try:
        secrets_in(settings.get(SECRETS, ""))
    except Misconfigured as error:
        return str(error)
    return ""
