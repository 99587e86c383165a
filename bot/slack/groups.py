"""Slack's user groups, for those who may approve."""

import asyncio

from bot.incident.errors import Unavailable
from bot.ports import Groups
from bot.slack.workspace import Declined, Workspace, asked

KNOWN_FOR = 60.0  # seconds; whoever leaves a group approves nothing a minute later


class SlackGroups(Groups):
    """Members by group id, each asked for once a minute at most."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._known: dict[str, tuple[float, frozenset[str]]] = {}

    async def members(self, group: str) -> frozenset[str]:
        """The ids of the people in it.

        Raises:
            Unavailable: Slack does not answer, or does not know the group or let us look.
        """
        now = asyncio.get_running_loop().time()
        until, known = self._known.get(group, (0.0, frozenset()))
        if now < until:
            return known
        try:
            answer = await asked(self._workspace.client.usergroups_users_list(usergroup=group))
        except Declined as error:
            raise Unavailable(f"The members of {group} cannot be looked up ({error.code}).") from error
        found = frozenset(str(user) for user in answer.get("users", ()))
        self._known[group] = now + KNOWN_FOR, found
        return found
