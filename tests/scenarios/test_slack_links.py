"""Private links in Slack: who gets them, and that nobody else sees them."""

import json
import re

import pytest

from bot.incident.facts.classifying import OwnerInvited
from bot.incident.model import Agent, Catalogue
from tests.scenarios.conftest import Office
from tests.scenarios.slack_double import SlackDouble

OWNED = Catalogue((Agent("helpdesk-agent", owners=("@ben", "dana@example.com")),))
ADDRESS = re.compile(r"https://pages\.test/link/[A-Za-z0-9_.-]+")


@pytest.fixture
async def office(closed_office: Office) -> Office:
    """An agent with an owner in Slack and one without."""
    closed_office.catalogue = OWNED
    return await closed_office.start()


def shown_to(slack: SlackDouble, who: str) -> list[str]:
    """The private links one person was shown, and no one else."""
    return [address for one in slack.private if one["user"] == who for address in ADDRESS.findall(json.dumps(one))]


async def test_an_owner_nobody_knows_here_gets_a_link_through_the_declarer(office: Office) -> None:
    await office.declares()
    await office.follows()
    (address,) = shown_to(office.slack, "U1")
    invitation = office.verbs.invite.admitted(address.rpartition("/")[2])
    assert (invitation.incident, invitation.owner) == ("INC-1", "dana@example.com")
    assert "/link/" not in json.dumps(office.slack.messages), "no channel shows it"
    facts = [event.fact for event in await office.verbs.look.timeline("1")]
    assert [fact.owner for fact in facts if isinstance(fact, OwnerInvited)] == ["dana@example.com"]
    await office.edge.room.converge(invitation.incident)
    assert len(shown_to(office.slack, "U1")) == 1


async def test_whoever_asks_gets_a_link_for_each_owner_and_owners_here_get_theirs(office: Office) -> None:
    await office.declares()
    await office.follows()
    office.slack.private.clear()
    await office.types("INC-1 link")
    found = shown_to(office.slack, "ana")
    owners = [office.verbs.invite.admitted(one.rpartition("/")[2]).owner for one in found]
    assert owners == ["@ben", "dana@example.com"]
    direct = ADDRESS.findall(json.dumps(office.slack.messages["U2"]))
    assert direct == found[:1], "as a direct message"


async def test_a_stranger_gets_no_link(office: Office) -> None:
    await office.declares()
    await office.follows()
    office.slack.private.clear()
    await office.types("INC-1 link mallory@example.com")
    assert "mallory@example.com does not own helpdesk-agent. Its owners: @ben, dana@example.com." in (
        office.slack.told()[-1].replace("\u2060", "")
    )
    assert shown_to(office.slack, "ana") == []
