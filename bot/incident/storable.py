"""Text that every database keeps."""

import re

_NO_TEXT = re.compile("[\0\ud800-\udfff]")


def storable(text: str) -> str:
    """The text without NUL, which PostgreSQL does not keep, and without halves of surrogate pairs, which are no text."""
    return _NO_TEXT.sub("", text)
