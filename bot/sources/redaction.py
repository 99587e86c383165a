"""Redaction: what must not be stored or shown is replaced by a mark that says what stood there.

Marks look like ``[e-mail]``. Identifiers, versions, dates and amounts pass: a pattern that would
catch them is worth less than what it takes away. Fingerprints of arguments and results are taken
before redaction, so that a repeated call is still recognised; they are of the whole text, which
nobody can guess back from 16 digits unless it is known already.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from string import ascii_letters, digits

from bot.incident.errors import Misconfigured

SHORTEST = 6  # characters that can hold anything worth hiding
REMEMBERED = 200  # characters of a text whose redaction is remembered; names and labels come again and again
LEAD = 128  # characters read beyond a cut, so that a secret that is cut in two is still seen
MOST_LEAD = 4096  # the same before an end that is kept, where the word that is cut is longer than that
DEEPEST = 8  # levels of a structure that are looked into
CUT = "… (cut)"

Found = tuple[int, int, str]  # where something begins and ends that must not be seen, and its mark

_DOMAIN = re.compile(r"[\w-]{1,63}(?:\.[\w-]{1,63}){1,9}")
_LOCAL_BACKWARDS = re.compile(r"[\w.+%-]+")
MOST_LOCAL = 64  # characters of an address before its @

# What each kind of key begins with, and what then follows. Every pattern can fail after a few characters only: what
# arrives may be written to make them slow.
_KEYS = tuple(
    (sign, re.compile(pattern))
    for signs, pattern in (
        (("sk-", "sk_", "pk-", "pk_", "rk-", "rk_"), r"\b(?:sk|pk|rk)[-_][A-Za-z0-9_-]{16,}"),
        (("ghp_", "gho_", "ghs_", "ghu_", "ghr_"), r"\bgh[opsur]_[A-Za-z0-9]{20,}"),
        (("github_pat_",), r"\bgithub_pat_\w{20,}"),
        (("glpat-",), r"\bglpat-[\w-]{16,}"),
        (("AKIA", "ASIA"), r"\bA[KS]IA[0-9A-Z]{16}\b"),
        (("xox",), r"\bxox[abeprs]-[\w-]{10,}"),
        (("AIza",), r"\bAIza[\w-]{35}"),
        (("eyJ",), r"\beyJ[\w-]{12,}(?:\.[\w-]*){0,2}"),
    )
    for sign in signs
)
_PRIVATE = "-----BEGIN "
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|$)")
_ASSIGNED = re.compile(
    r"(?i:authorization|bearer|passwo?r?d|passphrase|pwd|secret|(?:api|access)[_-]?key|(?P<token>token))"
    r"(?:\\?[\"']?\s{0,9}[:=]\s{0,9}\\?[\"']?(?:(?i:bearer|basic)\s{1,9})?"
    r"|(?<=(?i:bearer))\s{1,9}(?=\S{0,200}[0-9]|\S{20}))"  # "the bearer of news" holds no token
    r"(?!(?i:bearer|basic)\b|\[)(?(token)(?![0-9]+(?![\w-])))"  # "token: 123456" counts them
    r"(?P<value>[^\s\"',;&\\<>{}\[\]()]{6,})"
)
_ASSIGNED_SIGNS = ("passw", "passphrase", "pwd", "secret", "token", "authorization", "bearer")
_KEY_NAMES = ("api_key", "api-key", "apikey", "access_key", "access-key", "accesskey")
_CARD = re.compile(
    r"(?<![\w.-])[2-6][0-9]{3}(?P<gap>[ -]?)(?:[0-9]{4}(?P=gap)[0-9]{4}(?P=gap)[0-9]{1,4}|[0-9]{6}(?P=gap)[0-9]{5})(?![\w-])"
)
_PHONE = re.compile(
    r"(?<![\w.+-])(?:\+|00)[1-9][0-9 ()./-]{6,18}[0-9](?![\w-])"
    r"|(?<![\w.#/-])(?:\([0-9]{3}\)[ ]?|[0-9]{3}[ .-])[0-9]{3}[ .-][0-9]{4}(?![\w-])"
)
# Signs that are quick to look for, for every text passes here and most hold nothing
_MANY_DIGITS = re.compile(r"[0-9][0-9 ()./-]{7,}[0-9]")
_IN_KEYS = (ascii_letters + digits + "_-").encode()
_LONG_WORDS = bytes(b"w"[0] if sign in _IN_KEYS else 0 for sign in range(256))
_LONG_WORD = b"w" * 15  # no key is shorter


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

    def __reduce__(self) -> tuple[type["Redaction"], tuple[Sequence[tuple[str, str]]]]:
        return type(self), (self.patterns,)

    def text(self, content: str) -> str:
        """The text without what must not be seen."""
        if len(content) < SHORTEST:
            return content
        return self._short(content) if len(content) <= REMEMBERED else self._redacted(content)

    def cut(self, content: str | None, most: int, mark: str = "…") -> str:
        """The beginning of the text, at most ``most`` characters with the mark, redacted before it is cut."""
        if not content:
            return ""
        if len(content) <= most:
            return self.text(content)
        read = most + LEAD
        beginning = self.text(content[:read])
        # Marks are shorter than what they replace: what was cut in two must not move into sight
        seen = most if len(content) <= read else min(most, len(beginning) - LEAD)
        return beginning if len(beginning) <= seen else beginning[: max(0, seen - len(mark))] + mark

    def end(self, content: str, most: int) -> str:
        """The last ``most`` characters of the text, redacted before it is cut."""
        start = len(content) - most - LEAD
        if start <= 0:
            return self.text(content)[-most:] if most else ""
        word = max(content.rfind(" ", start - MOST_LEAD if start > MOST_LEAD else 0, start), 0)
        ending = self.text(content[word:])
        return ending[max(LEAD, len(ending) - most) :]

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
        found: list[Found] = []
        if "@" in content:
            found.extend(_addresses(content))
        if _LONG_WORD in content.encode("utf-8", "replace").translate(_LONG_WORDS):
            found.extend(_keys(content))
        if _PRIVATE in content:
            found.extend((*match.span(), "[key]") for match in _PRIVATE_KEY.finditer(content))
        if ":" in content or "=" in content or "earer" in content or "EARER" in content:
            found.extend(_assigned(content))
        if _MANY_DIGITS.search(content):
            found.extend((*match.span(), "[card]") for match in _CARD.finditer(content) if _luhn(match[0]))
            found.extend((*match.span(), "[phone]") for match in _PHONE.finditer(content))
        if found:
            content = _marked(content, found)
        for mark, pattern in self._own:
            content = pattern.sub(mark, content)
        return content


def _marked(content: str, found: list[Found]) -> str:
    """The text with marks; of what overlaps the first mark counts, for all of it."""
    pieces: list[str] = []
    done = 0
    for start, end, mark in sorted(found):
        if start >= done:
            pieces += (content[done:start], mark)
        done = max(done, end)
    return "".join([*pieces, content[done:]])


def _addresses(content: str) -> Iterator[Found]:
    done, at = 0, content.find("@")
    while at >= 0:
        domain = _DOMAIN.match(content, at + 1)
        local = _LOCAL_BACKWARDS.match(content[max(done, at - MOST_LOCAL) : at][::-1]) if domain else None
        if domain and local:
            done = domain.end()
            yield at - local.end(), done, "[e-mail]"
        at = content.find("@", at + 1)


def _keys(content: str) -> Iterator[Found]:
    for sign, pattern in _KEYS:
        at = content.find(sign)
        while at >= 0:
            match = pattern.match(content, at)
            if match:
                yield at, match.end(), "[key]"
            at = content.find(sign, match.end() if match else at + len(sign))


def _assigned(content: str) -> Iterator[Found]:
    """Values that stand after a name that says they are secret."""
    lower = content.lower()
    if len(lower) != len(content):  # a few letters become two
        for match in _ASSIGNED.finditer(content):
            yield *match.span("value"), "[secret]"
        return
    for sign in (*_ASSIGNED_SIGNS, *(_KEY_NAMES if "key" in lower else ())):
        at = lower.find(sign)
        while at >= 0:
            named = _ASSIGNED.match(content, at)
            if named:
                yield *named.span("value"), "[secret]"
            at = lower.find(sign, named.end() if named else at + len(sign))


def _luhn(number: str) -> bool:
    """The check digit of payment cards fits (ISO/IEC 7812-1, annex B)."""
    figures = [int(sign) for sign in reversed(number) if sign.isdigit()]
    doubled = [sum(divmod(2 * figure, 10)) for figure in figures[1::2]]
    return (sum(figures[::2]) + sum(doubled)) % 10 == 0


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
