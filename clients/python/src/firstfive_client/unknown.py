"""What holds while nothing was ever known: no server, no file. Open or closed, per control."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class WhenUnknown:
    """Conservative values for the time before the first word from the server.

    ``halt``: "risky" refuses tools marked risky and lets the rest go on, "all" refuses everything,
    "none" nothing. ``read_only`` refuses every tool that writes, ``egress_cut`` every tool that
    reaches out. The limits hold as if they were in force.
    """

    halt: Literal["risky", "all", "none"] = "risky"
    read_only: bool = False
    egress_cut: bool = False
    max_turns: int | None = None
    max_steps: int | None = None
    max_cost_usd: float | None = None


@dataclass(frozen=True, slots=True)
class Tool:
    """What a tool does. One that nobody described is taken for one that writes and reaches out."""

    writes: bool = True
    egress: bool = True
    risky: bool = False
