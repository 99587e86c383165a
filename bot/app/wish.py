"""What ``firstfive control`` can be asked for."""

from dataclasses import dataclass

from bot.incident.errors import BadInput
from bot.incident.kinds import MitigationKind
from bot.incident.mitigation import EVERYWHERE, OnExpiry, Scope

KINDS = tuple(kind.value for kind in MitigationKind)
ANSWERS = ("approve", "refuse")
READS = ("list", "show")


@dataclass(frozen=True, slots=True)
class Wish:
    """What ``firstfive control`` was asked for; see its ``--help`` for each field."""

    action: str
    target: str | None = None
    agent: str | None = None
    incident: str | None = None
    value: str | None = None
    minutes: int | None = None
    reason: str = ""
    override: str | None = None
    alone: str = ""
    scope: Scope = EVERYWHERE
    supersedes: str = ""
    on_expiry: OnExpiry | None = None
    steps: str = ""
    dry_run: bool = False
    wait: float = 0.0
    as_json: bool = False


def target_of(wish: Wish) -> str:
    """The id it is about.

    Raises:
        BadInput: none is named.
    """
    if not wish.target:
        raise BadInput("id", f"Name what to {wish.action}: its id, as `firstfive control list` shows it.")
    return wish.target
