"""Tasks shared out among threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")


def shared_out(threads: int, tasks: Sequence[Callable[[], T]]) -> list[T]:
    """Return what each task gives; this thread and others take the next one until none is left."""
    found: dict[int, T] = {}
    left = iter(enumerate(tasks))

    def work() -> None:
        try:
            for number, task in left:
                found[number] = task()
        finally:
            # After Ctrl-C or an error nobody takes one more.
            for _ in left:
                pass

    with ThreadPoolExecutor(max(threads - 1, 1)) as pool:
        others = [pool.submit(work) for _ in range(threads - 1)]
        work()
        for one in others:
            one.result()
    return [found[number] for number in range(len(tasks))]
