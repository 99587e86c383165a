"""Where settings come from: the environment, files that it names, and the TOML file beneath."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from bot.incident.errors import Misconfigured
from bot.settings.field import typed


@dataclass(frozen=True, slots=True)
class Source:
    """Where settings come from, and what was wrong with them so far."""

    environment: Mapping[str, str] = field(repr=False)  # secrets are in it
    table: Mapping[str, Any] = field(repr=False)
    mistakes: list[str]

    def concern(self, kind: type[Any]) -> Any:
        """One settings class, with defaults where nothing usable is set."""
        values = {}
        for f in fields(kind):
            try:
                raw = self._raw(f.metadata["env"])
                if raw is not None and raw != "":
                    values[f.name] = typed(f, raw)
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


def table_of(file: Path, mistakes: list[str]) -> Mapping[str, Any]:
    """What the TOML file holds; empty where there is none, or where ``mistakes`` has a sentence more."""
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
