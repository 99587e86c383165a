"""How the C library hands out memory to the server's threads."""

import ctypes
import sys

POOLS = 2  # of the C library; without a limit every thread gets one, and keeps what it once needed
KEPT_FREE = 2 * 1024 * 1024  # bytes at a pool's end; what is more goes back to the system
ALONE = 1024 * 1024  # bytes of one piece that is taken from the system for itself, and given back at once
_ARENA_MAX, _MMAP_THRESHOLD, _TRIM_THRESHOLD = -8, -3, -1  # M_… of glibc's malloc.h


def few_pools() -> bool:
    """Have glibc use few pools of memory, and give back what is free; False on other systems, where nothing changes.

    To be called before threads are started. It is what ``MALLOC_ARENA_MAX`` and its like do for a whole environment.
    """
    if sys.platform != "linux":
        return False
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)
    options = ((_ARENA_MAX, POOLS), (_TRIM_THRESHOLD, KEPT_FREE), (_MMAP_THRESHOLD, ALONE))
    return set_option is not None and all(set_option(*option) for option in options)
