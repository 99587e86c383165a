"""How the signals of a class make its case, and when that stands. Evidence is counted in nats; see ``statistics.evidence``."""

import math
from dataclasses import dataclass
from enum import StrEnum

CONVINCING = 4.5  # nats for a class that lives in everyday noise; ordinary hours say how rarely that is reached
BESIDE = 0.4  # of the strongest case: what an earlier class must reach; its own consequences may look stronger


class CaseRule(StrEnum):
    """How the signals of a class make its case."""

    SUM = "sum"  # independent signs add up
    BEST = "best"  # several ways of seeing the same thing: the best one counts
    SECURITY = "security"  # these five know more about their class than its signals: see cases.py
    PROVIDER = "provider"
    TOOL = "tool"
    HARD = "hard"
    QUALITY = "quality"


@dataclass(frozen=True, slots=True)
class Sign:
    """One signal that speaks for a class. A ``name`` that ends in ":" means every signal of that family.

    A share speaks with the evidence that it got worse, times ``weight``; choosing it among ``looks`` ways of seeing
    the same thing costs ln(looks) nats. With a bound, it speaks with ``weight`` times :data:`CONVINCING` nats once its
    value is ``above`` or ``below`` the figure, or ``times`` its baseline, over at least ``at_least`` observations.
    """

    name: str
    looks: int = 1
    weight: float = 1.0
    above: float | None = None
    below: float | None = None
    times: float | None = None
    at_least: int = 5

    @property
    def bounded(self) -> bool:
        """It has a figure that its value must cross."""
        return not (self.above is None and self.below is None and self.times is None)

    @property
    def cost(self) -> float:
        """Nats that choosing it costs: looking again is another chance for noise."""
        return math.log(self.looks)


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """How the case of a class is made, and when it stands.

    ``convincing``: nats from which it stands. ``alone``: nats from which it needs no comparison with later classes.
    ``beside``: the share of the strongest rival's case that it must reach otherwise.
    """

    rule: CaseRule
    signs: tuple[Sign, ...]
    convincing: float = CONVINCING
    alone: float = math.inf
    beside: float = BESIDE
