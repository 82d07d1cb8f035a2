# SPDX-License-Identifier: MIT
"""The pool of containers, with containers that only note what happens to them."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from safe_py_runner import ClosedError
from safe_py_runner.execution.docker_pool import AcquireTimeout, Lease, Pool, PoolLimits

PATIENCE = 30.0  # seconds; for what is to come at once


class Fake:
    """A container. `gate` holds up its start, `error` ends it."""

    def __init__(self, world: World, key: str) -> None:
        self.world, self.key = world, key
        self.running = 0
        self.closed = False

    def start(self) -> None:
        assert self.world.gate.wait(PATIENCE)
        if self.world.error is not None:
            raise self.world.error
        with self.world.lock:
            self.world.alive.append(self)

    def close(self) -> None:
        assert self.world.door.wait(PATIENCE)
        with self.world.lock:
            if not self.closed:
                self.closed = True
                self.world.n_closed += 1
                if self in self.world.alive:
                    self.world.alive.remove(self)


class World:
    def __init__(self, **limits: float) -> None:
        self.lock = threading.Lock()
        self.gate, self.door = threading.Event(), threading.Event()
        self.gate.set()
        self.door.set()
        self.error: Exception | None = None
        self.alive: list[Fake] = []
        self.made: list[Fake] = []
        self.n_closed = 0
        self.now = 1000.0
        self.most = 0
        self.pool: Pool[str, Fake] = Pool(self.make, PoolLimits(**limits), self.clock)  # type: ignore[arg-type]

    def clock(self) -> float:
        return self.now + time.monotonic()

    def make(self, key: str) -> Fake:
        self.made.append(Fake(self, key))
        return self.made[-1]

    def take(self, key: str = "a", patience: float = PATIENCE) -> Lease[str, Fake]:
        return self.pool.acquire(key, patience)

    @contextmanager
    def run(self, key: str = "a") -> Iterator[Fake]:
        lease = self.take(key)
        try:
            yield lease.container
        finally:
            self.pool.release(lease)


def until(condition: Callable[[], bool]) -> None:
    give_up = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.001)


def test_a_container_is_used_again() -> None:
    world = World(size=2)
    with world.run() as first:
        pass
    with world.run() as second:
        assert second is first
    world.pool.close()
    assert world.n_closed == 1


def test_no_more_than_its_size() -> None:
    world = World(size=2)
    leases = [world.take(), world.take()]
    with pytest.raises(AcquireTimeout):
        world.take(patience=0.05)
    assert len(world.made) == 2
    world.pool.release(leases[0])
    assert world.take().container is leases[0].container


def test_slots_fill_evenly() -> None:
    world = World(size=2, slots=3)
    taken = Counter(id(world.take().container) for _ in range(6))
    assert sorted(taken.values()) == [3, 3]


def test_max_runs_is_kept_to_the_letter() -> None:
    """the third run finds a new container, and there are never two"""
    world = World(size=1, max_runs=2, ttl_seconds=600)
    seen = []
    for _ in range(6):
        with world.run() as container:
            seen.append(container)
            assert len(world.alive) == 1
    assert [seen.index(each) for each in seen] == [0, 0, 2, 2, 4, 4]


def test_a_worn_container_has_a_successor_before_anybody_asks() -> None:
    world = World(size=1, max_runs=1)
    with world.run():
        pass
    until(lambda: len(world.made) == 2 and len(world.alive) == 1)


def test_by_default_a_worn_container_goes_when_nobody_waits() -> None:
    world = World(size=1, max_runs=2, strict=False)
    for _ in range(5):
        with world.run() as container:
            assert container is world.made[0]
    world.now += 2  # seconds of quiet; the thread that looks after it wakes by itself
    until(lambda: world.made[0].closed)
    until(lambda: len(world.alive) == 1)
    assert len(world.made) == 2


def test_an_old_container_goes() -> None:
    world = World(size=1, ttl_seconds=100)
    with world.run() as first:
        world.now += 101
        assert not first.closed
    until(lambda: first.closed)
    with world.run() as second:
        assert second is not first


def test_an_old_container_goes_though_nobody_asks() -> None:
    world = World(size=1, ttl_seconds=0.1)
    with world.run() as first:
        pass
    until(lambda: first.closed)
    assert len(world.made) == 1


def test_a_broken_container_is_replaced_and_its_other_runs_end() -> None:
    world = World(size=1, slots=2)
    one, two = world.take(), world.take()
    world.pool.release(one, broken=True)
    assert not two.container.closed
    later = ThreadPoolExecutor(1).submit(world.take)
    world.pool.release(two)
    assert later.result(PATIENCE).container is not one.container
    assert one.container.closed


def test_first_come_first_served() -> None:
    world = World(size=1)
    lease = world.take()
    order: list[int] = []

    def queue_up(i: int) -> None:
        with world.run():
            order.append(i)

    threads = []
    for i in range(20):
        threads.append(threading.Thread(target=queue_up, args=(i,)))
        threads[-1].start()
        until(lambda: len(world.pool._shelves["a"].waiters) == len(threads))
    world.pool.release(lease)
    for thread in threads:
        thread.join(PATIENCE)
    assert order == list(range(20))


def test_another_key_gets_room() -> None:
    """an idle container goes for it; else the next one whose run ends, though others wait for it"""
    world = World(size=1)
    with world.run("a") as first:
        pass
    with world.run("b") as second:
        assert (first.closed, second.key) == (True, "b")
        executor = ThreadPoolExecutor(2)
        a = executor.submit(world.take, "a")
        until(lambda: bool(world.pool._shelves["a"].waiters))
        b = executor.submit(world.take, "b")
        until(lambda: bool(world.pool._shelves["b"].waiters))
    lease = a.result(PATIENCE)
    assert not b.done()
    world.pool.release(lease)
    assert b.result(PATIENCE).container.key == "b"


def test_a_start_that_fails_is_told_to_all_who_wait() -> None:
    world = World(size=2)
    world.error = OSError("no daemon")
    world.gate.clear()
    executor = ThreadPoolExecutor(8)
    futures = [executor.submit(world.take) for _ in range(8)]
    until(lambda: "a" in world.pool._shelves and len(world.pool._shelves["a"].waiters) == 8)
    world.gate.set()
    for future in futures:
        with pytest.raises(OSError, match="no daemon"):
            future.result(PATIENCE)
    assert len(world.made) <= 4
    world.error = None
    with world.run():
        pass


def test_a_start_that_fails_beside_one_that_serves() -> None:
    """nobody is told: they wait for the one there is"""
    world = World(size=2)
    lease = world.take()
    world.error = OSError("no more room")
    later = ThreadPoolExecutor(1).submit(world.take)
    until(lambda: len(world.made) == 2 and not world.pool._starting)
    world.pool.release(lease)
    assert later.result(PATIENCE).container is lease.container


def test_patience_ends_while_a_container_starts() -> None:
    world = World(size=1)
    world.gate.clear()
    with pytest.raises(AcquireTimeout):
        world.take(patience=0.05)
    world.gate.set()
    with world.run() as container:  # it goes on all the same
        assert container is world.made[0]


def test_patience_does_not_end_while_an_image_is_prepared() -> None:
    world = World(size=1)
    world.gate.clear()
    with world.pool.preparing():
        later = ThreadPoolExecutor(1).submit(world.take, patience=0.05)
        time.sleep(0.2)
        assert not later.done()
        world.gate.set()
        assert later.result(PATIENCE).container is world.made[0]


def test_close_tells_those_who_wait() -> None:
    world = World(size=2)
    world.take()
    world.take()
    waiting = ThreadPoolExecutor(1).submit(world.take)
    until(lambda: bool(world.pool._shelves["a"].waiters))
    world.pool.close()
    with pytest.raises(ClosedError):
        waiting.result(PATIENCE)
    with pytest.raises(ClosedError):
        world.take()
    assert world.n_closed == 2
    world.pool.close()


def test_close_reaches_a_container_that_starts() -> None:
    world = World(size=1)
    world.gate.clear()
    waiting = ThreadPoolExecutor(1).submit(world.take)
    until(lambda: len(world.made) == 1)
    world.pool.close()
    assert world.made[0].closed
    world.gate.set()
    with pytest.raises(ClosedError):
        waiting.result(PATIENCE)


def test_asyncio() -> None:
    world = World(size=1)

    async def main() -> None:
        first = await world.pool.aacquire("a", PATIENCE)
        waiting = [asyncio.create_task(world.pool.aacquire("a", PATIENCE)) for _ in range(3)]
        with pytest.raises(AcquireTimeout):
            await world.pool.aacquire("a", 0.02)
        waiting[0].cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting[0]
        world.pool.release(first)
        second = await waiting[1]
        assert not waiting[2].done()
        world.pool.release(second)
        world.pool.release(await waiting[2])

    asyncio.run(main())
    assert len(world.made) == 1
    with world.run():
        pass


def test_200_threads_and_two_keys() -> None:
    """Never two in one slot, never more than the size, all served, and evenly."""
    world = World(size=4, slots=2, max_runs=7)
    served: Counter[int] = Counter()
    end = threading.Event()
    barrier = threading.Barrier(200)

    def work(i: int) -> None:
        barrier.wait(PATIENCE)
        while not end.is_set():
            with world.run("ab"[i % 2]) as container:
                with world.lock:
                    container.running += 1
                    world.most = max(world.most, len(world.alive))
                    assert container.running <= 2 and not container.closed
                with world.lock:
                    container.running -= 1
                served[i] += 1

    threads = [threading.Thread(target=work, args=(i,)) for i in range(200)]
    for thread in threads:
        thread.start()
    until(lambda: len(served) == 200 and min(served.values()) >= 3)
    end.set()
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive()
    assert world.most <= 4
    assert max(served.values()) <= 3 * min(served.values()) + 3
    world.pool.close()
    assert not world.alive
