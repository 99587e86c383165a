"""One setting: its variable, default and meaning, and what a value of it may be."""

from dataclasses import Field, field
from typing import Any

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


def typed(f: Field[Any], raw: Any) -> Any:
    """``raw``, from the environment or the file, as the setting's own type.

    Raises:
        Misconfigured: it does not fit; the sentence says what does.
    """
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
