# SPDX-License-Identifier: MIT
"""What run_code asks of an engine."""

from __future__ import annotations

from typing import Any, Protocol

from .types import ExecutionRequest

__all__ = ["ExecutionEngine"]


class ExecutionEngine(Protocol):
    """Anything that executes a request; no base class is needed."""

    def execute(self, request: ExecutionRequest, /) -> Any:
        """Return an ExecutionOutcome, a RunnerResult, or an object with the fields of either."""
        ...
