"""YAML with the line of every value, so that a mistake can be named where it stands."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from yaml.composer import Composer
from yaml.constructor import SafeConstructor
from yaml.resolver import Resolver

try:
    from yaml._yaml import CParser
except ImportError:  # PyYAML was built without libyaml
    from yaml import SafeLoader as Loader
else:

    class Loader(Composer, CParser, SafeConstructor, Resolver):  # type: ignore[no-redef]
        """PyYAML's safe loader over libyaml's scanner: a tenth of the time, of every command's start.

        Not ``CSafeLoader``: it composes in C too, where nesting that is too deep ends the process.
        """

        def __init__(self, text: str) -> None:
            CParser.__init__(self, text)
            Composer.__init__(self)
            SafeConstructor.__init__(self)
            Resolver.__init__(self)


@dataclass(frozen=True, slots=True)
class Mistake:
    """Something wrong in a file, and what to do about it. Lines count from 1."""

    file: Path
    line: int
    sentence: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.sentence}"


def read_text(file: Path) -> str | Mistake:
    """The text of ``file``, or why it cannot be had."""
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        return Mistake(file, 1, "cannot be read because it is not UTF-8 text; save it as UTF-8.")
    except OSError as error:
        return Mistake(file, 1, f"cannot be read ({(error.strerror or str(error)).lower()}); mend or replace it.")


Lines = dict[tuple[str | int, ...], int]


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed YAML text: its value, and the line of each path into it."""

    value: Any
    lines: Lines

    def line(self, path: tuple[str | int, ...]) -> int:
        """The line of ``path``, or of the closest thing around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def parse(text: str, file: Path, first_line: int = 1) -> Document | Mistake:
    """The document in ``text``; ``first_line`` is where it starts in the file.

    Duplicate keys are a mistake: YAML would silently keep the last one.
    """
    try:
        try:
            return _read(Loader(text), file, first_line)
        except yaml.YAMLError:
            return _read(yaml.SafeLoader(text), file, first_line)  # it says more about what is wrong
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = first_line + (mark.line if mark else 0)
        return Mistake(file, line, f"not valid YAML: {error.problem or error.context}.")
    except RecursionError:
        return Mistake(file, first_line, "an alias refers to what it is part of, or the nesting is too deep.")
    except yaml.YAMLError as error:
        return Mistake(file, first_line, f"not valid YAML: {str(error).splitlines()[0]}.")


def _read(loader: "Loader | yaml.SafeLoader", file: Path, first_line: int) -> Document | Mistake:
    node = loader.get_single_node()
    if node is None:
        return Document(None, {(): first_line})
    lines: Lines = {}
    duplicate = _walk(node, (), lines, first_line)
    if duplicate:
        return Mistake(file, duplicate[0], f"{duplicate[1]!r} stands here twice; keep one.")
    return Document(loader.construct_document(node), lines)


def _walk(node: yaml.Node, path: tuple[str | int, ...], lines: Lines, first: int) -> tuple[int, str] | None:
    lines.setdefault(path, first + node.start_mark.line)
    if isinstance(node, yaml.MappingNode):
        return _walk_mapping(node, path, lines, first)
    if isinstance(node, yaml.SequenceNode):
        found = (_walk(item, (*path, index), lines, first) for index, item in enumerate(node.value))
        return next((duplicate for duplicate in found if duplicate), None)
    return None


def _walk_mapping(
    node: yaml.MappingNode, path: tuple[str | int, ...], lines: Lines, first: int
) -> tuple[int, str] | None:
    seen: set[str] = set()
    for key, value in node.value:
        name = str(key.value)
        if name in seen:
            return first + key.start_mark.line, name
        seen.add(name)
        lines[(*path, name)] = first + key.start_mark.line
        duplicate = _walk(value, (*path, name), lines, first)
        if duplicate:
            return duplicate
    return None


def mistakes_of(error: ValidationError, document: Document, file: Path) -> tuple[Mistake, ...]:
    """Each validation error as a mistake with its line and one sentence."""
    return tuple(
        Mistake(file, document.line(tuple(problem["loc"])), _sentence(problem["loc"], problem))
        for problem in error.errors()
    )


def _sentence(path: tuple[str | int, ...], problem: Any) -> str:
    where = ".".join(str(part) for part in path) or "the file"
    match problem["type"]:
        case "missing":
            said = " is missing; add it"
        case "extra_forbidden":
            said = " is not a known field; check its spelling or remove it"
        case "string_type" if isinstance(problem["input"], dict):
            said = " is read as a mapping because of its colon; put the text in quotes"
        case "tuple_type" | "list_type":
            said = " must be a list; write each entry on a line of its own after a dash"
        case "dict_type" | "model_type" | "model_attributes_type":
            said = " must be a mapping; write fields like `name: value`"
        case "enum" | "literal_error":
            said = f" is {problem['input']!r}; use {problem['ctx']['expected']}"
        case _:
            text = problem["msg"].removeprefix("Value error, ")
            said = f": {text[:1].lower()}{text[1:]}"
    return f"{where}{said}."
