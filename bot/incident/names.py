"""Names from an open set, like those of classes and questions: a team may add its own."""

from typing import Self

_KNOWN: dict[tuple[type, str], "Name"] = {}


class Name(str):
    """A text that names something of its kind. Equal names are one object, so ``is`` compares them.

    Any text makes a name; whether something is called so, the taxonomy knows. Ask it before making a name of what
    somebody typed, for names are kept as long as the process lives.
    """

    __slots__ = ()

    def __new__(cls, text: str) -> Self:  # noqa: D102
        made = _KNOWN.setdefault((cls, str(text)), super().__new__(cls, text))
        return made if isinstance(made, cls) else super().__new__(cls, text)

    @property
    def value(self) -> str:
        """The plain text."""
        return str(self)
