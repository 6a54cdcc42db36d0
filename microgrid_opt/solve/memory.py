"""Memory that was freed, given back to the system."""

from __future__ import annotations

import ctypes

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
"""Numbers of options in glibc's `malloc.h`."""


def give_back() -> None:
    """Give freed memory back where the C library can (``malloc_trim`` of glibc); else do nothing.

    Pieces are solved in threads, and glibc keeps what a thread has freed for that thread: without this
    the next level is built beside the room of the last one.
    """
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):
        return
    trim(ctypes.c_size_t(0))


def keep_freed() -> None:
    """Let glibc keep what is freed until `give_back`; elsewhere do nothing.

    Pieces are solved hundreds of times and want the same room each time: given back and taken anew it is
    cleared page by page.
    """
    try:
        set_option = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    set_option(TRIM_THRESHOLD, 2**30)
    set_option(MMAP_THRESHOLD, 2**25)
