"""Names of models: a provider adds a date, a version or a prefix to a name, and it stays the same model."""

import re

_DATED = re.compile(r"[-@:](?:v?\d|latest|preview)")


def same_model(name: str, wanted: str) -> bool:
    """The model that answered is the one wanted: ``gpt-x-2026-01-01`` is ``gpt-x``, ``gpt-x-mini`` is not."""
    bare, asked = _bare(name), _bare(wanted).removesuffix("-latest")
    _, found, rest = f".{bare}".partition(f".{asked}")  # a region and a vendor may come before: us.anthropic.model
    return bool(found) and (not rest or _DATED.match(rest) is not None)


def _bare(name: str) -> str:
    return name.rpartition("/")[2].lower()
