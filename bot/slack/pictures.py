"""The frozen evidence in pictures: drawn once, put into the room once, and what became of it recorded.

A picture is a courtesy. Its figures stand in words on the card and on the page, so nothing is tried twice.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from bot.incident.charts.chart import Chart
from bot.incident.charts.drawn import evidence_charts
from bot.incident.errors import FirstfiveError
from bot.incident.evidence import EvidenceBundle
from bot.incident.facts.declaring import RoomPrepared, RoomStep
from bot.incident.model import FIRSTFIVE, IncidentKey
from bot.incident.quantities import duration, in_minutes
from bot.ports import RoomRecord
from bot.slack.furnishing import OK, outcome_of
from bot.slack.room import CARD_STEP, CHANNEL, Room
from bot.slack.text import link, shorten
from bot.slack.workspace import Workspace, asked

log = logging.getLogger(__name__)

STEP: Final = "charts"
WITHIN = 15.0  # seconds for drawing and uploading together; messages of the same incident wait that long at most
ALT_LIMIT = 1000  # characters Slack takes as alternative text
LOOKED_AT = 50  # newest messages searched for pictures of an earlier try
Drawing: TypeAlias = Callable[[Sequence[Mapping[str, object]]], Awaitable[Sequence[bytes]]]  # specs to PNG, in order


@dataclass(frozen=True, slots=True)
class Pictures:
    """Draws and uploads the evidence of a declaration."""

    room: Room
    workspace: Workspace
    draw: Drawing
    public_url: str

    async def post(self, key: IncidentKey, attempts: int) -> None:
        """Put the pictures into the room, unless they are there; whatever fails is recorded and not tried again.

        Raises:
            FirstfiveError: the room itself could not be made; try again later.
        """
        record = await self.room.converge(key)
        if STEP in record.steps:
            return
        bundle = await self.room.verbs.look.bundle(await self.room.verbs.look.state(key))
        charts = evidence_charts(bundle) if bundle else ()
        if bundle is None or not charts:
            return
        there = attempts > 1 and await self._there(record)
        await self._recorded(record, OK if there else await self._outcome(record, bundle, charts))

    async def _outcome(self, record: RoomRecord, bundle: EvidenceBundle, charts: Sequence[Chart]) -> str:
        try:
            async with asyncio.timeout(WITHIN):
                return await outcome_of(self._upload(record, bundle, charts))
        except TimeoutError:
            return f"they took longer than {duration(WITHIN)}"

    async def _upload(self, record: RoomRecord, bundle: EvidenceBundle, charts: Sequence[Chart]) -> None:
        drawn = await self.draw([chart.spec for chart in charts])
        files = [
            {
                "filename": name_of(record.incident, chart),
                "content": picture,
                "title": f"{record.incident}: {chart.spec['title']['text']}",
                "alt_txt": shorten(chart.alt, ALT_LIMIT),
            }
            for chart, picture in zip(charts, drawn, strict=True)
        ]
        words = self._words(record.incident, bundle)
        await asked(
            self.workspace.room.files_upload_v2(
                file_uploads=files, channel=record.channel_id, initial_comment=self.workspace.shown(words)
            )
        )

    def _words(self, key: IncidentKey, bundle: EvidenceBundle) -> str:
        page = f"{self.public_url}/incidents/{key}"
        where = link(page, "on its page") if self.public_url else "on its card"
        window = in_minutes(bundle.window.seconds / 60)
        return f"Evidence of {key} in pictures, as of the declaration: {window} against before. In words {where}."

    async def _there(self, record: RoomRecord) -> bool:
        """An earlier try got through and only its answer was lost."""
        try:
            answer = await asked(self.workspace.room.conversations_history(channel=record.channel_id, limit=LOOKED_AT))
        except FirstfiveError:
            return False
        start = f"{str(record.incident).lower()}-"
        files = [file for message in answer.get("messages", ()) for file in message.get("files") or ()]
        return any(str(f.get("name", "")).startswith(start) and str(f["name"]).endswith(".png") for f in files)

    async def _recorded(self, record: RoomRecord, outcome: str) -> None:
        """Remember the outcome; a failure also goes on the timeline and from there onto the card."""
        steps = {**record.steps, STEP: outcome}
        await self.room.rooms.save(replace(record, steps=steps))
        if outcome == OK:
            return
        log.warning("the charts of %s are not in its room: %s", record.incident, outcome)
        told = tuple(
            RoomStep(step, None if said == OK else said)
            for step, said in steps.items()
            if step not in {CHANNEL, CARD_STEP}
        )
        fact = RoomPrepared(record.channel_id, record.channel_name, told)
        async with self.room.records.begin() as work:
            await work.timelines.append(record.incident, fact, FIRSTFIVE, self.room.clock.now(), "room:charts")
        await self.room.converge(record.incident)


def name_of(key: IncidentKey, chart: Chart) -> str:
    """The name of the file that holds this picture."""
    return f"{key.lower()}-{chart.name}.png"
