"""Invite: private links to the classification of one incident, for an agent's owners who have no Slack."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.incident.errors import BadInput
from bot.incident.facts.classifying import OwnerInvited
from bot.incident.invitation import Invitation, opened, sealed
from bot.incident.model import Catalogue, Person
from bot.ports import Clock, Records
from bot.response.recording import open_state_of, record

LEAST, MOST = timedelta(minutes=5), timedelta(hours=24)
USUAL = timedelta(hours=4)


@dataclass(frozen=True, slots=True)
class PrivateLink:
    """One link. ``path`` holds the token: show it to the one who asked or to the owner, and never log it."""

    owner: str
    path: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Invite:
    """Make private links. That one was made goes on the timeline; the link itself is kept nowhere."""

    records: Records
    clock: Clock
    catalogue: Catalogue
    secret: str = field(repr=False)

    async def __call__(
        self, key: str, by: Person, idem: str, owner: str = "", good_for: timedelta = USUAL
    ) -> tuple[PrivateLink, ...]:
        """A link for ``owner``, or for every owner of the incident's agent.

        Raises:
            NotFound: there is no such incident.
            Closed: it is resolved or reviewed.
            BadInput: the catalogue names no such owner, or the time is too short or too long.
        """
        if not LEAST <= good_for <= MOST:
            raise BadInput("minutes", "A private link is good for 5 minutes to 24 hours.")
        now = self.clock.now()
        async with self.records.begin() as work:
            state = await open_state_of(work, key, "private link")
            links = []
            for name in self._owners(state.incident.agent, owner):
                invitation = Invitation(state.incident.key, name, now + good_for)
                fact = OwnerInvited(name, invitation.expires_at)
                await record(work, state.incident.key, fact, by, now, f"invite:{idem}:{name}")
                path = f"/link/{sealed(invitation, self.secret)}"
                links.append(PrivateLink(name, path, invitation.expires_at))
        return tuple(links)

    def admitted(self, token: str) -> Invitation:
        """The invitation behind a token.

        Raises:
            NotAdmitted: it is not ours, was changed, or its time is over.
        """
        return opened(token, self.secret, self.clock.now())

    def _owners(self, agent: str, wanted: str) -> tuple[str, ...]:
        """Owners named in the catalogue, and nobody else: a link acts in its owner's name."""
        owners = self.catalogue.agent(agent).owners
        if not owners:
            raise BadInput("owner", f"The agents file names no owner of {agent}. Add `owners:` to its entry.")
        if not wanted:
            return owners
        named = wanted.strip().lower().lstrip("@")
        found = tuple(one for one in owners if one.lower().lstrip("@") == named)
        if not found:
            raise BadInput("owner", f"{wanted.strip()[:80]} does not own {agent}. Its owners: {', '.join(owners)}.")
        return found
