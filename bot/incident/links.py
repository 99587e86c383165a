"""Where a trace can be looked at: in the tool it came from, or on our own page."""

import re
from typing import Final

from bot.incident.evidence import EvidenceBundle, Pair

_PAGE: Final = re.compile(r"https?://[!-~]{1,600}")  # what a vendor answers may hold anything
_UNFIT: Final = re.compile(r"[<>\"'|`]")


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
