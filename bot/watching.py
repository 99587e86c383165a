"""Looking again and again at something, whatever goes wrong in one look."""

import asyncio
import logging
from collections.abc import Awaitable, Callable


async def watch(
    look: Callable[[], Awaitable[object]], log: logging.Logger, words: str, every: float, after_failure: float
) -> None:
    """Look every so many seconds until cancelled; a row of failures is logged once, in these words, with its cause."""
    failing = False
    while True:
        try:
            await look()
            failing = False
        except Exception:
            if not failing:
                log.exception(words)
            failing = True
        await asyncio.sleep(after_failure if failing else every)
