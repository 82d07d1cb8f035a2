# SPDX-License-Identifier: MIT
"""run_many: any number of programs, a bounded number of them in flight."""

from __future__ import annotations

import asyncio
import itertools
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from processes import PATIENCE
from safe_py_runner import (
    ClosedError,
    Job,
    LocalEngine,
    PolicyError,
    RunnerPolicy,
    RunnerResult,
    arun_code,
    run_code,
    run_many,
)

LIMIT = 4
SLEEP = "import time\ntime.sleep(input_data['s'])\nresult = input_data['s']"
LONG = RunnerPolicy(timeout_seconds=60)


class Items:
    """Counts how many were taken."""

    def __init__(self, n: int | None = None, fails_at: int = -1) -> None:
        self.taken, self.n, self.fails_at = 0, n, fails_at

    def __iter__(self) -> Iterator[Job]:
        for i in itertools.count() if self.n is None else range(self.n):
            if i == self.fails_at:
                raise LookupError("no more")
            self.taken += 1
            yield Job("result = i * 2", {"i": i}, key=f"item {i}")


def assert_quiet(engine: LocalEngine) -> None:
    assert not engine._completions._sinks


def test_1000_items(engine: LocalEngine) -> None:
    """Each once, with its own result; no more taken than are given out and in flight."""
    items, seen = Items(1000), {}
    for key, result in run_many(items, engine, max_concurrency=LIMIT):
        assert key not in seen
        seen[key] = result.result
        assert items.taken <= len(seen) + LIMIT
    assert seen == {f"item {i}": i * 2 for i in range(1000)}
    assert_quiet(engine)


def test_order_of_completion(engine: LocalEngine) -> None:
    items = [Job(SLEEP, {"s": 1.0 * PATIENCE}), Job(SLEEP, {"s": 0.0})]
    assert [key for key, _ in run_many(items, engine, max_concurrency=2)] == [1, 0]


def test_programs_and_policies(engine: LocalEngine) -> None:
    items = [
        "result = 1",
        Job("import time\nresult = 2", policy=RunnerPolicy(blocked_imports=["time"])),
        "1 / 0",
    ]
    results = dict(run_many(items, engine))
    assert results[0].result == 1
    assert results[1].outcome == "denied"
    assert results[2].error == "ZeroDivisionError: division by zero"


def test_nothing_to_do(engine: LocalEngine) -> None:
    assert list(run_many([], engine)) == []


def test_endless_items_closed_early(interpreter: str) -> None:
    """Leaving the loop ends what is in flight."""
    items = Items()
    with LocalEngine(python=interpreter, max_concurrency=LIMIT) as engine:
        results = run_many(items, engine)
        for n, (_, result) in enumerate(results, 1):
            assert result.ok
            if n == 20:
                break
        results.close()
        assert items.taken <= 20 + LIMIT
        assert_quiet(engine)


def test_close_kills(interpreter: str) -> None:
    """Within a second, and the slots are free."""
    with LocalEngine(python=interpreter, max_concurrency=LIMIT) as engine:
        items = itertools.chain([Job("result = 1")], itertools.repeat(Job(SLEEP, {"s": 50})))
        results = run_many(items, engine, policy=LONG)
        assert next(results)[1].result == 1
        begin = time.monotonic()
        results.close()
        assert time.monotonic() - begin < 1 * PATIENCE
        assert_quiet(engine)
        assert run_code("result = 2", engine).result == 2


def test_exception_of_the_items(engine: LocalEngine) -> None:
    items = Items(fails_at=30)
    with pytest.raises(LookupError, match="no more"):
        list(run_many(items, engine, max_concurrency=LIMIT))
    assert_quiet(engine)


def test_bad_item_in_the_middle(engine: LocalEngine) -> None:
    items = ["result = 1", Job("", policy=RunnerPolicy(timeout_seconds=-1))]
    with pytest.raises(PolicyError):
        list(run_many(items, engine))
    with pytest.raises(TypeError, match="code must be a str"):
        list(run_many([1], engine))  # type: ignore[list-item]
    assert_quiet(engine)


def test_bad_arguments(engine: LocalEngine) -> None:
    """Refused at the call, not at the first result."""
    with pytest.raises(ValueError, match="max_concurrency"):
        run_many([], engine, max_concurrency=0)
    with pytest.raises(TypeError, match="max_concurrency"):
        run_many([], engine, max_concurrency=True)
    with pytest.raises(TypeError, match="list of programs"):
        run_many("result = 1", engine)
    with pytest.raises(TypeError, match="execute"):
        run_many([], None)  # type: ignore[arg-type]


def test_full_queue_is_waited_for(interpreter: str) -> None:
    """An item that finds no room is kept until one of ours has completed."""
    options = {"max_concurrency": 2, "max_queue": 0}
    with LocalEngine(python=interpreter, **options) as engine, ThreadPoolExecutor(1) as pool:
        engine.start()
        other = pool.submit(run_code, SLEEP, engine, {"s": 0.5}, LONG)
        time.sleep(0.1)
        results = list(run_many([Job(SLEEP, {"s": 0.01})] * 20, engine))
        assert sorted(key for key, _ in results) == list(range(20))
        assert all(result.ok for _, result in results)
        assert other.result().ok


def test_threads_and_a_loop_beside(engine: LocalEngine) -> None:
    async def several() -> list[RunnerResult]:
        return await asyncio.gather(*(arun_code(f"result = {i}", engine) for i in range(100)))

    def many(base: int) -> list[int]:
        items = [Job(f"result = {base + i}") for i in range(100)]
        return sorted(result.result for _, result in run_many(items, engine, max_concurrency=3))

    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(many, base) for base in (0, 100, 200)]
        loop = pool.submit(asyncio.run, several())
        assert [job.result() for job in jobs] == [list(range(b, b + 100)) for b in (0, 100, 200)]
        assert [r.result for r in loop.result()] == list(range(100))
    assert_quiet(engine)


def test_close_of_the_engine(interpreter: str) -> None:
    engine = LocalEngine(python=interpreter)
    results = run_many([Job("result = 1"), Job(SLEEP, {"s": 50})], engine, policy=LONG)
    assert next(results)[1].result == 1
    threading.Timer(0.1, engine.close).start()
    with pytest.raises(ClosedError):
        next(results)


def test_fork_in_the_middle(engine: LocalEngine) -> None:
    """The runs in flight are the parent's."""
    results = run_many(Items(50), engine, max_concurrency=LIMIT)
    seen = [next(results)[0]]
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            next(results)
        except ClosedError:
            status = 0 if dict(run_many(["result = 5"], engine))[0].result == 5 else 2
        os._exit(status)
    seen += [key for key, _ in results]
    assert sorted(seen) == sorted(f"item {i}" for i in range(50))
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_an_engine_without_execute_many() -> None:
    """One after the other, as they are asked for."""

    class Plain:
        def execute(self, request: object) -> RunnerResult:
            return RunnerResult(True, result=items.taken)

    items = Items()
    results = run_many(items, Plain())
    assert [next(results)[1].result for _ in range(3)] == [1, 2, 3]
