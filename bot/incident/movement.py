"""Does the trouble get better while a lever that fits its class is in force? If not in time, the class may be wrong."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.incident.evidence import ENOUGH, EvidenceBundle, Signal
from bot.incident.quantities import percent
from bot.incident.statistics import newcombe
from bot.incident.strength import NOTABLE, strength


@dataclass(frozen=True, slots=True)
class Movement:
    """``moved`` is None while telemetry cannot tell; ``detail`` has the figures, without a full stop."""

    moved: bool | None
    detail: str


def movement(names: Sequence[str], then: EvidenceBundle, since: EvidenceBundle) -> Movement:
    """Whether one of the signals ``names`` got better since a lever was pulled.

    ``then`` is the evidence at that moment, with the window since the trouble began; ``since`` has the time with the
    lever as its window. Better means fewer bad ones than then, or no more than before the trouble.
    """
    bad = [(one, now) for name in names if (one := _troubled(then, name)) and (now := since.signal(name))]
    if not bad:
        return Movement(None, "none of the signals it should move was in trouble")
    seen = [(one, now) for one, now in bad if now.k is not None and now.n >= ENOUGH]
    if not seen:
        return Movement(None, f"fewer than {ENOUGH} observations since")
    for one, now in seen:
        if _better(one, now):
            return Movement(moved=True, detail=_figures(one, now))
    return Movement(moved=False, detail="; ".join(_figures(one, now) for one, now in seen))


def _troubled(bundle: EvidenceBundle, name: str) -> Signal | None:
    signal = bundle.signal(name)
    return signal if signal is not None and signal.n and strength(signal) >= NOTABLE else None


def _better(then: Signal, now: Signal) -> bool:
    fell = newcombe(then.k or 0, then.n, now.k or 0, now.n).low > 0
    usual = then.baseline_n >= ENOUGH and newcombe(now.k or 0, now.n, then.baseline_k or 0, then.baseline_n).low <= 0
    return fell or usual


def _figures(then: Signal, now: Signal) -> str:
    share = percent((now.k or 0) / now.n)
    return f"{now.k} of {now.n} {now.label} since ({share}), {then.k} of {then.n} before it"
