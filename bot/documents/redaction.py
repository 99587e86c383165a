"""A team's own patterns to redact, from YAML: a list of ``mark`` and ``pattern``."""

import re
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from bot.documents.yaml_lines import Mistake, mistakes_of, parse, read_text


class _Pattern(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    mark: str = Field(min_length=1, max_length=40)
    pattern: str = Field(min_length=1, max_length=2000)

    @field_validator("pattern")
    @classmethod
    def _usable(cls, pattern: str) -> str:
        try:
            compiled = re.compile(pattern)
        except re.error as error:
            raise ValueError(f"this is no regular expression ({error}); mend it") from error
        if compiled.match(""):
            raise ValueError("this matches nothing at all, so it would match everywhere; let it need one character")
        return pattern


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    patterns: tuple[_Pattern, ...]


def read_redaction(file: Path) -> tuple[tuple[tuple[str, str], ...], tuple[Mistake, ...]]:
    """The (mark, pattern) pairs in ``file``, and every mistake in it."""
    if not file.exists():
        return (), (Mistake(file, 1, "does not exist; FIRSTFIVE_REDACTION names it."),)
    text = read_text(file)
    if isinstance(text, Mistake):
        return (), (text,)
    document = parse(text, file)
    if isinstance(document, Mistake):
        return (), (document,)
    try:
        parsed = _File.model_validate(document.value if document.value is not None else {"patterns": []})
    except ValidationError as error:
        return (), mistakes_of(error, document, file)
    return tuple((one.mark, one.pattern) for one in parsed.patterns), ()
