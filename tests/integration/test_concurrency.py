# SPDX-License-Identifier: MIT
"""Many runs at a time over one engine: limits, queue, cancellation; from threads and asyncio."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from processes import PATIENCE
from safe_py_runner import (
    BusyError,
    ClosedError,
    LocalEngine,
    RunnerPolicy,
    RunnerResult,
    arun_code,
    run_code,
)

LIMIT = 4
SLEEP = "import time\ntime.sleep({})\nresult = {}"
STAMPED = "import time\nbegin = time.monotonic()\ntime.sleep(0.005)\nresult = [{}, begin, time.monotonic()]"
LONG = RunnerPolicy(timeout_seconds=60)


@pytest.fixture
def narrow(interpreter: str) -> Iterator[LocalEngine]:
    """An engine that has four runs in progress at most."""
    with LocalEngine(python=interpreter, max_concurrency=LIMIT) as engine:
        yield engine


@pytest.fixture
def single(interpreter: str) -> Iterator[LocalEngine]:
    with LocalEngine(python=interpreter, max_concurrency=1) as engine:
        engine.start()
        yield engine


def overlap(spans: list[tuple[float, float]]) -> int:
    """How many of them there were at a time."""
    events = sorted([(begin, 1) for begin, _ in spans] + [(end, -1) for _, end in spans])
    most = now = 0
    for _, step in events:
        now += step
        most = max(most, now)
    return most


def assert_all_once(results: list[RunnerResult]) -> None:
    assert [r.error for r in results] == [None] * len(results)
    assert [r.result[0] for r in results] == list(range(len(results)))  # each its own
    assert len({r.run_id for r in results}) == len(results)
    assert 1 < overlap([(r.result[1], r.result[2]) for r in results]) <= LIMIT
    assert max(r.usage.queue_wait_ms for r in results) > min(r.usage.queue_wait_ms for r in results)


# --- limits ---


def test_200_runs_from_asyncio(narrow: LocalEngine) -> None:
    """No more at a time than max_concurrency; none lost, none doubled."""

    async def main() -> list[RunnerResult]:
        jobs = [arun_code(STAMPED.format(i), narrow, policy=LONG) for i in range(200)]
        return await asyncio.gather(*jobs)

    assert_all_once(asyncio.run(main()))


def test_200_runs_from_50_threads(narrow: LocalEngine) -> None:
    with ThreadPoolExecutor(50) as pool:
        jobs = [pool.submit(run_code, STAMPED.format(i), narrow, policy=LONG) for i in range(200)]
        assert_all_once([job.result() for job in jobs])


def test_threads_and_loops_at_once(narrow: LocalEngine) -> None:
    """Whoever takes in a result hands it to whom it belongs."""

    async def several(base: int) -> list[RunnerResult]:
        return await asyncio.gather(
            *(arun_code(STAMPED.format(base + i), narrow, policy=LONG) for i in range(40))
        )

    with ThreadPoolExecutor(12) as pool:
        loops = [pool.submit(asyncio.run, several(40 * i)) for i in range(3)]
        jobs = [
            pool.submit(run_code, STAMPED.format(120 + i), narrow, policy=LONG) for i in range(40)
        ]
        results = [result for loop in loops for result in loop.result()]
        assert_all_once(results + [job.result() for job in jobs])


FEW = """
import asyncio, resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (160, 160))
from safe_py_runner import LocalEngine, arun_code, run_many

async def main(engine):
    code = "import time; time.sleep(0.01); result = {}"
    return await asyncio.gather(*(arun_code(code.format(i), engine) for i in range(60)))

with LocalEngine(python=sys.argv[1]) as engine:
    assert [r.result for r in asyncio.run(main(engine))] == list(range(60))
    items = [f"result = {i}" for i in range(60)]
    assert sorted(r.result for _, r in run_many(items, engine, max_concurrency=50)) == list(range(60))
"""


def test_the_limit_of_the_agent_is_no_error(interpreter: str) -> None:
    """One that has descriptors for six runs: the others wait."""
    subprocess.run([sys.executable, "-c", FEW, interpreter], check=True, timeout=60 * PATIENCE)


def test_1000_concurrent_sleeps(engine: LocalEngine) -> None:
    async def main() -> list[RunnerResult]:
        return await asyncio.gather(
            *(arun_code(SLEEP.format(1, i), engine, policy=LONG) for i in range(1000))
        )

    assert [r.result for r in asyncio.run(main())] == list(range(1000))


def test_fifo(single: LocalEngine) -> None:
    """Runs start in the order in which they were submitted."""
    done: list[int] = []

    async def one(i: int) -> None:
        await arun_code("result = 1", single)
        done.append(i)

    async def main() -> None:
        await asyncio.gather(*(one(i) for i in range(50)))

    asyncio.run(main())
    assert done == list(range(50))


def test_deadline_counts_from_the_start(single: LocalEngine) -> None:
    """Time in the queue is not the run's."""

    async def main() -> list[RunnerResult]:
        policy = RunnerPolicy(timeout_seconds=1 * PATIENCE)
        return await asyncio.gather(
            *(arun_code(SLEEP.format(0.4, i), single, policy=policy) for i in range(4))
        )

    results = asyncio.run(main())
    assert [r.result for r in results] == [0, 1, 2, 3]
    assert results[3].usage.queue_wait_ms > 1100
    assert results[0].usage.queue_wait_ms < 400 * PATIENCE
    assert all(r.usage.wall_ms < 1000 * PATIENCE for r in results)


WORDS = "no slot was free for 0.2s (acquire_timeout): 1 runs at a time (max_concurrency), 0 waiting"


def test_acquire_timeout(interpreter: str) -> None:
    with LocalEngine(python=interpreter, max_concurrency=1, acquire_timeout=0.2) as engine:
        engine.start()

        async def main() -> None:
            long = asyncio.create_task(arun_code(SLEEP.format(30, 1), engine, policy=LONG))
            await asyncio.sleep(0)
            late = await arun_code("result = 2", engine)
            assert (late.outcome, late.exit_code, late.error) == ("infra", 125, WORDS)
            assert 200 <= late.usage.queue_wait_ms < 1000 * PATIENCE
            with ThreadPoolExecutor(1) as pool:  # and for a thread that waits beside it
                late = await asyncio.wrap_future(pool.submit(run_code, "result = 2", engine))
            assert late.error == WORDS
            assert not long.done()
            long.cancel()

        asyncio.run(main())
        assert run_code("result = 3", engine).result == 3


def test_acquire_timeout_for_threads_alone(interpreter: str) -> None:
    with LocalEngine(python=interpreter, max_concurrency=1, acquire_timeout=0.2) as engine:
        engine.start()
        with ThreadPoolExecutor(8) as pool:
            jobs = [
                pool.submit(run_code, SLEEP.format(2, i), engine, policy=LONG) for i in range(8)
            ]
            outcomes = sorted(job.result().outcome for job in jobs)
        assert outcomes == ["infra"] * 7 + ["ok"]


def test_full_queue(interpreter: str) -> None:
    with LocalEngine(python=interpreter, max_concurrency=1, max_queue=1) as engine:
        engine.start()

        async def main() -> None:
            waiting = [
                asyncio.create_task(arun_code(SLEEP.format(0.3, i), engine)) for i in range(2)
            ]
            await asyncio.sleep(0)
            words = "1 are in progress .max_concurrency. and 1 wait .max_queue 1."
            with pytest.raises(BusyError, match=words):
                await arun_code("result = 3", engine)
            with pytest.raises(BusyError, match=words):
                run_code("result = 3", engine)
            assert [(await task).result for task in waiting] == [0, 1]

        asyncio.run(main())


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"max_concurrency": 0}, ValueError),
        ({"max_concurrency": -1}, ValueError),
        ({"max_concurrency": 1.5}, TypeError),
        ({"max_concurrency": True}, TypeError),
        ({"max_concurrency": 2**40}, ValueError),
        ({"max_queue": -1}, ValueError),
        ({"max_queue": "1"}, TypeError),
        ({"standbys": -1}, ValueError),
        ({"standbys": 5000}, ValueError),
        ({"acquire_timeout": -0.1}, ValueError),
        ({"acquire_timeout": float("nan")}, ValueError),
        ({"acquire_timeout": "1"}, TypeError),
    ],
)
def test_bad_options(options: dict[str, object], error: type[Exception]) -> None:
    with pytest.raises(error, match=next(iter(options))):
        LocalEngine(python="/usr/bin/python3", **options)  # type: ignore[arg-type]


# --- cancellation ---


async def cancelled_in_mid_run(engine: LocalEngine, n: int) -> None:
    tasks = [
        asyncio.create_task(arun_code(SLEEP.format(60, 1), engine, policy=LONG)) for _ in range(n)
    ]
    await asyncio.sleep(0.1)
    for task in tasks:
        task.cancel()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(answer, asyncio.CancelledError) for answer in answers)


def test_cancellation_kills_the_run(single: LocalEngine) -> None:
    """The slot is free at once, in this event loop, the next one, and for threads."""
    for _ in range(3):
        asyncio.run(cancelled_in_mid_run(single, 1))
        begin = time.monotonic()
        assert run_code("result = 2", single).result == 2
        assert time.monotonic() - begin < 1 * PATIENCE


def test_cancellation_in_the_queue(single: LocalEngine) -> None:
    async def main() -> None:
        await cancelled_in_mid_run(single, 100)
        begin = time.monotonic()
        assert (await arun_code("result = 2", single)).result == 2
        assert time.monotonic() - begin < 1 * PATIENCE

    asyncio.run(main())


def test_timeout_of_the_caller(single: LocalEngine) -> None:
    async def main() -> None:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(arun_code(SLEEP.format(60, 1), single, policy=LONG), 0.1)
        assert (await arun_code("result = 2", single)).result == 2

    asyncio.run(main())


def test_nothing_is_watched_when_idle(single: LocalEngine) -> None:
    """No reader stays in an event loop, whatever happened to the runs."""

    async def main() -> None:
        await arun_code("result = 1", single)
        await cancelled_in_mid_run(single, 3)
        assert (await arun_code("result = 2", single)).result == 2
        while single._completions._sinks:
            await asyncio.sleep(0.01)
        assert not single._completions._watchers
        assert not asyncio.get_running_loop().remove_reader(single._native.fileno())

    asyncio.run(main())


# --- event loops, threads, processes ---


def test_event_loops_one_after_the_other(engine: LocalEngine) -> None:
    threads = threading.active_count()
    for i in range(5):
        assert asyncio.run(arun_code(f"result = {i}", engine)).result == i
    assert threading.active_count() == threads


def test_close_in_mid_run(interpreter: str) -> None:
    engine = LocalEngine(python=interpreter)

    async def main() -> None:
        task = asyncio.create_task(arun_code(SLEEP.format(60, 1), engine, policy=LONG))
        await asyncio.sleep(0.1)
        await asyncio.get_running_loop().run_in_executor(None, engine.close)
        with pytest.raises(ClosedError):
            await task
        with pytest.raises(ClosedError):
            await arun_code("result = 1", engine)

    asyncio.run(main())


def test_failure_to_start_is_a_result() -> None:
    with LocalEngine(python="/does/not/exist") as engine:
        results = [asyncio.run(arun_code("result = 1", engine)), run_code("result = 1", engine)]
    assert [(r.outcome, r.exit_code) for r in results] == [("infra", 125)] * 2
    assert results[0].error == results[1].error


def test_bad_arguments(engine: LocalEngine) -> None:
    with pytest.raises(TypeError, match="code must be a str"):
        asyncio.run(arun_code(1, engine))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="not both"):
        asyncio.run(arun_code("", engine, policy=LONG, policy_file="x"))


def test_an_engine_without_aexecute() -> None:
    class Plain:
        def execute(self, request: object) -> RunnerResult:
            return RunnerResult(True, result=threading.current_thread().name)

    answer = asyncio.run(arun_code("", Plain()))
    assert answer.result != threading.current_thread().name


def test_fork_with_runs_in_flight(narrow: LocalEngine) -> None:
    """The runs stay with the parent; the child runs its own, over the same descriptor's number."""

    async def child() -> bool:
        return (await arun_code("result = 7", narrow)).result == 7

    async def main() -> None:
        tasks = [
            asyncio.create_task(arun_code(SLEEP.format(0.3, i), narrow)) for i in range(2 * LIMIT)
        ]
        await asyncio.sleep(0.1)
        pid = os.fork()
        if pid == 0:
            asyncio.events._set_running_loop(None)
            os._exit(
                0 if run_code("result = 6", narrow).result == 6 and asyncio.run(child()) else 1
            )
        assert [(await task).result for task in tasks] == list(range(2 * LIMIT))
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0

    asyncio.run(main())
