"""Settings of the HTTP server."""

import ipaddress
from dataclasses import dataclass

from bot.settings.field import setting
from bot.settings.origins import origins
from bot.settings.telemetry_keys import TelemetryKey, telemetry_keys

MAX_PORT = 65535


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
