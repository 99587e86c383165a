"""Waiting for something to become true, with a bound."""

import asyncio
import time
from collections.abc import Callable


async def until(condition: Callable[[], object], seconds: float, otherwise: Callable[[], str]) -> None:
    """Returns once `condition` holds; an AssertionError with the text of `otherwise` after `seconds`."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"Not within {seconds} s: {otherwise()}")
        await asyncio.sleep(0.005)
