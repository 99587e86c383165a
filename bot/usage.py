"""Wrong words on the command line: one sentence that says what is wrong and what to write."""

import argparse
import difflib
import re
import sys
from collections.abc import Iterable
from typing import NoReturn

USAGE = 2  # exit code
LONGEST = 40  # characters of a wrong word that are repeated
ALIKE = 0.7  # of 1; below it a word is no slip of the other


class Parser(argparse.ArgumentParser):
    """As the standard one, without the usage lines before the sentence; ``--help`` shows them."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong in one line on standard error, and end."""
        print(f"{self.prog}: {self._sentence(message)} `{self.prog} --help` shows what there is.", file=sys.stderr)
        sys.exit(USAGE)

    def _sentence(self, message: str) -> str:
        if wrong := re.search(r"invalid choice: (['\"])(.*)\1 \(choose from (.*)\)", message):
            word, known = wrong[2], re.findall(r"[\w-]+", wrong[3])
            return f"There is no '{_short(word)}' here{_meant(word, known)}"
        if unknown := re.match(r"unrecognized arguments: (\S+)", message):
            options = re.findall(r"--[\w-]+", self.format_help())
            return f"{_short(unknown[1])!r} is not understood{_meant(unknown[1], options)}"
        if missing := re.match(r"the following arguments are required: (.+)", message):
            return f"Name {missing[1]}."
        said = message.removeprefix("argument ")
        return f"{said[:1].upper()}{said[1:]}."


def _meant(word: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=ALIKE)
    return f"; did you mean {close[0]}?" if close else "."


def _short(word: str) -> str:
    return word if len(word) <= LONGEST else f"{word[: LONGEST - 1]}…"
