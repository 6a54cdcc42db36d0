"""Memory that was freed, given back to the system."""

from __future__ import annotations

import ctypes


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
