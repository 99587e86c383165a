"""Mitigations of any kind, place and state, for property tests of what agents have to obey."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import strategies as st

from bot.incident.kinds import HANDOFFS, LEVERS, Joining, MitigationKind, Value
from bot.incident.mitigation import Mitigation, MitigationState, Scope
from tests.incident import stories

AGENT = "helpdesk-agent"
TOOLS = ("search_kb", "reset_password", "send_mail")
NAMES = st.sampled_from(["", "one", "other"])
SCOPES = st.builds(Scope, NAMES, NAMES, NAMES, NAMES)


def values(kind: MitigationKind) -> st.SearchStrategy[Value]:
    """Values that somebody may ask for."""
    lever = LEVERS[kind]
    if lever.is_switch:
        return st.just(True)
    if lever.joining is Joining.UNION:
        return st.sets(st.sampled_from(TOOLS), min_size=1).map(lambda names: tuple(sorted(names)))
    if lever.joining is Joining.WIDEST:
        return st.sampled_from(HANDOFFS[1:])
    if lever.joining is Joining.ALONE:
        return st.sampled_from(["gpt-x", "gpt-x-mini"])
    if lever.is_whole:
        return st.integers(int(lever.least), min(int(lever.most), 50))
    return st.floats(lever.least, lever.most)


@st.composite
def levers(draw: st.DrawFn, *, prefix: str = "m") -> list[Mitigation]:
    """A handful of levers on two agents."""
    made = []
    for number in range(draw(st.integers(0, 6))):
        kind = draw(st.sampled_from(MitigationKind))
        at = stories.DECLARED_AT + timedelta(minutes=draw(st.integers(0, 9)))
        made.append(
            replace(
                stories.mitigation(f"{prefix}{number}"),
                kind=kind,
                value=draw(values(kind)),
                agent=draw(st.sampled_from([AGENT, "field-agent"])),
                scope=draw(SCOPES),
                state=draw(st.sampled_from(MitigationState)),
                applied_at=at,
                expires_at=at + timedelta(minutes=draw(st.integers(1, 99))),
            )
        )
    return made
