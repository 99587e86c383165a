"""What the web edge gets of the house."""

from collections.abc import Mapping
from pathlib import Path

from bot.app.connecting import Health, SlackDoor
from bot.app.house import House
from bot.app.intake.otlp_intake import OtlpIntake
from bot.sources.otlp import TelemetryRejected, response_body
from bot.sources.ownership import Scope, scope_of
from bot.web.doors import Telemetry
from bot.web.parts import Parts
from bot.web.tokens import Tokens


def web_parts(home: House, public_url: str, door: SlackDoor | None, health: Health) -> Parts:
    """The house as the web edge knows it; ``door`` is Slack's, where it comes by HTTP."""
    server = home.settings.server

    async def ready() -> str | None:
        return health.first() or await home.trouble()

    async def metrics() -> Mapping[str, float]:
        return await measured(home)

    return Parts(
        verbs=home.verbs,
        records=home.records,
        traces=home.telemetry,
        clock=home.clock,
        ids=home.ids,
        catalogue=home.documents.catalogue,
        control=home.control,
        renderer=home.renderer,
        ready=ready,
        metrics=metrics,
        cache=Path(home.settings.home.home) / "cache",
        public_url=public_url,
        telemetry=Telemetry(
            OtlpIntake(home.telemetry, home.decoders, home.clock),
            TelemetryRejected,
            response_body,
            _keys(home),
        ),
        slack=door,
        tokens=Tokens(server.api_token or None, server.telemetry_token or None, server.control_token or None),
        announcements=home.announcements,
        audit=home.audit,
        trace_url=home.settings.telemetry.trace_url,
        browser_origins=server.origins,
    )


def _keys(home: House) -> tuple[tuple[str, Scope], ...]:
    """Telemetry tokens with whose telemetry each may bring."""
    catalogue = home.documents.catalogue
    return tuple((key.token, scope_of(key.kind, key.name, catalogue)) for key in home.settings.server.telemetry_keys)


async def measured(home: House) -> Mapping[str, float]:
    """The figures of ``/metrics``, by Prometheus series name."""
    states = await home.verbs.look.recent(200)
    series: dict[str, float] = {"firstfive_spans_ingested_total": float(home.telemetry.spans_taken)}
    for state in states:
        if state.status.is_open:
            named = state.incident_class.value if state.incident_class else "none"
            name = f'firstfive_incidents_open{{severity="{state.severity.value}",class="{named}"}}'
            series[name] = series.get(name, 0) + 1
    series["firstfive_jobs_failed"] = float(len(await home.jobs.failed()))
    return series
