"""Decorators for common agent loops: tools and model calls that check themselves."""

import functools
import inspect
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, ParamSpec, Protocol, TypeVar, cast, overload

from firstfive_client.refusals import ToolRefused
from firstfive_client.unknown import Tool

P = ParamSpec("P")
R = TypeVar("R")
Around = Callable[[], AbstractContextManager[Any]]


class Wrapping:
    """The decorators of a client."""

    def describe(self, name: str, tool: Tool) -> None:
        """Say what a tool does."""
        raise NotImplementedError

    def step(self, tool: str) -> AbstractContextManager[Any]:
        """Around one tool call."""
        raise NotImplementedError

    def turn(self) -> AbstractContextManager[Any]:
        """Around one model call."""
        raise NotImplementedError

    @overload
    def tool(self, function: Callable[P, R]) -> Callable[P, R]: ...
    @overload
    def tool(
        self, *, name: str = "", writes: bool = True, egress: bool = True, risky: bool = False, say: bool = False
    ) -> "Decorator": ...

    def tool(
        self,
        function: Callable[..., Any] | None = None,
        *,
        name: str = "",
        writes: bool = True,
        egress: bool = True,
        risky: bool = False,
        say: bool = False,
    ) -> Any:
        """Check and count every call of a tool, a plain function or a coroutine function.

        ``writes``, ``egress`` and ``risky`` say what it does; unsaid it is taken to write and to
        reach out. With ``say``, a call refused for this tool alone returns the sentence, for the
        model to read, in place of raising.
        """

        def decorator(wrapped: Callable[..., Any]) -> Callable[..., Any]:
            called = name or wrapped.__name__
            self.describe(called, Tool(writes=writes, egress=egress, risky=risky))
            return _wrapped(wrapped, lambda: self.step(called), say=say)

        return decorator if function is None else decorator(function)

    def model_call(self, function: Callable[P, R]) -> Callable[P, R]:
        """Check and count every call of a function that asks a model, plain or coroutine."""
        return cast("Callable[P, R]", _wrapped(function, self.turn, say=False))


class Decorator(Protocol):
    """Takes a function and returns one of the same signature."""

    def __call__(self, function: Callable[P, R], /) -> Callable[P, R]:
        """The function, checked."""
        ...


def _wrapped(function: Callable[..., Any], around: Around, *, say: bool) -> Callable[..., Any]:
    refusable: tuple[type[ToolRefused], ...] = (ToolRefused,) if say else ()
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def later(*args: Any, **kwargs: Any) -> Any:
            try:
                with around():
                    return await function(*args, **kwargs)
            except refusable as refusal:
                return str(refusal)

        return later

    @functools.wraps(function)
    def now(*args: Any, **kwargs: Any) -> Any:
        try:
            with around():
                return function(*args, **kwargs)
        except refusable as refusal:
            return str(refusal)

    return now
