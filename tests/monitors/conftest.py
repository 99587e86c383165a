"""The same office."""

from tests.response.conftest import office

__all__ = ["office"]
