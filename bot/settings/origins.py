"""Origins of pages whose browsers may read controls."""

import re
from urllib.parse import urlsplit

from bot.incident.errors import Misconfigured

STANDARD_PORTS = {"http": 80, "https": 443}


def origins(text: str) -> tuple[str, ...]:
    """The origins named in ``text``, without the standard port and in lower case, as browsers write them.

    Raises:
        Misconfigured: an entry is none.
    """
    found = []
    for entry in filter(None, (part.strip() for line in text.splitlines() for part in line.split(","))):
        origin = _origin(entry)
        if origin is None:
            raise Misconfigured(
                f"FIRSTFIVE_BROWSER_ORIGINS has {entry!r}, which is no origin; write https://host or https://host:port, "
                "without a path and without wildcards."
            )
        found.append(origin)
    return tuple(dict.fromkeys(found))


def _origin(entry: str) -> str | None:
    try:
        parts = urlsplit(entry)
        port = parts.port
    except ValueError:
        return None
    host = parts.hostname or ""
    beside = parts.query or parts.fragment or parts.username is not None or parts.path.strip("/")
    if parts.scheme not in STANDARD_PORTS or not host or beside or not re.fullmatch(r"[a-z0-9.:-]+", host):
        return None
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}" + ("" if port in {None, STANDARD_PORTS[parts.scheme]} else f":{port}")
