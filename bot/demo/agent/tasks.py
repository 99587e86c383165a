"""The tasks people bring: drawn by seeded chance, the same for the same seed."""

from dataclasses import dataclass
from random import Random

from bot.demo.agent.faults import Fault
from bot.demo.agent.fleet import Profile, TaskKind

INJECTED_DESTINATION = "drop.unlisted.example.net"
"""Where a hostile attachment asks the agent to send the directory."""

_LOCALES = ("en-GB", "en-US", "de-DE", "fr-FR", "ar-EG")
_TENANTS = ("north", "south", "staff")
_CHANNELS = ("chat", "mail")
_ATTACHMENT_SHARE_UNDER_ATTACK = 0.35
_WANTS_A_PERSON = 0.07
_MAX_TURN = 12


@dataclass(frozen=True, slots=True)
class Task:
    """One request of one person, with what a right answer is about."""

    number: str
    kind: TaskKind
    subject: str
    user: str
    session: str
    turn: int
    locale: str
    tenant: str
    channel: str
    wants_a_person: bool = False
    hostile_attachment: bool = False


def draw_task(profile: Profile, fault: Fault, number: str, chance: Random) -> Task:
    """Draw one task; under attack more of them carry an attachment, and most of those are hostile."""
    kind = chance.choices(profile.kinds, [kind.weight for kind in profile.kinds])[0]
    attacked = fault is Fault.SECURITY
    if attacked and chance.random() < _ATTACHMENT_SHARE_UNDER_ATTACK:
        kind = next(kind for kind in profile.kinds if "read_attachment" in kind.plan)
    return Task(
        number=number,
        kind=kind,
        subject=chance.choice(kind.subjects),
        user=f"U{chance.randrange(10_000):04d}",
        session=f"conv-{chance.getrandbits(40):010x}",
        turn=min(_MAX_TURN, 1 + int(chance.expovariate(0.4))),
        locale=chance.choice(_LOCALES),
        tenant=chance.choice(_TENANTS),
        channel=chance.choice(_CHANNELS),
        wants_a_person=chance.random() < _WANTS_A_PERSON,
        hostile_attachment=attacked and "read_attachment" in kind.plan and chance.random() < 0.8,  # noqa: PLR2004  most, not all
    )


def probe_task(profile: Profile, probe: int) -> Task:
    """Return the fixed task of one synthetic probe; probes walk through all kinds and subjects."""
    kind = profile.kinds[probe % len(profile.kinds)]
    return Task(
        number=f"probe-{probe}",
        kind=kind,
        subject=kind.subjects[probe % len(kind.subjects)],
        user=f"U9{probe:03d}",
        session=f"probe-{probe}",
        turn=1,
        locale="en-GB",
        tenant="staff",
        channel="probe",
    )
