"""Settings of control planes of others: one class per vendor."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.settings.field import setting


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


CONTROLS: Mapping[str, type[Any]] = {
    "unleash": UnleashSettings,
    "litellm": LiteLlmSettings,
    "launchdarkly": LaunchDarklySettings,
    "webhook": WebhookSettings,
}
