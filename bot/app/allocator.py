"""How the C library hands out memory to the server's threads."""

import ctypes
import sys

POOLS = 2  # of the C library; without a limit every thread gets one, and keeps what it once needed
KEPT_FREE = 128 * 1024  # bytes at a pool's end; what is more goes back to the system
_ARENA_MAX, _TRIM_THRESHOLD = -8, -1  # M_ARENA_MAX and M_TRIM_THRESHOLD of glibc's malloc.h


def few_pools() -> bool:
    """Have glibc use few pools of memory, and give back what is free; False on other systems, where nothing changes.

    To be called before threads are started. It is what ``MALLOC_ARENA_MAX`` and its like do for a whole environment.
    """
    if sys.platform != "linux":
        return False
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)
    return bool(set_option and set_option(_ARENA_MAX, POOLS) and set_option(_TRIM_THRESHOLD, KEPT_FREE))
