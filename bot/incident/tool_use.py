"""What a task did with its tools, counted in one walk: a look asks a dozen times for each task."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from bot.incident.reading import ToolStep

OF_TOOL = "tool "  # how a tool's time is named in what a task spent
MANIFEST_SEPARATOR = "@"
NOTHING: frozenset[str] = frozenset()


class ToolUse(NamedTuple):
    """The calls of one task, summed up."""

    calls: Mapping[str, int]  # by tool
    paces: tuple[tuple[str, float], ...] = ()  # (tool, mean seconds per call) where the time of the tool is known
    wrong: tuple[tuple[str, str, int], ...] = ()  # ("tool" or "empty", tool, which of its calls it was)
    empty: bool = False  # some call answered nothing, be it with an error
    described: frozenset[str] = NOTHING  # its tools with the hash of their description, as "name@hash"
    destinations: frozenset[str] = NOTHING  # where it sent data to
    writes: int = 0  # successful ones with different arguments; a write repeated unchanged belongs to loops
    unapproved: bool = False  # one of its writes had no approval


def use_of(tools: Sequence["ToolStep"], spent: Iterable[tuple[str, float]]) -> ToolUse:
    """The calls of a task, and ``spent``: seconds by step, as a reading has them."""
    if not tools:
        return _UNUSED
    calls: dict[str, int] = {}
    wrong, written = [], set()
    empty = unapproved = False
    described, destinations = set(), set()
    for _, name, _, erred, nothing, wrote, approved, destination, digest, arguments, _ in tools:
        calls[name] = calls.get(name, 0) + 1
        if erred or nothing:
            wrong.append(("tool" if erred else "empty", name, calls[name]))
            empty = empty or nothing
        if wrote:
            written.add((name, arguments))
            unapproved = unapproved or not approved
        if destination:
            destinations.add(destination)
        if digest:
            described.add(manifest(name, digest))
    timed = [(_tool_of(step), seconds) for step, seconds in spent if step.startswith(OF_TOOL)]
    paces = [(tool, seconds / calls[tool]) for tool, seconds in timed if tool in calls]
    return ToolUse(
        calls,
        tuple(paces),
        tuple(wrong),
        empty,
        _shared(frozenset(described)),
        _shared(frozenset(destinations)),
        len(written),
        unapproved,
    )


@lru_cache(4096)
def manifest(tool: str, digest: str) -> str:
    """A tool's description as one value: "name@hash"."""
    return f"{tool}{MANIFEST_SEPARATOR}{digest}"


@lru_cache(4096)
def _shared(names: frozenset[str]) -> frozenset[str]:
    """The same few sets come thousands of times; one copy of each is kept."""
    return names


@lru_cache(4096)
def _tool_of(step: str) -> str:
    return step.removeprefix(OF_TOOL)


_UNUSED = ToolUse({})
