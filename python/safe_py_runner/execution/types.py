# SPDX-License-Identifier: MIT
"""ExecutionRequest and ExecutionOutcome: what passes between run_code and an engine.

The fields are those of the reference, so that engines written for it serve here and the other way
round: a payload of plain data goes in; the code's reply, as JSON text on stdout, comes out. Our own
engines do not pass results through stdout: they set ``reply``, which is then the whole answer.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from typing import Any

from ..result import RunnerResult

__all__ = ["ExecutionOutcome", "ExecutionRequest", "result_from_outcome"]


@dataclass(slots=True)
class ExecutionRequest:
    """One run: ``payload`` holds ``code``, ``input_data`` and ``policy`` (a dict of its fields)."""

    payload: dict[str, Any]
    timeout_seconds: float

    @property
    def code(self) -> str:
        """The program's text."""
        code = self.payload.get("code", "")
        if not isinstance(code, str):
            raise TypeError(f"code must be a str, not {type(code).__name__}")
        return code

    @property
    def input_data(self) -> Any:
        """The input; None, False, 0 and empty strings and containers are ``{}``."""
        data = self.payload.get("input_data")
        if data is None:
            return {}
        if isinstance(data, (bool, int, float, str, bytes, list, tuple, dict, set)) and not data:
            return {}
        return data

    @property
    def policy(self) -> dict[str, Any]:
        """The policy's fields by name; missing ones mean the defaults of RunnerPolicy."""
        policy = self.payload.get("policy") or {}
        if not isinstance(policy, dict):
            raise TypeError(f"policy must be a dict, not {type(policy).__name__}")
        return policy


@dataclass(slots=True)
class ExecutionOutcome:
    """What an engine answers.

    Attributes:
        stdout: the reply as JSON text (an object with ok, result, stdout, stderr, error, …), or,
            where ``reply`` is set, what the code printed.
        returncode: the exit code.
        error: our failure, where there is no reply.
        reply: the whole answer; overrides the rest.
    """

    stdout: str = ""
    stderr: str = ""
    returncode: int = 0
    timed_out: bool = False
    error: str | None = None
    reply: RunnerResult | None = field(default=None)

    @classmethod
    def from_result(cls, result: RunnerResult) -> ExecutionOutcome:
        """Wrap a finished result."""
        return cls(
            stdout=result.stdout,
            stderr=result.stderr,
            returncode=result.exit_code,
            timed_out=result.timed_out,
            error=result.error,
            reply=result,
        )


_RESULT_FIELDS = tuple(f.name for f in fields(RunnerResult))


def result_from_outcome(outcome: Any, timeout_seconds: float) -> RunnerResult:
    """Read an outcome of any of the three shapes an engine may return."""
    if isinstance(outcome, RunnerResult):
        return outcome
    reply = getattr(outcome, "reply", None)
    if isinstance(reply, RunnerResult):
        return reply
    if hasattr(outcome, "ok"):
        return RunnerResult(
            **{name: getattr(outcome, name) for name in _RESULT_FIELDS if hasattr(outcome, name)}
        )
    if hasattr(outcome, "stdout") and hasattr(outcome, "returncode"):
        return _result_from_reply_text(outcome, timeout_seconds)
    raise TypeError(f"execute() must return an ExecutionOutcome, not {type(outcome).__name__}")


def _result_from_reply_text(outcome: Any, timeout_seconds: float) -> RunnerResult:
    code = int(outcome.returncode)
    stderr = str(getattr(outcome, "stderr", "") or "")
    error: str | None = getattr(outcome, "error", None)
    text = str(outcome.stdout or "").strip()

    if getattr(outcome, "timed_out", False):
        words = error or f"Execution timed out after {timeout_seconds:g}s"
        return RunnerResult(False, timed_out=True, error=words, exit_code=124)
    if error and not text:
        return RunnerResult(False, error=error, stderr=stderr, exit_code=code)
    try:
        reply = json.loads(text or "{}")
    except (ValueError, RecursionError):
        reply = None
    if not isinstance(reply, dict):
        words = "Runner returned invalid JSON"
        return RunnerResult(False, error=words, stderr=stderr, exit_code=code)

    return RunnerResult(
        ok=bool(reply.get("ok")),
        result=reply.get("result"),
        stdout=str(reply.get("stdout", "")),
        stderr=str(reply.get("stderr", "")) or stderr,
        timed_out=bool(reply.get("timed_out")),
        resource_exceeded=bool(reply.get("resource_exceeded")),
        error=reply.get("error") or error,
        exit_code=code,
    )
