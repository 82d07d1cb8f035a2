# SPDX-License-Identifier: MIT
"""run_code: one call, one run."""

from __future__ import annotations

import os
from dataclasses import fields
from typing import Any

from .execution.engine import ExecutionEngine
from .execution.types import ExecutionRequest, result_from_outcome
from .policy import RunnerPolicy
from .result import RunnerResult

__all__ = ["run_code"]


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
        KeyboardInterrupt: Ctrl-C; the run is killed.
    """
    if not isinstance(code, str):
        raise TypeError(f"code must be a str, not {type(code).__name__}")
    if not callable(getattr(engine, "execute", None)):
        raise TypeError(f"engine must have execute(request), {type(engine).__name__} has not")

    effective = _resolve_policy(policy, policy_file)
    request = ExecutionRequest(
        payload={
            "code": code,
            "input_data": input_data,
            "policy": _policy_payload(effective),
        },
        timeout_seconds=effective.timeout_seconds,
    )
    request.payload["input_data"] = request.input_data
    return result_from_outcome(engine.execute(request), effective.timeout_seconds)


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
