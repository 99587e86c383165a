"""The house: everything that lives while a process of ours does. Servers and commands live in it."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from bot.app.background import Announced, Tasks
from bot.app.documents import Documents
from bot.app.intake.decoders import Decoders
from bot.controls.builtin import BuiltinControl
from bot.documents.charts import DrawnCharts
from bot.documents.postmortems import JinjaRenderer, embedded
from bot.engine.ids import RandomIds
from bot.engine.jobs import DurableJobs
from bot.incident.errors import Unavailable
from bot.incident.model import IncidentKey
from bot.monitors.movement import MovementWatch
from bot.monitors.proof import ProofWatch
from bot.monitors.retention import Retention
from bot.monitors.straying import StrayWatch
from bot.monitors.timers import Timers
from bot.ports import Clock
from bot.response.driving import Drivers
from bot.response.exit_plan import TakeStep
from bot.response.freeze import FreezeEvidence
from bot.response.mitigating import LateGroups, Mitigating
from bot.response.verbs import Verbs
from bot.settings.concerns import Settings
from bot.storage.announcements import SqlAnnouncements
from bot.storage.audit_trail import SqlAuditTrail
from bot.storage.database import Database
from bot.storage.telemetry import SqlTelemetry

log = logging.getLogger("firstfive")


@dataclass(frozen=True, slots=True)
class House:
    """Everything that lives while a process of ours does."""

    settings: Settings
    database: Database
    clock: Clock
    ids: RandomIds
    background: Tasks
    records: Announced
    telemetry: SqlTelemetry
    decoders: Decoders
    announcements: SqlAnnouncements
    jobs: DurableJobs
    control: BuiltinControl
    drivers: Drivers
    levers: Mitigating
    audit: SqlAuditTrail
    groups: LateGroups
    documents: Documents
    renderer: JinjaRenderer
    charts: DrawnCharts
    freeze: FreezeEvidence
    verbs: Verbs

    @property
    def timers(self) -> Timers:
        """What durable jobs do."""
        exits = TakeStep(self.records, self.clock, self.levers.changes, self.verbs.suggest, self.documents.runbooks)
        return Timers(self.records, self.clock, self.levers.changes, self.freeze, exits)

    @property
    def proofs(self) -> ProofWatch:
        """The watch over mitigations."""
        return ProofWatch(self.records, self.clock, self.drivers, self.telemetry, self.documents.catalogue)

    @property
    def strays(self) -> StrayWatch:
        """The watch over what other control planes say."""
        return StrayWatch(self.records, self.clock, self.drivers, self.levers.changes.carry_out)

    @property
    def movements(self) -> MovementWatch:
        """The watch over whether mitigations help."""
        return MovementWatch(self.records, self.clock, self.verbs.gather)

    @property
    def retention(self) -> Retention:
        """The watch over old telemetry."""
        keep = timedelta(hours=self.settings.telemetry.retention_hours)
        most = self.settings.telemetry.retention_megabytes * 1_000_000
        return Retention(self.telemetry, self.records, self.clock, keep, most)

    async def written(self, key: str, form: str, *, pictures: bool = True) -> str:
        """The postmortem as "md" or "html", with its charts drawn into it where they can be."""
        document = await self.verbs.postmortem(key)
        drawn: dict[str, str] = {}
        if pictures:
            try:
                svgs = await self.charts.draw_all([chart.spec for chart in document.charts], "svg")
                drawn = {c.name: embedded(svg) for c, svg in zip(document.charts, svgs, strict=True)}
            except Unavailable as error:
                log.warning("%s", error)
        return self.renderer.postmortem(document, form, drawn)

    async def postmortem_file(self, key: IncidentKey) -> tuple[str, bytes, str]:
        """File name, content and title of the draft for the room: one page that holds its charts."""
        text = await self.written(key, "html")
        return f"{key.lower()}-postmortem.html", text.encode(), f"{key} postmortem draft"

    async def pictures(self, specs: Sequence[Mapping[str, object]]) -> list[bytes]:
        """Charts as PNG, all drawn by one process.

        Raises:
            Unavailable: they could not be drawn in time.
        """
        return await self.charts.draw_all(specs, "png")

    async def trouble(self) -> str | None:
        """Why we are not ready, or None."""
        if not await self.database.schema_is_current():
            return "The database is not at this version; run `firstfive migrate`."
        return None
