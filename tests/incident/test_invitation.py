"""Private links: only ours, only whole, only in time."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.incident.errors import NotAdmitted
from bot.incident.invitation import Invitation, opened, sealed
from bot.incident.model import IncidentKey

NOW = datetime(2026, 11, 20, 3, 14, tzinfo=UTC)
DANA = Invitation(IncidentKey("INC-7"), "dana@example.com", NOW + timedelta(hours=4))
SECRET = "oak"


@given(st.integers(1, 10**8), st.text(max_size=80).filter(str.strip), st.integers(1, 86_400))
def test_what_was_sealed_opens_until_its_time_is_over(number: int, owner: str, seconds: int) -> None:
    invitation = Invitation(IncidentKey(f"INC-{number}"), owner, NOW + timedelta(seconds=seconds))
    token = sealed(invitation, SECRET)
    assert opened(token, SECRET, NOW) == invitation
    with pytest.raises(NotAdmitted, match="This link ended at"):
        opened(token, SECRET, invitation.expires_at)


@given(st.data())
def test_a_changed_token_opens_nothing(data: st.DataObject) -> None:
    token = sealed(DANA, SECRET)
    at = data.draw(st.integers(0, len(token) - 1))
    put = data.draw(st.sampled_from("ABCDEFGHIJKLMNOPabcdefgh0123456789-_."))
    changed = token[:at] + put + token[at + 1 :]
    if changed.rstrip("=")[:-1] == token[:-1]:  # the last letter carries bits that mean nothing
        return
    with pytest.raises(NotAdmitted):
        opened(changed, SECRET, NOW)


@pytest.mark.parametrize(
    "token", ["", ".", "a", "a.b", "é.é", "x" * 5000, sealed(DANA, "elm"), sealed(DANA, SECRET)[:-9]]
)
def test_what_is_not_ours_opens_nothing(token: str) -> None:
    with pytest.raises(NotAdmitted, match="not complete or not ours"):
        opened(token, SECRET, NOW)
