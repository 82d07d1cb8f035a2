# SPDX-License-Identifier: MIT
"""Many awaitable runs at a time for a caller without an event loop: one thread has it for him."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import queue
import threading
from collections.abc import Awaitable, Callable, Generator, Iterable
from typing import Any, TypeVar

__all__ = ["stream"]

_ABANDON_SECONDS = 1.0  # how long an iterator that is closed waits for the end of its runs

Key = TypeVar("Key")
Request = TypeVar("Request")
Outcome = TypeVar("Outcome")


def stream(
    run: Callable[[Request], Awaitable[Outcome]],
    jobs: Iterable[tuple[Key, Request]],
    limit: int,
) -> Generator[tuple[Key, Outcome], None, None]:
    """Run pairs of a key and a request, ``limit`` at a time; yield the keys with their outcomes as
    they come. A job is taken when there is room for it, in the caller's thread. Closing the
    generator cancels what is in flight."""
    flying: dict[concurrent.futures.Future[Outcome], Key] = {}
    landed: queue.SimpleQueue[concurrent.futures.Future[Outcome]] = queue.SimpleQueue()
    waiting = iter(jobs)
    exhausted = False

    async def fly(request: Request) -> Outcome:
        return await run(request)

    with _loop_in_a_thread() as loop:
        while True:
            while len(flying) < limit and not exhausted:
                try:
                    key, request = next(waiting)
                except StopIteration:
                    exhausted = True
                    break
                future = asyncio.run_coroutine_threadsafe(fly(request), loop)
                flying[future] = key
                future.add_done_callback(landed.put)
            if not flying:
                return
            future = landed.get()
            yield flying.pop(future), future.result()


@contextlib.contextmanager
def _loop_in_a_thread() -> Generator[asyncio.AbstractEventLoop, None, None]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="spr-docker", daemon=True)
    thread.start()
    try:
        yield loop
    finally:
        ending = asyncio.run_coroutine_threadsafe(_cancel_the_others(), loop)
        with contextlib.suppress(concurrent.futures.TimeoutError):
            ending.result(_ABANDON_SECONDS)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(_ABANDON_SECONDS)
        if not thread.is_alive():
            loop.close()


async def _cancel_the_others() -> None:
    tasks: set[asyncio.Task[Any]] = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
