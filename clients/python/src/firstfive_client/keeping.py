"""The last known good controls on disk, so that a restart during an outage does not forget a halt.

One file per agent and environment, replaced in one step, with a signature over its content. Several
processes may share it. A file that does not verify is as good as none.
"""

import hashlib
import hmac
import json
import logging
import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from firstfive_client.wire import NotControls, Snapshot, read_snapshot

log = logging.getLogger("firstfive_client")

FORMAT = 1
MOST_BYTES = 4 * 1024 * 1024


def default_folder() -> Path:
    """``$XDG_STATE_HOME/firstfive-client``, else ``~/.local/state/firstfive-client``."""
    base = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(base).expanduser() / "firstfive-client"


@dataclass(frozen=True, slots=True)
class LastKnownGood:
    """The file ``path``. With a ``key`` it is signed (HMAC-SHA256), without one it has a checksum (SHA-256)."""

    path: Path
    key: bytes = b""

    def load(self) -> Snapshot | None:
        """What was kept, or None: there is no file, or it is not to be trusted (which is logged)."""
        try:
            with self.path.open("rb") as file:
                text = file.read(MOST_BYTES)
        except FileNotFoundError:
            return None
        except OSError as error:
            log.warning("The last known controls in %s cannot be read: %s.", self.path, error.strerror)
            return None
        try:
            kept = json.loads(text)
            if kept["format"] != FORMAT or not hmac.compare_digest(str(kept["mac"]), self._mac(kept["controls"])):
                raise NotControls("its signature does not fit")
            return read_snapshot(kept["controls"])
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            log.warning("The last known controls in %s are not used: %s.", self.path, error)
            return None

    def save(self, snapshot: Snapshot) -> None:
        """Keep it, whole or not at all; trouble is logged and changes nothing for the agent."""
        controls = snapshot.raw or {}
        text = json.dumps({"format": FORMAT, "mac": self._mac(controls), "controls": controls})
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}.")  # mode 0600
            try:
                with os.fdopen(handle, "w", encoding="utf-8") as file:
                    file.write(text)
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(name, self.path)  # noqa: PTH105 - the same, without a second object
            except BaseException:
                with suppress(OSError):
                    Path(name).unlink()
                raise
        except OSError as error:
            log.warning("The controls could not be kept in %s: %s.", self.path, error.strerror)

    def _mac(self, controls: Mapping[str, Any]) -> str:
        text = json.dumps(controls, sort_keys=True, separators=(",", ":")).encode()
        return hmac.new(self.key, text, hashlib.sha256).hexdigest() if self.key else hashlib.sha256(text).hexdigest()
