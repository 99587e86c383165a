"""Settings: read once from the environment and ``firstfive.toml``, then passed on as values.

The environment wins over the file. Names in the file are those of the environment in lower
case without the ``FIRSTFIVE_`` prefix (``port = 8080``; Slack's keep theirs: ``slack_bot_token``).
A secret may come from a file: ``FIRSTFIVE_API_TOKEN_FILE`` names it.
"""

import ipaddress
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from bot.incident.errors import Misconfigured


def setting(
    env: str,
    default: Any,
    doc: str,
    *,
    secret: bool = False,
    within: tuple[float, float] | None = None,
    address: bool = False,
) -> Any:
    """A settings field: its environment variable, default, and meaning with unit and reason.

    ``within``: least and most of a number. ``address``: it must be one that starts with http(s)://.
    """
    return field(
        default=default, metadata={"env": env, "doc": doc, "secret": secret, "within": within, "address": address}
    )


MAX_PORT = 65535
STANDARD_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class HomeSettings:
    """Where things are kept."""

    home: str = setting(
        "FIRSTFIVE_HOME",
        ".firstfive",
        "Folder for the embedded database, logs and caches; relative to where it starts.",
    )
    database_url: str = setting(
        "FIRSTFIVE_DATABASE_URL",
        "",
        "Empty: an SQLite file in the home folder, enough for one machine. `postgresql://user:password@host/name` "
        "for several.",
        secret=True,
    )
    catalogue: str = setting(
        "FIRSTFIVE_CATALOGUE",
        "agents.yaml",
        "The agents file. Without it every agent is accepted and shown as unlisted.",
    )
    runbooks: str = setting(
        "FIRSTFIVE_RUNBOOKS",
        "",
        "Folder with your own runbooks, one Markdown file a class; empty: the ones that come along.",
    )
    taxonomy: str = setting(
        "FIRSTFIVE_TAXONOMY",
        "",
        "File with classes and questions of your own, laid over those that come along; empty: only those.",
    )

    @property
    def database(self) -> str:
        """The database's URL, the default filled in."""
        file = Path(self.home).absolute() / "firstfive.db"
        return self.database_url or f"sqlite:///{quote(str(file))}"


@dataclass(frozen=True, slots=True)
class TelemetryKey:
    """A bearer token that brings the telemetry of one agent or environment only."""

    kind: str  # "agent" or "environment"
    name: str
    token: str = field(repr=False)


def telemetry_keys(text: str, general: str = "") -> tuple[TelemetryKey, ...]:
    """The entries ``agent:NAME=token`` and ``environment:NAME=token``; ``general`` is the token without limits.

    Raises:
        Misconfigured: an entry is none, or two have one token; the sentence never shows a token.
    """
    keys: list[TelemetryKey] = []
    entries = [entry.strip() for line in text.splitlines() for entry in line.split(",")]
    for place, entry in enumerate(filter(None, entries), start=1):
        key = _telemetry_key(entry, place)
        if key.token == general or any(key.token == other.token for other in keys):
            raise Misconfigured(
                f"FIRSTFIVE_TELEMETRY_TOKENS, entry {place} ({key.kind}:{key.name}) has a token that is used already; "
                "give it one of its own."
            )
        keys.append(key)
    return tuple(keys)


def _telemetry_key(entry: str, place: int) -> TelemetryKey:
    who, _, token = (part.strip() for part in entry.partition("="))
    kind, _, name = (part.strip() for part in who.partition(":"))
    if kind not in {"agent", "environment"} or not name or not token:
        raise Misconfigured(
            f"FIRSTFIVE_TELEMETRY_TOKENS, entry {place} cannot be used; write agent:NAME=token or environment:NAME=token."
        )
    if not token.isascii() or any(character.isspace() for character in token):
        raise Misconfigured(
            f"FIRSTFIVE_TELEMETRY_TOKENS, entry {place} ({kind}:{name}) has a token that no header can carry; "
            "use letters, digits and -._~+/= without spaces."
        )
    return TelemetryKey(kind, name, token)


def origins(text: str) -> tuple[str, ...]:
    """The origins named in ``text``, without the standard port and in lower case, as browsers write them.

    Raises:
        Misconfigured: an entry is none.
    """
    found = []
    for entry in filter(None, (part.strip() for line in text.splitlines() for part in line.split(","))):
        origin = _origin(entry)
        if origin is None:
            raise Misconfigured(
                f"FIRSTFIVE_BROWSER_ORIGINS has {entry!r}, which is no origin; write https://host or https://host:port, "
                "without a path and without wildcards."
            )
        found.append(origin)
    return tuple(dict.fromkeys(found))


def _origin(entry: str) -> str | None:
    try:
        parts = urlsplit(entry)
        port = parts.port
    except ValueError:
        return None
    host = parts.hostname or ""
    beside = parts.query or parts.fragment or parts.username is not None or parts.path.strip("/")
    if parts.scheme not in STANDARD_PORTS or not host or beside or not re.fullmatch(r"[a-z0-9.:-]+", host):
        return None
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}" + ("" if port in {None, STANDARD_PORTS[parts.scheme]} else f":{port}")


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """The HTTP server."""

    host: str = setting(
        "FIRSTFIVE_HOST", "127.0.0.1", "Address to listen on; loopback by default, so that nothing is open by accident."
    )
    port: int = setting("FIRSTFIVE_PORT", 8080, "Port to listen on.", within=(0, MAX_PORT))
    public_url: str = setting(
        "FIRSTFIVE_PUBLIC_URL",
        "",
        "How browsers reach the pages; links in Slack use it. Empty: http://host:port.",
        address=True,
    )
    api_token: str = setting(
        "FIRSTFIVE_API_TOKEN",
        "",
        "Bearer token of the JSON API and of changes made on pages. Empty means open, allowed on loopback only.",
        secret=True,
    )
    telemetry_token: str = setting(
        "FIRSTFIVE_TELEMETRY_TOKEN",
        "",
        "Bearer token of OTLP (`/v1/*`). Empty means open, allowed on loopback only.",
        secret=True,
    )
    telemetry_tokens: str = setting(
        "FIRSTFIVE_TELEMETRY_TOKENS",
        "",
        "Bearer tokens of OTLP for one agent or environment each: `agent:NAME=token` or `environment:NAME=token`, "
        "separated by commas or line breaks.",
        secret=True,
    )
    control_token: str = setting(
        "FIRSTFIVE_CONTROL_TOKEN",
        "",
        "Bearer token of OFREP reads. Empty means open, allowed on loopback only.",
        secret=True,
    )
    browser_origins: str = setting(
        "FIRSTFIVE_BROWSER_ORIGINS",
        "",
        "Origins of pages whose browsers may read OFREP, like `https://chat.example.com`, separated by commas. "
        "Empty: none beside our own.",
    )
    link_secret: str = setting(
        "FIRSTFIVE_LINK_SECRET",
        "",
        "Signs private links for owners. Empty: derived from the API token, or a file in the home folder. "
        "Several machines must share it.",
        secret=True,
    )
    flagd_port: int = setting(
        "FIRSTFIVE_FLAGD_PORT",
        0,
        "Port of the flagd-compatible gRPC stream, on the same host. 0: none. Needs `pip install 'firstfive[flagd]'`.",
        within=(0, MAX_PORT),
    )

    @property
    def url(self) -> str:
        """The address of the pages."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")

    @property
    def telemetry_keys(self) -> tuple[TelemetryKey, ...]:
        """The telemetry tokens for one agent or environment each.

        Raises:
            Misconfigured: an entry is none; the sentence never shows a token.
        """
        return telemetry_keys(self.telemetry_tokens, self.telemetry_token)

    @property
    def origins(self) -> tuple[str, ...]:
        """Other origins whose pages may read controls, as browsers write them.

        Raises:
            Misconfigured: an entry is none.
        """
        return origins(self.browser_origins)

    @property
    def is_loopback(self) -> bool:
        """Only this machine can connect."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


@dataclass(frozen=True, slots=True)
class SlackSettings:
    """Slack. With none of them the bot runs headless."""

    bot_token: str = setting("SLACK_BOT_TOKEN", "", "The bot's token, `xoxb-…`.", secret=True)
    app_token: str = setting("SLACK_APP_TOKEN", "", "The app-level token for Socket Mode, `xapp-…`.", secret=True)
    signing_secret: str = setting("SLACK_SIGNING_SECRET", "", "Signs requests in HTTP mode.", secret=True)
    api_url: str = setting(
        "SLACK_API_URL",
        "https://slack.com/api/",
        "Base of Slack's Web API; another one for a local workspace.",
        address=True,
    )

    @property
    def is_set(self) -> bool:
        """Slack is wanted."""
        return bool(self.bot_token)


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """Durable jobs."""

    executor: str = setting(
        "FIRSTFIVE_EXECUTOR",
        "firstfive-0",
        "Name of this process among replicas. Keep it stable: it picks up its own work after a crash.",
    )
    poll_seconds: float = setting(
        "FIRSTFIVE_JOB_POLL_SECONDS", 1.0, "Seconds between looks for due jobs.", within=(0.05, 60)
    )


@dataclass(frozen=True, slots=True)
class TelemetrySettings:
    """The built-in telemetry store."""

    retention_hours: int = setting(
        "FIRSTFIVE_RETENTION_HOURS",
        72,
        "Hours that spans and scores are kept, counted from their arrival.",
        within=(1, 87600),
    )
    retention_megabytes: int = setting(
        "FIRSTFIVE_RETENTION_MEGABYTES",
        8192,
        "Megabytes that traces may take, about; beyond it what arrived first is forgotten. A million spans take about 1,100.",
        within=(10, 100_000_000),
    )
    trace_url: str = setting(
        "FIRSTFIVE_TRACE_URL",
        "",
        "Page of a trace in your own tool, with `{trace_id}` in it; evidence links there. Empty: our own trace page.",
        address=True,
    )
    redaction: str = setting(
        "FIRSTFIVE_REDACTION",
        "",
        "File with further patterns to redact, beside e-mail, phone, card, keys and tokens; see docs/security.md.",
    )
    decoders: int = setting(
        "FIRSTFIVE_DECODERS",
        -1,
        "Processes that decode telemetry when there is much of it, about 35 MB each; 0: none beside the server. "
        "-1: two, or one where there is one processor.",
        within=(-1, 16),
    )


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


@dataclass(frozen=True, slots=True)
class UnleashSettings:
    """Unleash, for mitigations that the catalogue sends there."""

    url: str = setting(
        "FIRSTFIVE_UNLEASH_URL", "", "Address of Unleash, like http://127.0.0.1:4242, for the driver.", address=True
    )
    token: str = setting("FIRSTFIVE_UNLEASH_TOKEN", "", "Admin token of Unleash that may switch features.", secret=True)
    client_tokens: str = setting(
        "FIRSTFIVE_UNLEASH_CLIENT_TOKENS",
        "",
        "Client tokens of Unleash as agents have them, one for each environment, separated by commas or line breaks; "
        "mitigations are read back with them.",
        secret=True,
    )


@dataclass(frozen=True, slots=True)
class LiteLlmSettings:
    """LiteLLM's admin API, for mitigations that the catalogue sends there."""

    url: str = setting(
        "FIRSTFIVE_LITELLM_URL", "", "Address of the LiteLLM proxy, like http://127.0.0.1:4000.", address=True
    )
    master_key: str = setting("FIRSTFIVE_LITELLM_MASTER_KEY", "", "Admin key of the LiteLLM proxy.", secret=True)


@dataclass(frozen=True, slots=True)
class LaunchDarklySettings:
    """LaunchDarkly, for mitigations that the catalogue sends there."""

    url: str = setting(
        "FIRSTFIVE_LAUNCHDARKLY_URL",
        "https://app.launchdarkly.com",
        "Address of LaunchDarkly's API; another one for its EU or federal instance.",
        address=True,
    )
    token: str = setting(
        "FIRSTFIVE_LAUNCHDARKLY_TOKEN", "", "API access token of LaunchDarkly that may change flags.", secret=True
    )


@dataclass(frozen=True, slots=True)
class WebhookSettings:
    """Signed webhooks, for mitigations that the catalogue sends to an address."""

    secrets: str = setting(
        "FIRSTFIVE_WEBHOOK_SECRETS",
        "",
        "Secrets that sign webhooks: `whsec_` and base64, or `NAME=whsec_…` for entries that name one, separated by "
        "commas or line breaks. Two of a name sign side by side.",
        secret=True,
    )


@dataclass(frozen=True, slots=True)
class ControlsSettings:
    """Control planes of others that the catalogue may name as drivers."""

    unleash: UnleashSettings = field(default_factory=UnleashSettings)
    litellm: LiteLlmSettings = field(default_factory=LiteLlmSettings)
    launchdarkly: LaunchDarklySettings = field(default_factory=LaunchDarklySettings)
    webhook: WebhookSettings = field(default_factory=WebhookSettings)


_CONTROLS: Mapping[str, type[Any]] = {
    "unleash": UnleashSettings,
    "litellm": LiteLlmSettings,
    "launchdarkly": LaunchDarklySettings,
    "webhook": WebhookSettings,
}

_SOURCES: Mapping[str, type[Any]] = {
    "phoenix": PhoenixSettings,
    "mlflow": MlflowSettings,
    "langfuse": LangfuseSettings,
    "langsmith": LangSmithSettings,
    "datadog": DatadogSettings,
    "tempo": TempoSettings,
    "jaeger": JaegerSettings,
    "prometheus": PrometheusSettings,
}


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings, by concern."""

    home: HomeSettings = field(default_factory=HomeSettings)
    server: ServerSettings = field(default_factory=ServerSettings)
    slack: SlackSettings = field(default_factory=SlackSettings)
    engine: EngineSettings = field(default_factory=EngineSettings)
    telemetry: TelemetrySettings = field(default_factory=TelemetrySettings)
    sources: SourcesSettings = field(default_factory=SourcesSettings)
    controls: ControlsSettings = field(default_factory=ControlsSettings)
    elsewhere: Callable[[str], str] = field(default=lambda _name: "", repr=False, compare=False)

    def named(self, env: str) -> str:
        """The setting of that variable; of a variable that is not ours, for drivers of others. Empty where unset.

        Raises:
            Misconfigured: the file that holds it cannot be read.
        """
        connected = [getattr(group, f.name) for group in (self.controls, self.sources) for f in fields(group)]
        ours = {f.metadata["env"]: getattr(concern, f.name) for concern in connected for f in fields(concern)}
        return str(ours[env]) if env in ours else self.elsewhere(env)


def read_settings(environment: Mapping[str, str], file: Path | None = None) -> Settings:
    """Settings from the environment and, beneath it, the TOML file (``firstfive.toml`` where it exists).

    Raises:
        Misconfigured: the file is not TOML, a value does not fit, a secret's file cannot be read,
            Slack is half configured, or an open door would face the network. The first is named.
    """
    settings, mistakes = settings_and_mistakes(environment, file)
    if mistakes:
        more = f" ({len(mistakes) - 1} more; `firstfive check` lists them)" if len(mistakes) > 1 else ""
        raise Misconfigured(f"{mistakes[0]}{more}")
    return settings


def settings_and_mistakes(environment: Mapping[str, str], file: Path | None = None) -> tuple[Settings, tuple[str, ...]]:
    """What can be read, with defaults where it cannot, and a sentence for every mistake."""
    mistakes: list[str] = []
    file = file or Path("firstfive.toml")
    source = _Source(environment, _table(file, mistakes), mistakes)
    mistakes += [
        f"{file}: {name} is no setting; check its spelling, `firstfive check --settings` lists them."
        for name in sorted(source.table.keys() - _known_in_files())
    ]
    settings = Settings(
        home=source.concern(HomeSettings),
        server=source.concern(ServerSettings),
        slack=source.concern(SlackSettings),
        engine=source.concern(EngineSettings),
        telemetry=source.concern(TelemetrySettings),
        sources=SourcesSettings(**{name: source.concern(kind) for name, kind in _SOURCES.items()}),
        controls=ControlsSettings(**{name: source.concern(kind) for name, kind in _CONTROLS.items()}),
        elsewhere=source.elsewhere,
    )
    wrong = (
        _wrong_keys(settings.server),
        _wrong_origins(settings.server),
        _open_doors(settings.server),
        _half_of_slack(settings.slack),
    )
    mistakes += filter(None, wrong)
    return settings, tuple(mistakes)


def documented() -> tuple[tuple[str, str, str], ...]:
    """(variable, default, meaning) of every setting, for ``docs`` and ``--help``."""
    own = (HomeSettings, ServerSettings, SlackSettings, EngineSettings, TelemetrySettings)
    concerns = (*own, *_SOURCES.values(), *_CONTROLS.values())
    return tuple(
        (f.metadata["env"], str(f.default), f.metadata["doc"]) for concern in concerns for f in fields(concern)
    )


def _known_in_files() -> frozenset[str]:
    names = [env.removeprefix("FIRSTFIVE_").lower() for env, _, _ in documented()]
    return frozenset([*names, *(f"{name}_file" for name in names)])


def _table(file: Path, mistakes: list[str]) -> Mapping[str, Any]:
    if not file.exists():
        return {}
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        mistakes.append(f"{file}: {error}. Mend the file or remove it.")
    except UnicodeDecodeError:
        mistakes.append(f"{file} is not UTF-8 text. Save it as UTF-8, or remove it.")
    except OSError as error:
        mistakes.append(f"{file} cannot be read: {error.strerror}. Mend the file or remove it.")
    return {}


@dataclass(frozen=True, slots=True)
class _Source:
    """Where settings come from, and what was wrong with them so far."""

    environment: Mapping[str, str] = field(repr=False)  # secrets are in it
    table: Mapping[str, Any] = field(repr=False)
    mistakes: list[str]

    def concern(self, kind: type[Any]) -> Any:
        values = {}
        for f in fields(kind):
            try:
                raw = self._raw(f.metadata["env"])
                if raw is not None and raw != "":
                    values[f.name] = _typed(f, raw)
            except Misconfigured as error:
                self.mistakes.append(str(error))
        return kind(**values)

    def elsewhere(self, env: str) -> str:
        """A variable that is not one of our settings, from the environment or the file that ``…_FILE`` names."""
        return self.environment.get(env) or _content(f"{env}_FILE", self.environment.get(f"{env}_FILE")) or ""

    def _raw(self, env: str) -> Any:
        in_file = env.removeprefix("FIRSTFIVE_").lower()
        return (
            self.environment.get(env)
            or _content(f"{env}_FILE", self.environment.get(f"{env}_FILE"))
            or _content(f"{in_file}_file", self.table.get(f"{in_file}_file"))
            or self.table.get(in_file)
        )


def _content(name: str, path: object) -> str | None:
    if not path:
        return None
    try:
        return Path(str(path)).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise Misconfigured(f"{name} names {path}, which cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise Misconfigured(f"{name} names {path}, which is not UTF-8 text.") from error


def _typed(f: Field[Any], raw: Any) -> Any:
    env = f.metadata["env"]
    wanted: type[Any] = type(f.default)
    if isinstance(raw, bool | list | dict):
        raise Misconfigured(f"{env} is {raw!r}; it must be {'text' if wanted is str else 'a number'}.")
    try:
        value: Any = wanted(raw)
    except (TypeError, ValueError, OverflowError) as error:
        raise Misconfigured(f"{env} is {raw!r}; it must be a number.") from error
    if f.metadata["within"]:
        least, most = f.metadata["within"]
        if not least <= value <= most:
            raise Misconfigured(f"{env} is {value}; it must lie between {least:g} and {most:g}.")
    if f.metadata["address"] and value and not _is_address(value):
        raise Misconfigured(f"{env} is {value!r}; write an address that starts with https:// or http://.")
    return value


def _is_address(text: str) -> bool:
    scheme, _, rest = text.partition("://")
    return scheme in {"http", "https"} and bool(rest.strip("/")) and not any(c.isspace() for c in text)


def _wrong_keys(server: ServerSettings) -> str | None:
    try:
        telemetry_keys(server.telemetry_tokens, server.telemetry_token)
    except Misconfigured as error:
        return str(error)
    return None


def _wrong_origins(server: ServerSettings) -> str | None:
    try:
        origins(server.browser_origins)
    except Misconfigured as error:
        return str(error)
    return None


def _open_doors(server: ServerSettings) -> str | None:
    if server.is_loopback:
        return None
    closed = {
        "api_token": server.api_token,
        "telemetry_token": server.telemetry_token or server.telemetry_tokens,
        "control_token": server.control_token,
    }
    names = [f.metadata["env"] for f in fields(server) if f.name in closed and not closed[f.name]]
    if not names:
        return None
    missing = f"{names[0]} is not set. Set it" if len(names) == 1 else f"{', '.join(names)} are not set. Set them"
    return f"FIRSTFIVE_HOST is {server.host}, which others can reach, but {missing}, or listen on 127.0.0.1."


def _half_of_slack(slack: SlackSettings) -> str | None:
    if slack.bot_token and not (slack.app_token or slack.signing_secret):
        return (
            "SLACK_BOT_TOKEN is set, but neither SLACK_APP_TOKEN (Socket Mode) nor SLACK_SIGNING_SECRET (HTTP mode) is. "
            "Set one of them."
        )
    if (slack.app_token or slack.signing_secret) and not slack.bot_token:
        return "SLACK_BOT_TOKEN is missing. Copy it from the app's OAuth page, or unset the other Slack variables."
    return None
