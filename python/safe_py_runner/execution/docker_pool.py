# SPDX-License-Identifier: MIT
"""A pool of containers, by key: whoever has waited longest gets the next one.

Containers are started and closed by threads of their own, never under the lock and never by the
thread that wants a run, so that a slow daemon holds up nobody beyond his time. A container counts
against the size of the pool from the beginning of its start to the end of its removal.

                    ┌────────────── broken, worn out, too old, in the way of another key
    starting ──► serving ──► leaving (its runs end) ──► closing ──► gone
        └─ failed: all who waited for it then are told, unless others serve the same key
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from ..errors import ClosedError

__all__ = ["AcquireTimeout", "Container", "Lease", "Pool", "PoolLimits"]

_QUIET_SECONDS = 1.0  # idle for so long, a worn container is replaced and nobody notices
_PREPARING_SECONDS = 1.0  # how often a waiter looks whether the image is there
_BACKOFF_SECONDS = (0.5, 8.0)  # after a failed start, while others serve: first, longest
_FOR_EVER = float("inf")


class Container(Protocol):
    """What the pool needs to know of a container."""

    def start(self) -> None:
        """Block until it serves; raises where it does not, having cleaned up."""

    def close(self) -> None:
        """Remove it, in whatever state; any thread, also while :meth:`start` blocks; twice too."""


C = TypeVar("C", bound=Container)
K = TypeVar("K", bound=Hashable)


class AcquireTimeout(Exception):
    """No container became free in time."""


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """
    Attributes:
        size: containers at a time.
        slots: runs at a time in each.
        max_runs: runs in the life of each.
        strict: never more than ``max_runs``; else a container that has had them is replaced as soon
            as it has been idle for a second, and nobody waits for its successor.
        ttl_seconds: age at which a container is not used any more.
    """

    size: int
    slots: int = 1
    max_runs: int = 25
    strict: bool = True
    ttl_seconds: float = 600


@dataclass(eq=False, slots=True)
class _Member(Generic[K, C]):
    """A container that serves, or is about to leave."""

    key: K
    container: C
    born: float
    idle_since: float
    n_runs: int = 0
    n_running: int = 0
    leaving: bool = False
    replace: bool = False  # by another one, when it has gone


@dataclass(eq=False, slots=True)
class _Waiter(Generic[K, C]):
    """Somebody who wants a container; settled once it has a member or an error."""

    key: K
    number: int
    patience: float  # seconds
    deadline: float
    wake: Callable[[], object] = lambda: None
    member: _Member[K, C] | None = None
    error: BaseException | None = None

    @property
    def settled(self) -> bool:
        return self.member is not None or self.error is not None


@dataclass(eq=False, slots=True)
class _Shelf(Generic[K, C]):
    """All that belongs to one key."""

    members: list[_Member[K, C]] = field(default_factory=list)
    waiters: deque[_Waiter[K, C]] = field(default_factory=deque)
    n_starting: int = 0
    backoff: float = 0.0  # seconds; 0: the last start succeeded
    not_before: float = 0.0

    @property
    def empty(self) -> bool:
        return not (self.members or self.waiters or self.n_starting)


class Lease(Generic[K, C]):
    """The right to one run in a container, until :meth:`Pool.release`."""

    __slots__ = ("_member", "container")

    def __init__(self, member: _Member[K, C]) -> None:
        self._member = member
        self.container = member.container


class Pool(Generic[K, C]):
    """The containers of one engine. Any number of threads and event loops.

    Args:
        make: gives a new container for a key; must not block.
        limits: how many, and how long each lives.
        clock: seconds, never going back.
    """

    def __init__(
        self,
        make: Callable[[K], C],
        limits: PoolLimits,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._make = make
        self._limits = limits
        self._clock = clock
        self._closed = False
        self.forget()

    def forget(self) -> None:
        """In a forked child: the containers are the parent's."""
        self._lock = threading.Lock()
        self._tending = threading.Condition(self._lock)
        self._tender: threading.Thread | None = None
        self._shelves: dict[K, _Shelf[K, C]] = {}
        self._numbers = itertools.count()
        self._starting: set[C] = set()
        self._closing: set[C] = set()
        self._n_preparing = 0

    # --- for whoever wants a run ---

    def acquire(self, key: K, patience: float) -> Lease[K, C]:
        """Wait for a container of this key, at most ``patience`` seconds; they begin anew when an
        image has been prepared meanwhile.

        Raises:
            AcquireTimeout: none became free.
            ClosedError: the pool is closed.
            Exception: whatever the start of a container raised.
        """
        event = threading.Event()
        waiter = self._wait_in_line(key, patience, event.set)
        try:
            while not waiter.settled:
                event.wait(self._time_left(waiter))
        except BaseException:
            self._give_up(waiter)
            raise
        return self._lease(waiter)

    async def aacquire(self, key: K, patience: float) -> Lease[K, C]:
        """The same for asyncio."""
        loop = asyncio.get_running_loop()
        event = asyncio.Event()

        def wake() -> None:
            with contextlib.suppress(RuntimeError):  # the loop was closed: nobody waits any more
                loop.call_soon_threadsafe(event.set)

        waiter = self._wait_in_line(key, patience, wake)
        try:
            while not waiter.settled:
                with contextlib.suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(event.wait(), self._time_left(waiter))
        except BaseException:
            self._give_up(waiter)
            raise
        return self._lease(waiter)

    def release(self, lease: Lease[K, C], broken: bool = False, unused: bool = False) -> None:
        """Give a lease back.

        Args:
            broken: the container gets no more runs; those in it may end.
            unused: there was no run.
        """
        member = lease._member
        with self._lock:
            shelf = self._shelves.get(member.key)
            if shelf is None or member not in shelf.members:
                return  # closed meanwhile
            now = self._clock()
            member.n_running -= 1
            member.n_runs -= unused
            member.idle_since = now
            member.leaving |= broken
            if self._limits.strict and self._is_worn(member):
                member.leaving = member.replace = True
            elif self._is_worn(member) and member.n_runs == self._limits.max_runs:
                self._look_after()
            self._retire_if_due(member, now)
            self._arrange()

    @contextlib.contextmanager
    def preparing(self) -> Iterator[None]:
        """While an image is pulled or built, nobody's patience ends."""
        with self._lock:
            self._n_preparing += 1
        try:
            yield
        finally:
            with self._lock:
                self._n_preparing -= 1
                now = self._clock()
                for shelf in self._shelves.values():
                    for waiter in shelf.waiters:
                        waiter.deadline = max(waiter.deadline, now + waiter.patience)

    def close(self) -> None:
        """Remove every container; whoever waits gets ClosedError. Twice too."""
        with self._lock:
            self._closed = True
            shelves, self._shelves = self._shelves, {}
            containers = {m.container for shelf in shelves.values() for m in shelf.members}
            containers |= self._starting | self._closing
            for shelf in shelves.values():
                for waiter in shelf.waiters:
                    self._settle(waiter, error=ClosedError("the engine was closed"))
                shelf.waiters.clear()
            self._tending.notify_all()
        _close_all(containers)

    def n_containers(self) -> int:
        """How many there are, whatever their state."""
        with self._lock:
            return self._total()

    def _wait_in_line(self, key: K, patience: float, wake: Callable[[], object]) -> _Waiter[K, C]:
        with self._lock:
            if self._closed:
                raise ClosedError("the engine was closed")
            deadline = self._clock() + patience
            waiter: _Waiter[K, C] = _Waiter(key, next(self._numbers), patience, deadline)
            self._shelves.setdefault(key, _Shelf()).waiters.append(waiter)
            self._arrange()
            waiter.wake = wake
        return waiter

    def _time_left(self, waiter: _Waiter[K, C]) -> float:
        """Seconds to sleep; at the end of its patience the waiter is settled with an error."""
        with self._lock:
            if waiter.settled:
                return 0
            if self._n_preparing:
                return _PREPARING_SECONDS
            left = waiter.deadline - self._clock()
            if left > 0:
                return left
            self._remove(waiter)
            self._settle(waiter, error=AcquireTimeout())
            return 0

    def _lease(self, waiter: _Waiter[K, C]) -> Lease[K, C]:
        if waiter.error is not None:
            raise waiter.error
        assert waiter.member is not None
        return Lease(waiter.member)

    def _give_up(self, waiter: _Waiter[K, C]) -> None:
        with self._lock:
            member = waiter.member
            if member is None:
                self._remove(waiter)
        if member is not None:
            self.release(Lease(member), unused=True)

    def _remove(self, waiter: _Waiter[K, C]) -> None:
        shelf = self._shelves.get(waiter.key)
        if shelf is not None:
            with contextlib.suppress(ValueError):
                shelf.waiters.remove(waiter)

    def _settle(
        self,
        waiter: _Waiter[K, C],
        member: _Member[K, C] | None = None,
        error: BaseException | None = None,
    ) -> None:
        waiter.member, waiter.error = member, error
        waiter.wake()

    # --- who gets what; all below want the lock ---

    def _total(self) -> int:
        serving = sum(len(shelf.members) for shelf in self._shelves.values())
        return serving + len(self._starting) + len(self._closing)

    def _arrange(self) -> None:
        """Give out what is free, oldest first, and start what is missing."""
        if self._closed:
            return
        shelves = [(key, shelf) for key, shelf in self._shelves.items() if shelf.waiters]
        for key, shelf in sorted(shelves, key=lambda pair: pair[1].waiters[0].number):
            self._serve(shelf)
            self._enlarge(key, shelf)
        for key in [key for key, shelf in self._shelves.items() if shelf.empty]:
            del self._shelves[key]

    def _serve(self, shelf: _Shelf[K, C]) -> None:
        now = self._clock()
        while shelf.waiters:
            member = self._free_member(shelf, now)
            if member is None:
                return
            member.n_runs += 1
            member.n_running += 1
            self._settle(shelf.waiters.popleft(), member)

    def _free_member(self, shelf: _Shelf[K, C], now: float) -> _Member[K, C] | None:
        """The one with the fewest runs in progress."""
        for member in list(shelf.members):
            self._retire_if_due(member, now)
        free = [member for member in shelf.members if self._has_room(member)]
        return min(free, key=lambda member: member.n_running, default=None)

    def _has_room(self, member: _Member[K, C]) -> bool:
        if member.leaving or (self._limits.strict and self._is_worn(member)):
            return False
        return member.n_running < self._limits.slots

    def _enlarge(self, key: K, shelf: _Shelf[K, C]) -> None:
        if self._clock() < shelf.not_before:
            self._look_after()  # later
            return
        missing = -(-len(shelf.waiters) // self._limits.slots) - shelf.n_starting
        while missing > 0 and self._total() < self._limits.size:
            self._start(key, shelf)
            missing -= 1
        if missing > 0 and not self._closing and not shelf.n_starting:
            self._make_room(shelf)

    def _make_room(self, shelf: _Shelf[K, C]) -> None:
        """One container of another key leaves: an idle one or, where this key has none at all, the
        next one whose runs end."""
        others = [m for each in self._shelves.values() if each is not shelf for m in each.members]
        if any(member.leaving for member in others):
            return
        idle = [member for member in others if member.n_running == 0]
        if idle:
            self._retire(min(idle, key=lambda member: member.idle_since))
        elif others and not shelf.members:
            self._retire(min(others, key=lambda member: member.n_running))

    def _is_worn(self, member: _Member[K, C]) -> bool:
        return member.n_runs >= self._limits.max_runs

    def _retire_if_due(self, member: _Member[K, C], now: float) -> None:
        if member.leaving or now - member.born >= self._limits.ttl_seconds:
            self._retire(member)

    def _retire(self, member: _Member[K, C]) -> None:
        """No more runs; when the last one has ended, it is closed."""
        member.leaving = True
        if member.n_running == 0:
            self._shelves[member.key].members.remove(member)
            self._closing.add(member.container)
            _spawn(self._close_one, member)

    def _start(self, key: K, shelf: _Shelf[K, C]) -> None:
        container = self._make(key)
        newest = next(self._numbers)
        shelf.n_starting += 1
        self._starting.add(container)
        try:
            _spawn(self._start_one, key, shelf, container, newest)
        except RuntimeError as error:  # no more threads
            self._start_ended(key, shelf, container, newest, error)

    # --- threads of our own ---

    def _start_one(self, key: K, shelf: _Shelf[K, C], container: C, newest: int) -> None:
        error: BaseException | None = None
        try:
            container.start()
        except BaseException as failure:  # whoever waits gets it
            error = failure
        with self._lock:
            if self._closed:
                error = error or ClosedError("the engine was closed")
            self._start_ended(key, shelf, container, newest, error)
            self._arrange()
        if error is not None:
            container.close()

    def _start_ended(
        self,
        key: K,
        shelf: _Shelf[K, C],
        container: C,
        newest: int,
        error: BaseException | None,
    ) -> None:
        shelf.n_starting -= 1
        self._starting.discard(container)
        if error is not None:
            self._start_failed(shelf, error, newest)
            return
        now = self._clock()
        shelf.members.append(_Member(key, container, now, now))
        shelf.backoff = shelf.not_before = 0.0
        self._look_after()

    def _start_failed(self, shelf: _Shelf[K, C], error: BaseException, newest: int) -> None:
        if shelf.members or shelf.n_starting:  # they serve, or tell of the same failure
            first, longest = _BACKOFF_SECONDS
            shelf.backoff = min(max(2 * shelf.backoff, first), longest)
            shelf.not_before = self._clock() + shelf.backoff
            self._look_after()
            return
        shelf.backoff = shelf.not_before = 0.0
        while shelf.waiters and shelf.waiters[0].number < newest:
            self._settle(shelf.waiters.popleft(), error=error)

    def _close_one(self, member: _Member[K, C]) -> None:
        try:
            member.container.close()
        finally:
            with self._lock:
                self._closing.discard(member.container)
                self._arrange()
                if member.replace and not self._closed and self._total() < self._limits.size:
                    self._start(member.key, self._shelves.setdefault(member.key, _Shelf()))

    # --- what time brings ---

    def _look_after(self) -> None:
        """There is something to do later on."""
        if self._closed:
            return
        if self._tender is None:
            self._tender = _spawn(self._tend)
        else:
            self._tending.notify()

    def _tend(self) -> None:
        with self._lock:
            while not self._closed:
                until = self._do_what_is_due()
                if until == _FOR_EVER:
                    break
                self._tending.wait(max(until - self._clock(), 0.01))
            self._tender = None

    def _do_what_is_due(self) -> float:
        """When the next thing is due."""
        now = self._clock()
        times = [shelf.not_before for shelf in self._shelves.values() if shelf.waiters]
        for member in [m for shelf in self._shelves.values() for m in shelf.members]:
            due = self._due(member, now)
            if member.leaving:
                continue
            if due <= now:
                self._retire(member)
            times.append(due)
        self._arrange()
        return min((moment for moment in times if moment > now), default=_FOR_EVER)

    def _due(self, member: _Member[K, C], now: float) -> float:
        """When it has to go, or may go and will not be missed."""
        old = member.born + self._limits.ttl_seconds
        if self._limits.strict or not self._is_worn(member):
            return old
        quiet = (now if member.n_running else member.idle_since) + _QUIET_SECONDS
        member.replace = quiet <= now
        return min(old, quiet)


def _spawn(target: Callable[..., object], *arguments: object) -> threading.Thread:
    thread = threading.Thread(target=target, args=arguments, name="spr-docker", daemon=True)
    thread.start()
    return thread


def _close_all(containers: set[C]) -> None:
    """Side by side, unless the interpreter is about to end and has no threads any more."""
    threads = []
    for container in containers:
        try:
            threads.append(_spawn(container.close))
        except RuntimeError:
            container.close()
    for thread in threads:
        thread.join()
