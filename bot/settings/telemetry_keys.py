"""Bearer tokens that bring the telemetry of one agent or environment only."""

from dataclasses import dataclass, field

from bot.incident.errors import Misconfigured


@dataclass(frozen=True, slots=True)
class TelemetryKey:
    """A bearer token that brings the telemetry of one agent or environment only."""

    kind: str  # "agent" or "environment"
    name: str
    token: str = field(repr=False)


def telemetry_keys(text: str, general: str = "") -> tuple[TelemetryKey, ...]:
    """The entries ``agent:NAME=token`` and ``environment:NAME=token``; ``general`` is the token without limits.

    Raises:
        Misconfigured: an entry is none, or two have one token; the sentence never shows a token.
    """
    keys: list[TelemetryKey] = []
    entries = [entry.strip() for line in text.splitlines() for entry in line.split(",")]
    for place, entry in enumerate(filter(None, entries), start=1):
        key = _telemetry_key(entry, place)
        if key.token == general or any(key.token == other.token for other in keys):
            raise Misconfigured(
                f"FIRSTFIVE_TELEMETRY_TOKENS, entry {place} ({key.kind}:{key.name}) has a token that is used already; "
                "give it one of its own."
            )
        keys.append(key)
    return tuple(keys)


def _telemetry_key(entry: str, place: int) -> TelemetryKey:
    who, _, token = (part.strip() for part in entry.partition("="))
    kind, _, name = (part.strip() for part in who.partition(":"))
    if kind not in {"agent", "environment"} or not name or not token:
        raise Misconfigured(
            f"FIRSTFIVE_TELEMETRY_TOKENS, entry {place} cannot be used; write agent:NAME=token or environment:NAME=token."
        )
    if not token.isascii() or any(character.isspace() for character in token):
        raise Misconfigured(
            f"FIRSTFIVE_TELEMETRY_TOKENS, entry {place} ({kind}:{name}) has a token that no header can carry; "
            "use letters, digits and -._~+/= without spaces."
        )
    return TelemetryKey(kind, name, token)
