"""Settings of the places where a team already keeps traces, scores and figures: one class per vendor."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.settings.field import setting


@dataclass(frozen=True, slots=True)
class PhoenixSettings:
    """Arize Phoenix, read over its REST API."""

    url: str = setting(
        "FIRSTFIVE_PHOENIX_URL", "", "Address of Phoenix, like http://127.0.0.1:6006. Empty: not asked.", address=True
    )
    api_key: str = setting("FIRSTFIVE_PHOENIX_API_KEY", "", "Key of Phoenix, where authentication is on.", secret=True)
    project: str = setting(
        "FIRSTFIVE_PHOENIX_PROJECT", "default", "Project in Phoenix; the catalogue may name another for an agent."
    )


@dataclass(frozen=True, slots=True)
class MlflowSettings:
    """MLflow 3 tracking server."""

    url: str = setting(
        "FIRSTFIVE_MLFLOW_URL", "", "Address of MLflow, like http://127.0.0.1:5000. Empty: not asked.", address=True
    )
    token: str = setting(
        "FIRSTFIVE_MLFLOW_TOKEN", "", "Bearer token of MLflow, or user:password for basic authentication.", secret=True
    )
    experiment: str = setting(
        "FIRSTFIVE_MLFLOW_EXPERIMENT", "0", "Experiment id in MLflow; the catalogue may name another for an agent."
    )


@dataclass(frozen=True, slots=True)
class LangfuseSettings:
    """Langfuse v4, read over v2 observations and v3 scores."""

    url: str = setting(
        "FIRSTFIVE_LANGFUSE_URL",
        "",
        "Address of Langfuse, like https://cloud.langfuse.com. Empty: not asked.",
        address=True,
    )
    public_key: str = setting("FIRSTFIVE_LANGFUSE_PUBLIC_KEY", "", "Public key of the Langfuse project.")
    secret_key: str = setting("FIRSTFIVE_LANGFUSE_SECRET_KEY", "", "Secret key of the Langfuse project.", secret=True)


@dataclass(frozen=True, slots=True)
class LangSmithSettings:
    """LangSmith, read over its v2 query API."""

    url: str = setting(
        "FIRSTFIVE_LANGSMITH_URL",
        "",
        "Address of the LangSmith API, like https://api.smith.langchain.com. Empty: not asked.",
        address=True,
    )
    api_key: str = setting("FIRSTFIVE_LANGSMITH_API_KEY", "", "Key of LangSmith.", secret=True)
    project: str = setting(
        "FIRSTFIVE_LANGSMITH_PROJECT",
        "",
        "Project id (UUID) in LangSmith; the catalogue may name another for an agent.",
    )


@dataclass(frozen=True, slots=True)
class DatadogSettings:
    """Datadog LLM Observability."""

    url: str = setting(
        "FIRSTFIVE_DATADOG_URL",
        "",
        "Address of the Datadog API of your site, like https://api.datadoghq.eu. Empty: not asked.",
        address=True,
    )
    api_key: str = setting("FIRSTFIVE_DATADOG_API_KEY", "", "API key of Datadog.", secret=True)
    application_key: str = setting("FIRSTFIVE_DATADOG_APPLICATION_KEY", "", "Application key of Datadog.", secret=True)


@dataclass(frozen=True, slots=True)
class TempoSettings:
    """Grafana Tempo, searched with TraceQL."""

    url: str = setting(
        "FIRSTFIVE_TEMPO_URL", "", "Address of Tempo, like http://127.0.0.1:3200. Empty: not asked.", address=True
    )
    token: str = setting(
        "FIRSTFIVE_TEMPO_TOKEN", "", "Bearer token of Tempo, or user:password for basic authentication.", secret=True
    )
    tenant: str = setting("FIRSTFIVE_TEMPO_TENANT", "", "Tenant (X-Scope-OrgID), where Tempo has several.")
    grafana_url: str = setting(
        "FIRSTFIVE_TEMPO_GRAFANA_URL",
        "",
        "Address of the Grafana that shows this Tempo, for links to traces. Empty: no links.",
        address=True,
    )


@dataclass(frozen=True, slots=True)
class JaegerSettings:
    """Jaeger v2, read over its v3 query API."""

    url: str = setting(
        "FIRSTFIVE_JAEGER_URL",
        "",
        "Address of the Jaeger query service, like http://127.0.0.1:16686. Empty: not asked.",
        address=True,
    )
    token: str = setting("FIRSTFIVE_JAEGER_TOKEN", "", "Bearer token of a proxy before Jaeger.", secret=True)


@dataclass(frozen=True, slots=True)
class PrometheusSettings:
    """Prometheus, for the five agent metrics."""

    url: str = setting(
        "FIRSTFIVE_PROMETHEUS_URL",
        "",
        "Address of Prometheus, like http://127.0.0.1:9090. Empty: not asked.",
        address=True,
    )
    token: str = setting(
        "FIRSTFIVE_PROMETHEUS_TOKEN",
        "",
        "Bearer token of Prometheus, or user:password for basic authentication.",
        secret=True,
    )


@dataclass(frozen=True, slots=True)
class SourcesSettings:
    """Where a team already keeps traces, scores and figures."""

    phoenix: PhoenixSettings = field(default_factory=PhoenixSettings)
    mlflow: MlflowSettings = field(default_factory=MlflowSettings)
    langfuse: LangfuseSettings = field(default_factory=LangfuseSettings)
    langsmith: LangSmithSettings = field(default_factory=LangSmithSettings)
    datadog: DatadogSettings = field(default_factory=DatadogSettings)
    tempo: TempoSettings = field(default_factory=TempoSettings)
    jaeger: JaegerSettings = field(default_factory=JaegerSettings)
    prometheus: PrometheusSettings = field(default_factory=PrometheusSettings)


SOURCES: Mapping[str, type[Any]] = {
    "phoenix": PhoenixSettings,
    "mlflow": MlflowSettings,
    "langfuse": LangfuseSettings,
    "langsmith": LangSmithSettings,
    "datadog": DatadogSettings,
    "tempo": TempoSettings,
    "jaeger": JaegerSettings,
    "prometheus": PrometheusSettings,
}
