"""Where an agent or a trace can be looked at: in the tool it came from, or on our own page."""

import re
from typing import Final
from urllib.parse import quote, urlencode

from bot.incident.evidence import EvidenceBundle, Pair

_PAGE: Final = re.compile(r"https?://[!-~]{1,600}")  # what a vendor answers may hold anything
_UNFIT: Final = re.compile(r"[<>\"'|`]")
_AS_QUERY: Final = re.compile(r"\.|\.\.|.*/figures|.*\n.*", re.DOTALL)


def agent_page(name: str, public_url: str = "", part: str = "", **chosen: str) -> str:
    """Our own page of an agent, however it is called, or a ``part`` of it; its path alone without ``public_url``.

    ``chosen`` are words for the query; empty ones are left out. The name is one segment of the path, so a ``/`` in it is
    percent-encoded, too. In the query stands a name that would be read as something else in a path: browsers go up from
    ``..`` even where it is encoded, ``/figures`` is our part, and routes end at a line break.
    """
    asked = {"name": name} if _AS_QUERY.fullmatch(name) else {}
    path = "/agent" if asked else f"/agents/{quote(name, safe='')}"
    query = urlencode(asked | {word: said for word, said in chosen.items() if said})
    return f"{public_url}{path}{part}" + (f"?{query}" if query else "")


def own_tool(bundle: EvidenceBundle, trace_id: str) -> str | None:
    """The trace's page in the tool it came from; None where there is none, or nothing one could click."""
    return safe(bundle.links.get(trace_id, ""))


def safe(address: str) -> str | None:
    """The address, when it is one of a web page and of nothing else."""
    return address if _PAGE.fullmatch(address) and not _UNFIT.search(address) else None


def trace_page(bundle: EvidenceBundle, trace_id: str, public_url: str) -> str | None:
    """The best page of a trace: the team's own tool first, then ours; None without either."""
    return own_tool(bundle, trace_id) or our_page(trace_id, public_url)


def our_page(trace_id: str, public_url: str) -> str | None:
    """Our own page of a trace."""
    return f"{public_url}/traces/{trace_id}" if public_url and _plain(trace_id) else None


def pair_page(pair: Pair, public_url: str) -> str | None:
    """Our page that shows the two tasks side by side; its path alone without ``public_url``."""
    return f"{public_url}/traces/{pair.bad}/beside/{pair.good}" if _plain(pair.bad + pair.good) else None


def _plain(trace_id: str) -> bool:
    return trace_id.isalnum() and trace_id.isascii()
