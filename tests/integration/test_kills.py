# SPDX-License-Identifier: MIT
"""kill -9 in mid-run: an answer within 1 s, nothing left of the run, and the next one works."""

from __future__ import annotations

from functools import partial

import pytest
from killing import VICTIMS, strike
from safe_py_runner import LocalEngine, RunnerPolicy, RunnerResult, run_code

ROUNDS = 3
EXPECTED = {
    "worker": ("crash", 137),
    "init": ("crash", 137),
    "zygote": ("infra", 125),
    "agent": ("infra", 125),
    "stub": ("infra", 125),
}


@pytest.mark.parametrize("victim", VICTIMS)
@pytest.mark.parametrize("processes", [False, True], ids=["default", "processes"])
def test_kill_9_in_mid_run(processes: bool, victim: str, interpreter: str) -> None:
    policy = RunnerPolicy(timeout_seconds=30, blocked_imports=[], allow_processes=processes)
    with LocalEngine(python=interpreter) as engine:
        for _ in range(ROUNDS):
            blow = strike(partial(run_code, engine=engine, policy=policy), victim, processes)
            if blow is None:
                return  # no namespaces: there is no such process
            assert isinstance(blow.answer, RunnerResult)
            assert (blow.answer.outcome, blow.answer.exit_code) == EXPECTED[victim]
            assert blow.answer.error
            assert blow.seconds < 1
            assert not blow.orphans
            assert run_code("result = 2", engine).result == 2
