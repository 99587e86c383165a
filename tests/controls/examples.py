"""The examples of docs/write-a-driver.md, as files that can be imported."""

import importlib
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

PAGE = Path(__file__).parents[2] / "docs" / "write-a-driver.md"
_BLOCK = re.compile(r"```python\n# (?P<file>\w+\.py)\n(?P<code>.*?)```", re.DOTALL)


def code() -> dict[str, str]:
    """File name -> its code, as the page shows it."""
    return {found["file"]: found["code"] for found in _BLOCK.finditer(PAGE.read_text("utf-8"))}


@contextmanager
def installed(folder: Path, *files: str) -> Iterator[list[ModuleType]]:
    """These examples as modules, gone afterwards."""
    for file in files:
        (folder / file).write_text(code()[file], "utf-8")
    names = [file.removesuffix(".py") for file in files]
    sys.path.insert(0, str(folder))
    try:
        importlib.invalidate_caches()
        yield [importlib.import_module(name) for name in names]
    finally:
        sys.path.remove(str(folder))
        for name in names:
            sys.modules.pop(name, None)
