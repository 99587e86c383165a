"""The secret that signs private links: set, derived from the API token, or made once for this machine."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from bot.incident.errors import Misconfigured
from bot.settings.concerns import Settings
from bot.web.tokens import pass_for

NAME = "link-secret"


def link_secret(settings: Settings) -> str:
    """The secret. Another API token, or another file, ends every link there is.

    Raises:
        Misconfigured: the file cannot be made or read.
    """
    server = settings.server
    if server.link_secret:
        return server.link_secret
    if server.api_token:
        return pass_for(server.api_token, "links")
    file = Path(settings.home.home) / NAME
    try:
        return _kept(file)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise Misconfigured(
            f"{file} cannot be used ({reason}). Set FIRSTFIVE_HOME to a folder you can write."
        ) from error


def _kept(file: Path) -> str:
    """What the file holds, readable by us alone; of two processes that make it at once the first one wins."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        made = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(made, "w", encoding="ascii") as opened:
            opened.write(secrets.token_urlsafe(32))
    return file.read_text(encoding="ascii").strip() or _again(file)


def _again(file: Path) -> str:
    """An empty file is one whose writer died."""
    made = secrets.token_urlsafe(32)
    file.write_text(made, encoding="ascii")
    return made
