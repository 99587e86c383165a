"""Suggest: the class that the evidence of one moment leads to."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from bot.incident.classification import Answer, Classification, Question
from bot.incident.counterfactuals import explained
from bot.incident.evidence import EvidenceBundle
from bot.incident.model import Impact
from bot.incident.rules import Taxonomy
from bot.response.gather import Gather


@dataclass(frozen=True, slots=True)
class Suggest:
    """Evidence and the classification it leads to, with any replies responders gave."""

    gather: Gather

    @property
    def taxonomy(self) -> Taxonomy:
        """The classes and questions it goes by."""
        return self.gather.taxonomy

    def impact(self, agent: str) -> Impact:
        """What the catalogue knows of what trouble with the agent can do."""
        return self.gather.catalogue.agent(agent).impact

    async def __call__(
        self,
        agent: str,
        at: datetime | None = None,
        replies: Mapping[Question, Answer] | None = None,
        *,
        environment: str = "",
    ) -> tuple[EvidenceBundle, Classification]:
        """The bundle and the tree's result for it; ``environment`` as of :class:`Gather`."""
        bundle = await self.gather(agent, at, environment=environment)
        return bundle, await asyncio.to_thread(explained, bundle, self.taxonomy, replies or {}, self.impact(agent))
