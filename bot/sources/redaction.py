"""Redaction: what must not be stored or shown is replaced by a mark that says what stood there.

Marks look like ``[e-mail]``. Identifiers, versions, dates and amounts pass: a pattern that would
catch them is worth less than what it takes away. Fingerprints of arguments and results are taken
before redaction, so that a repeated call is still recognised; they are of the whole text, which
nobody can guess back from 16 digits unless it is known already.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from bot.incident.errors import Misconfigured

SHORTEST = 6  # characters that can hold anything worth hiding
REMEMBERED = 200  # characters of a text whose redaction is remembered; names and labels come again and again
LEAD = 64  # characters read beyond a cut, so that a secret that is cut in two is still seen
DEEPEST = 8  # levels of a structure that are looked into

_EMAIL = r"(?:[\w.+%-]{1,64}@[\w-]+(?:\.[\w-]+)+)"
_KEY = (
    r"(?:\b(?:sk|pk|rk)[-_][A-Za-z0-9_-]{16,}|\bgh[opsur]_[A-Za-z0-9]{20,}|\bgithub_pat_\w{20,}|\bglpat-[\w-]{16,}"
    r"|\bAKIA[0-9A-Z]{16}\b|\bxox[abeprs]-[\w-]{10,}|\bAIza[\w-]{35}|\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$))"
)
_ASSIGNED = (
    r"(?:(?P<name>(?i:\b(?:proxy-)?authorization|bearer|basic|passwo?r?d|passphrase|pwd|secret|client[_-]secret"
    r"|api[_-]?key|access[_-]?key|access[_-]?token|refresh[_-]?token|auth[_-]?token|id[_-]?token|token))"
    r"(?P<between>\\?[\"']?\s*[:=]\s*\\?[\"']?(?:(?i:bearer|basic)\s+)?|(?<=earer)\s+|(?<=EARER)\s+)"
    r"(?!(?i:bearer|basic)\b|\[)(?P<value>[^\s\"',;&\\<>{}\[\]()]{6,}))"
)
_CARD = r"(?:(?<![\w.-])[2-6]\d{3}(?P<gap>[ -]?)(?:\d{4}(?P=gap)\d{4}(?P=gap)\d{1,4}|\d{6}(?P=gap)\d{5})(?![\w-]))"
_PHONE = (
    r"(?:(?<![\w.+-])(?:\+|00)[1-9][\d ()./-]{6,18}\d(?![\w-])"
    r"|(?<![\w.#/-])(?:\(\d{3}\)[ ]?|\d{3}[ .-])\d{3}[ .-]\d{4}(?![\w-]))"
)
# Each pattern is tried only where the text holds a sign of it: most texts hold none, and every span passes here.
_DIGITS = re.compile(r"\d[\d ()./-]{7,}\d")
_KEY_SIGNS = ("sk-", "sk_", "pk-", "pk_", "rk-", "rk_", "gh", "glpat-", "AKIA", "xox", "AIza", "eyJ", "-----BEGIN ")
_SECRET_SIGNS = ("passw", "passphrase", "pwd", "secret", "token", "key", "authorization", "bearer", "basic")


@dataclass(frozen=True, slots=True)
class Redaction:
    """What is redacted: the patterns of everybody, and (mark, pattern) pairs of one's own.

    Raises:
        Misconfigured: a pattern is no regular expression.
    """

    patterns: Sequence[tuple[str, str]] = ()
    _own: tuple[tuple[str, re.Pattern[str]], ...] = field(init=False, repr=False, compare=False)
    _short: Callable[[str], str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        own = tuple((f"[{mark}]", _compiled(mark, pattern)) for mark, pattern in self.patterns)
        object.__setattr__(self, "_own", own)
        object.__setattr__(self, "_short", lru_cache(20_000)(self._redacted))

    def text(self, content: str) -> str:
        """The text without what must not be seen."""
        if len(content) < SHORTEST:
            return content
        return self._short(content) if len(content) <= REMEMBERED else self._redacted(content)

    def cut(self, content: str | None, most: int) -> str:
        """The beginning of the text, at most ``most`` characters, redacted before it is cut."""
        if not content:
            return ""
        if len(content) <= most:
            return self.text(content)
        beginning = self.text(content[: most + LEAD])
        return beginning[: most - 1] + "…"

    def value(self, content: object, depth: int = 0) -> object:
        """A value of any type; texts anywhere in it are redacted."""
        if isinstance(content, str):
            return self.text(content)
        if depth > DEEPEST:
            return content if isinstance(content, bool | int | float) or content is None else "…"
        if isinstance(content, list):
            return [self.value(item, depth + 1) for item in content]
        if isinstance(content, dict):
            return {self.text(str(name)): self.value(item, depth + 1) for name, item in content.items()}
        return content

    def address(self, content: str | None) -> str | None:
        """Where something was sent: of an e-mail address the domain stays, for that is what may be new."""
        if content is None:
            return None
        person, at, domain = content.rpartition("@")
        return f"[e-mail]@{domain}" if at and person and "." in domain else self.text(content)

    def _redacted(self, content: str) -> str:
        if "@" in content:
            content = _EMAILS.sub("[e-mail]", content)
        if _holds(content, _KEY_SIGNS):
            content = _KEYS.sub("[key]", content)
        if _holds(content.lower(), _SECRET_SIGNS):
            content = _ASSIGNMENTS.sub(r"\g<name>\g<between>[secret]", content)
        if _DIGITS.search(content):
            content = _PHONES.sub("[phone]", _CARDS.sub(_card, content))
        for mark, pattern in self._own:
            content = pattern.sub(mark, content)
        return content


def _holds(content: str, signs: tuple[str, ...]) -> bool:
    for sign in signs:  # noqa: SIM110 - a generator takes twice as long, and every text passes here
        if sign in content:
            return True
    return False


_EMAILS, _KEYS, _ASSIGNMENTS, _CARDS, _PHONES = (re.compile(part) for part in (_EMAIL, _KEY, _ASSIGNED, _CARD, _PHONE))


def _card(found: re.Match[str]) -> str:
    return "[card]" if _luhn(found[0]) else found[0]


def _luhn(number: str) -> bool:
    """The check digit of payment cards fits (ISO/IEC 7812-1, annex B)."""
    digits = [int(sign) for sign in reversed(number) if sign.isdigit()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0


def _compiled(mark: str, pattern: str) -> re.Pattern[str]:
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise Misconfigured(f"The pattern {mark!r} is no regular expression: {error}. Mend it.") from error
    if compiled.match(""):
        raise Misconfigured(f"The pattern {mark!r} matches nothing at all, so it would match everywhere. Mend it.")
    return compiled


DEFAULT = Redaction()


@dataclass(frozen=True, slots=True)
class Privacy:
    """How much of what agents and users said is kept: redacted previews, or more where the catalogue allows it."""

    redaction: Redaction = DEFAULT
    full_text: frozenset[str] = frozenset()  # names under which telemetry speaks of agents whose text is kept


PRIVATE = Privacy()
