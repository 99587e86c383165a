"""Masks: what stands in texts in place of what was redacted, here or before the telemetry was sent."""

import re

from bot.incident.detectors.alike import words_of

_SENT = (
    r"\[(?:REDACTED|MASKED|FILTERED)\w*\]|\*{4,}|<(?:REDACTED|PERSON|NAME|EMAIL|PHONE|ADDRESS|LOCATION|CREDIT_CARD)\w*>"
)
_ELSEWHERE = re.compile(_SENT)
_ANY = re.compile(rf"\[(?:e-mail|phone|card|key|secret)\]|{_SENT}")


def masked(text: str) -> bool:
    """Something in the text was redacted: another text may have been another thing, although it reads the same."""
    return _ANY.search(text) is not None


def only_masks(text: str) -> bool:
    """All values were redacted before the telemetry was sent: neither they nor their hash tell one call from another."""
    if "[" not in text and "**" not in text and "<" not in text:
        return False
    return _ELSEWHERE.search(text) is not None and not words_of(_ELSEWHERE.sub(" ", text))
