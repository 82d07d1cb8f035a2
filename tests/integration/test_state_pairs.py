# SPDX-License-Identifier: MIT
"""No run sees what the one before it left. The long form is tests/full/state-pairs."""

from __future__ import annotations

from typing import Any

import pytest
import state_pairs
from safe_py_runner import LocalEngine, RunnerPolicy, run_code

N_PAIRS = 30


@pytest.mark.parametrize(
    "preload", [[], state_pairs.PRELOADS, "auto"], ids=["cold", "warm", "auto"]
)
def test_pairs(interpreter: str, preload: Any) -> None:
    policy = RunnerPolicy(blocked_imports=[], blocked_builtins=[])
    with LocalEngine(python=interpreter, preload=preload) as engine:

        def run(code: str) -> Any:
            answer = run_code(code, engine, policy=policy)
            assert answer.ok, f"{answer.error}\n{answer.stderr}"
            return answer.result

        assert state_pairs.first(5, state_pairs.complaints(run, N_PAIRS)) == []
