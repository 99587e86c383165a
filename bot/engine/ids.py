"""Identifiers nobody can guess."""

import secrets
import string

from bot.ports import Ids

ALPHABET = string.ascii_lowercase + string.digits
LENGTH = 20  # 36^20 is about 2^103


class RandomIds(Ids):
    """Identifiers from the operating system's source of chance."""

    def new(self) -> str:
        """A fresh identifier, 20 lower-case letters and digits."""
        return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
