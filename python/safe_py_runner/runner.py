# SPDX-License-Identifier: MIT
"""run_code: one call, one run; arun_code: the same for asyncio; run_many: many at a time."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, fields
from typing import Any

from .execution.engine import ExecutionEngine
from .execution.types import ExecutionRequest, result_from_outcome
from .policy import RunnerPolicy
from .result import RunnerResult

__all__ = ["Job", "arun_code", "run_code", "run_many"]

Outcomes = Generator[tuple[Any, Any], None, None]
Pairs = Generator[tuple[Any, RunnerResult], None, None]


def run_code(
    code: str,
    engine: ExecutionEngine,
    input_data: Any = None,
    policy: RunnerPolicy | None = None,
    policy_file: str | os.PathLike[str] | None = None,
) -> RunnerResult:
    """Run Python code under a policy and return what became of it.

    What the code does (an exception, a timeout, too much memory) stands in the result; so does a
    failure of our own machinery, as exit code 125 and outcome ``infra``.

    Args:
        code: the program; the value of its global ``result`` at the end is the result.
        engine: a LocalEngine, or any object with ``execute(request) -> outcome``.
        input_data: the code's ``input_data``, through JSON, ``str()`` for what JSON lacks; falsy
            values become ``{}``. The keys of a dict that are identifiers become globals.
        policy: the guardrails; default ``RunnerPolicy()``.
        policy_file: the same from a file; not together with ``policy``.

    Raises:
        TypeError: an argument of a wrong type.
        ValueError: both policies, a bad policy, input that JSON cannot carry, a request beyond the
            limits of spr(1).
        FileNotFoundError: ``policy_file`` does not exist.
        ClosedError: the engine was closed.
        BusyError: as many runs wait as the engine's ``max_queue`` allows.
        KeyboardInterrupt: Ctrl-C; the run is killed.
    """
    _check_engine(engine)
    request = _request(code, input_data, _resolve_policy(policy, policy_file))
    return result_from_outcome(engine.execute(request), request.timeout_seconds)


async def arun_code(
    code: str,
    engine: ExecutionEngine,
    input_data: Any = None,
    policy: RunnerPolicy | None = None,
    policy_file: str | os.PathLike[str] | None = None,
) -> RunnerResult:
    """As :func:`run_code`, for asyncio: the event loop goes on while the code runs.

    A LocalEngine needs no thread for it and serves any number of event loops, one after the other
    or at the same time; how many runs are in progress at a time is the engine's
    ``max_concurrency``. An engine without ``aexecute(request)`` is called in a thread.

    Raises:
        asyncio.CancelledError: the task was cancelled; the run is killed. The other exceptions are
            those of :func:`run_code`.
    """
    _check_engine(engine)
    request = _request(code, input_data, _resolve_policy(policy, policy_file))
    aexecute = getattr(engine, "aexecute", None)
    if callable(aexecute):
        outcome = await aexecute(request)
    else:
        outcome = await asyncio.to_thread(engine.execute, request)
    return result_from_outcome(outcome, request.timeout_seconds)


@dataclass(slots=True)
class Job:
    """One run of :func:`run_many`.

    Attributes:
        code, input_data: as for :func:`run_code`.
        policy: the guardrails of this run; default: those of the call.
        key: what comes back with the result; default: the number of the item, from 0.
    """

    code: str
    input_data: Any = None
    policy: RunnerPolicy | None = None
    key: Any = None


def run_many(
    items: Iterable[Job | str],
    engine: ExecutionEngine,
    *,
    policy: RunnerPolicy | None = None,
    policy_file: str | os.PathLike[str] | None = None,
    max_concurrency: int | None = None,
) -> Pairs:
    """Run many programs, several at a time; an iterator over pairs of key and result, in the order
    in which they complete.

    Items are taken when there is room for them and results are given out as they come, so neither
    need fit into memory, and ``items`` may be endless. Leaving the loop (or ``close()``) kills the
    runs in flight; so does an exception that ``items`` raises, which then comes out of here.

    Example::

        jobs = (Job(code, row, key=row["id"]) for row in rows)
        for key, result in run_many(jobs, engine, max_concurrency=8):
            ...

    Args:
        items: programs, or Jobs: programs with input, policy and key.
        engine: a LocalEngine; another engine runs them one after the other.
        policy, policy_file: the guardrails of all items without their own, as for
            :func:`run_code`.
        max_concurrency: how many runs are in flight at a time, at most the engine's; default: the
            engine's, else four for each processor.

    Raises:
        TypeError, ValueError, ClosedError: as :func:`run_code`; where an item is the cause, when it
            is taken. The runs in flight are killed then.
    """
    _check_engine(engine)
    if max_concurrency is not None:
        if not isinstance(max_concurrency, int) or isinstance(max_concurrency, bool):
            words = type(max_concurrency).__name__
            raise TypeError(f"max_concurrency must be an int, not {words}")
        if max_concurrency < 1:
            raise ValueError(f"max_concurrency must be at least 1, not {max_concurrency}")
    if isinstance(items, (str, bytes, Job)):
        raise TypeError(f"items must be a list of programs or Jobs, not a {type(items).__name__}")
    requests = _requests(iter(items), _resolve_policy(policy, policy_file))
    execute_many: Callable[..., Outcomes] | None = getattr(engine, "execute_many", None)
    if callable(execute_many):
        return _results(execute_many(requests, max_concurrency))
    return _results((key, engine.execute(request)) for key, request in requests)


def _requests(items: Iterator[Job | str], policy: RunnerPolicy) -> Iterator[tuple[Any, Any]]:
    for number, item in enumerate(items):
        job = item if isinstance(item, Job) else Job(item)
        effective = policy if job.policy is None else _resolve_policy(job.policy, None)
        request = _request(job.code, job.input_data, effective)
        key = number if job.key is None else job.key
        yield (key, request.timeout_seconds), request


def _results(outcomes: Outcomes) -> Pairs:
    with contextlib.closing(outcomes):
        for (key, timeout_seconds), outcome in outcomes:
            yield key, result_from_outcome(outcome, timeout_seconds)


def _check_engine(engine: ExecutionEngine) -> None:
    if not callable(getattr(engine, "execute", None)):
        raise TypeError(f"engine must have execute(request), {type(engine).__name__} has not")


def _request(code: str, input_data: Any, policy: RunnerPolicy) -> ExecutionRequest:
    if not isinstance(code, str):
        raise TypeError(f"code must be a str, not {type(code).__name__}")
    request = ExecutionRequest(
        payload={"code": code, "input_data": input_data, "policy": _policy_payload(policy)},
        timeout_seconds=policy.timeout_seconds,
    )
    request.payload["input_data"] = request.input_data
    return request


def _resolve_policy(
    policy: RunnerPolicy | None, policy_file: str | os.PathLike[str] | None
) -> RunnerPolicy:
    if policy is not None and policy_file is not None:
        raise ValueError("Provide either 'policy' or 'policy_file', not both")
    if policy_file is not None:
        return RunnerPolicy.from_file(policy_file)
    if policy is None:
        return RunnerPolicy()
    if not isinstance(policy, RunnerPolicy):
        raise TypeError(f"policy must be a RunnerPolicy, not {type(policy).__name__}")
    if policy.config_path is not None:
        return RunnerPolicy.from_file(policy.config_path)
    return policy


_POLICY_KEYS = tuple(f.name for f in fields(RunnerPolicy) if f.name != "config_path")


def _policy_payload(policy: RunnerPolicy) -> dict[str, Any]:
    return {key: getattr(policy, key) for key in _POLICY_KEYS}
