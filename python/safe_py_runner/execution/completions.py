# SPDX-License-Identifier: MIT
"""Many runs in flight over one engine, without a thread of ours.

Runs are posted; whoever finds the engine's descriptor readable (an event loop, a thread inside
run_many) takes in all that has completed, also for the others, and hands each report to the sink
of its run.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Generator, Iterator
from typing import Generic, TypeVar

from .. import _spr
from ..errors import BusyError, ClosedError

__all__ = ["Arguments", "Completions"]

Arguments = tuple[bytes, str, _spr.Policy]  # of Engine.post
Sink = Callable[[_spr.Report], None]
Key = TypeVar("Key")

_ABANDON_SECONDS = 1.0  # how long an iterator that is closed waits for the end of its runs

_instances: weakref.WeakSet[Completions] = weakref.WeakSet()


class Completions:
    """The posted runs of one engine. Any number of threads and event loops."""

    def __init__(self, native: _spr.Engine) -> None:
        self._native = native
        self._reset()
        _instances.add(self)

    def _reset(self) -> None:
        self._lock = threading.Lock()  # no report is without a sink, no sink is called after
        self._sinks: dict[int, Sink] = {}
        self._watchers: dict[asyncio.AbstractEventLoop, int] = {}  # runs that each waits for
        self._closed = False

    def post(self, sink: Sink, arguments: Arguments) -> int:
        """Start or queue a run; ``sink`` gets its report, in whichever thread takes it in, and must
        not call this object."""
        with self._lock:
            run_id = self._native.post(*arguments)
            self._sinks[run_id] = sink
        return run_id

    def pump(self) -> None:
        """Take in what has completed. Never blocks."""
        try:
            self._native.dispatch()
        except ClosedError:
            self._closed = True
        while (report := self._native.pop()) is not None:
            with self._lock:
                sink = self._sinks.pop(report.run_id, None)
                if sink is not None:
                    sink(report)

    def _check(self, report: _spr.Report) -> _spr.Report:
        if self._closed and report.outcome == "infra":
            raise ClosedError(report.error)
        return report

    # for event loops

    async def wait(self, arguments: Arguments) -> _spr.Report:
        """Run and wait for the report. Cancelling the task that waits kills the run."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[_spr.Report] = loop.create_future()

        def finish(report: _spr.Report) -> None:
            self._unwatch(loop)
            if not future.done():
                future.set_result(report)

        def sink(report: _spr.Report) -> None:
            if _running_loop() is loop:
                finish(report)
                return
            try:
                loop.call_soon_threadsafe(finish, report)
            except RuntimeError:  # closed: nobody waits any more
                self._watchers.pop(loop, None)

        run_id = self.post(sink, arguments)
        self._watch(loop)
        try:
            return self._check(await future)
        except BaseException:
            self._native.cancel(run_id)  # ignored where it has ended
            raise

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        n = self._watchers.get(loop, 0)
        if n == 0:
            loop.add_reader(self._native.fileno(), self.pump)
        self._watchers[loop] = n + 1

    def _unwatch(self, loop: asyncio.AbstractEventLoop) -> None:
        n = self._watchers.pop(loop, 0) - 1
        if n > 0:
            self._watchers[loop] = n
        elif n == 0:
            loop.remove_reader(self._native.fileno())

    # for threads

    def stream(
        self, jobs: Iterator[tuple[Key, Arguments]], limit: int
    ) -> Generator[tuple[Key, _spr.Report], None, None]:
        """Run the jobs, ``limit`` at a time, and yield reports as they come. A job is taken from
        the iterator when there is room for it."""
        batch: _Batch[Key] = _Batch(self, limit)
        try:
            while batch.fill(jobs):
                key, report = batch.take()
                yield key, self._check(report)
        finally:
            batch.close()

    def forget(self, run_ids: list[int]) -> None:
        """Drop the reports of these runs when they come."""
        with self._lock:
            for run_id in run_ids:
                self._sinks.pop(run_id, None)


class _Batch(Generic[Key]):
    """The runs of one iterator that are in flight, or have completed and were not yielded."""

    def __init__(self, completions: Completions, limit: int) -> None:
        self._completions = completions
        self._native = completions._native
        self._limit = limit
        self._keys: dict[int, Key] = {}
        self._ready: deque[_spr.Report] = deque()
        self._held: tuple[Key, Arguments] | None = None  # found no room in the engine's queue
        self._exhausted = False
        self._thread = 0
        self._pid = os.getpid()
        self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._poll = select.poll()
        self._poll.register(self._native.fileno(), select.POLLIN)
        self._poll.register(self._wake, select.POLLIN)

    def fill(self, jobs: Iterator[tuple[Key, Arguments]]) -> bool:
        """Whether there is anything to wait for."""
        if os.getpid() != self._pid:
            raise ClosedError("the runs belong to the process that this one was forked from")
        while len(self._keys) < self._limit and not self._exhausted:
            job = self._held or next(jobs, None)
            if job is None:
                self._exhausted = True
            elif not self._post(job):
                break
        return bool(self._keys)

    def _post(self, job: tuple[Key, Arguments]) -> bool:
        key, arguments = job
        self._held = None
        try:
            self._keys[self._completions.post(self._sink, arguments)] = key
        except BusyError:
            if not self._keys:
                raise
            self._held = job
        return self._held is None

    def _sink(self, report: _spr.Report) -> None:
        self._ready.append(report)
        if threading.get_ident() != self._thread:
            os.eventfd_write(self._wake, 1)

    def take(self) -> tuple[Key, _spr.Report]:
        """Wait for the next one that completes."""
        while not self._ready:
            self._wait(None)
        report = self._ready.popleft()
        return self._keys.pop(report.run_id), report

    def _wait(self, seconds: float | None) -> None:
        self._thread = threading.get_ident()
        try:
            self._poll.poll(None if seconds is None else seconds * 1000)
            with contextlib.suppress(BlockingIOError):
                os.eventfd_read(self._wake)
            self._completions.pump()
        finally:
            self._thread = 0

    def close(self) -> None:
        """Cancel what is in flight and wait for its end, for a moment."""
        try:
            if os.getpid() == self._pid:
                self._abandon()
        finally:
            self._completions.forget(list(self._keys))
            os.close(self._wake)

    def _abandon(self) -> None:
        deadline = time.monotonic() + _ABANDON_SECONDS
        for run_id in self._keys:
            self._native.cancel(run_id)
        while True:
            while self._ready:
                self._keys.pop(self._ready.popleft().run_id)
            left = deadline - time.monotonic()
            if not self._keys or left <= 0:
                return
            self._wait(left)


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _after_fork_in_child() -> None:
    """The runs in flight are the parent's."""
    for instance in list(_instances):
        instance._reset()


os.register_at_fork(after_in_child=_after_fork_in_child)
