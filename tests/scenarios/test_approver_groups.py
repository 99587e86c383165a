"""Approvers who are a user group in Slack, asked of the strict Slack."""

import pytest

from bot.incident.errors import Unavailable
from bot.slack.groups import SlackGroups
from bot.slack.workspace import Workspace
from tests.strict_slack.catalogue import DEFAULT_SCOPES
from tests.strict_slack.server import StrictSlack


async def test_members_are_asked_for_once_a_minute_and_unknown_groups_let_nobody_in() -> None:
    async with StrictSlack(scopes=DEFAULT_SCOPES | {"usergroups:read"}) as slack:
        slack.world.groups["S0LEADS"] = [slack.ana.id]
        async with Workspace(slack.bot_token, slack.api_url) as workspace:
            groups = SlackGroups(workspace)
            for _ in range(3):
                assert await groups.members("S0LEADS") == {slack.ana.id}
            assert len(slack.calls("usergroups.users.list")) == 1
            with pytest.raises(Unavailable, match="no_such_subteam"):
                await groups.members("S0NOBODY")


async def test_without_the_scope_it_is_said() -> None:
    async with StrictSlack() as slack, Workspace(slack.bot_token, slack.api_url) as workspace:
        with pytest.raises(Unavailable, match="missing_scope"):
            await SlackGroups(workspace).members("S0LEADS")
