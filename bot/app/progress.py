"""How far loading is, and what it came to: a bar on a terminal, else a line every few seconds."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TextIO

from bot.incident.quantities import duration, percent
from bot.sources.otlp_files import OtlpFile

LINE_EVERY = 5.0  # seconds between lines where nobody watches a terminal
DRAW_EVERY = 0.1
MOST_NAMED = 100  # places named one by one; the rest is only counted
BAR = 24  # characters


@dataclass(slots=True)
class Tally:
    """What was committed so far, and what could not be."""

    files: int = 0
    requests: int = 0
    spans: int = 0
    scores: int = 0
    messages: int = 0  # spans that log records told messages of
    rejected: int = 0
    broken: int = 0
    seconds: float = 0.0

    def sentence(self) -> str:
        """What is stored, for people."""
        rate = f" ({self.spans / self.seconds:,.0f} spans/s)" if self.seconds > 0 else ""
        logged = f", messages of {counted(self.messages, 'span')} in log records," if self.messages else ""
        said = f"{counted(self.spans, 'span')}{logged} and {counted(self.scores, 'score')} of {counted(self.requests, 'request')} are stored"
        said += f", from {counted(self.files, 'file')} in {duration(self.seconds)}{rate}."
        if self.rejected:
            said += f" {counted(self.rejected, 'record')} could not be used."
        if self.broken:
            said += f" {counted(self.broken, 'request')} could not be read."
        return said


class Progress:
    """What is shown while it runs: a bar on a terminal, else a line every few seconds."""

    def __init__(self, out: TextIO, files: Sequence[OtlpFile], tally: Tally) -> None:
        self._out = out
        self._files = files
        self._tally = tally
        self._terminal = out.isatty()
        self._began = time.monotonic()
        self._shown = self._began
        self._named = 0

    def name(self, sentence: str) -> None:
        """One place and what is wrong there."""
        self._named += 1
        if self._named > MOST_NAMED:
            return
        more = "\nfurther places are only counted." if self._named == MOST_NAMED else ""
        self._say(f"{self._clear()}{sentence}{more}\n")

    def show(self) -> None:
        """How far it is, not more often than people can read."""
        now = time.monotonic()
        self._tally.seconds = round(now - self._began, 3)
        if now - self._shown < (DRAW_EVERY if self._terminal else LINE_EVERY):
            return
        self._shown = now
        self._say(f"{self._clear()}{self._line()}" if self._terminal else f"{self._line()}\n")

    def close(self) -> None:
        """Take the bar away."""
        self._tally.seconds = round(time.monotonic() - self._began, 3)
        self._say(self._clear())

    def _say(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()

    def _clear(self) -> str:
        return "\r\x1b[K" if self._terminal else ""

    def _line(self) -> str:
        read, totals = sum(file.read_bytes for file in self._files), [file.total for file in self._files]
        rate = (
            f"{counted(self._tally.spans, 'span')}, {self._tally.spans / max(self._tally.seconds, 0.001):,.0f} spans/s"
        )
        if None in totals:
            return f"{read / 1e6:,.1f} MB read, {rate}"
        total = sum(filter(None, totals)) or 1
        share = min(1.0, read / total)
        bar = f"[{'#' * round(BAR * share):<{BAR}}] " if self._terminal else ""
        return f"{bar}{percent(share)}, {read / 1e6:,.1f} of {total / 1e6:,.1f} MB, {rate}"


def counted(count: int, noun: str) -> str:
    """A number with its noun, as in 2,000 spans."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
