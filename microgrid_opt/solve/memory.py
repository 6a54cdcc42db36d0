"""Memory that was freed: kept while it is wanted again, then given back to the system."""

from __future__ import annotations

import ctypes
from typing import Any

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
"""Numbers of options in glibc's `malloc.h`."""
KEPT, LARGEST = 2**30, 2**25
"""What may stay free at the end of the heap [B], and glibc's own limit of what comes from it at once [B]."""


def give_back() -> None:
    """Give freed memory back where the C library can (``malloc_trim`` of glibc); else do nothing.

    Pieces are solved in threads, and glibc keeps what a thread has freed for that thread: without this
    the next level is built beside the room of the last one.
    """
    trim = _function("malloc_trim")
    if trim is not None:
        trim(ctypes.c_size_t(0))


def keep_freed() -> None:
    """Let glibc keep what is freed until `give_back`; elsewhere do nothing.

    Pieces are solved hundreds of times and want the same room each time: given back and taken anew it is
    cleared page by page.
    """
    set_option = _function("mallopt")
    if set_option is not None:
        set_option(TRIM_THRESHOLD, KEPT)
        set_option(MMAP_THRESHOLD, LARGEST)


def _function(name: str) -> Any:
    """Return a function of the C library; ``None`` where it has none of that name."""
    try:
        return getattr(ctypes.CDLL(None), name)
    except (AttributeError, OSError, TypeError):
        return None
