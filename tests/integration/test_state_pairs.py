# SPDX-License-Identifier: MIT
"""No run sees what the one before it left. The long form is tests/full/state-pairs."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
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


ONE_PROCESS = """
import json, sys
for line in sys.stdin:
    names = {}
    exec(json.loads(line), names)
    print(json.dumps(names["result"]), flush=True)
"""


def test_the_search_finds_what_is_left(tmp_path: Path) -> None:
    """Pairs in one process, which keeps everything: each mark is found."""
    child = subprocess.Popen(
        [sys.executable, "-c", ONE_PROCESS],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
    )

    def run(code: str) -> Any:
        code = re.sub(r"PLACES = \[.*\]", 'PLACES = ["spr-mark"]', code)  # not in the host's /tmp
        code = re.sub(r"^(uuid\.uuid4 = |os\.chdir).*$", "", code, flags=re.MULTILINE)
        assert child.stdin and child.stdout
        child.stdin.write(json.dumps(code) + "\n")
        child.stdin.flush()
        return json.loads(child.stdout.readline())

    words = list(state_pairs.complaints(run, 2))
    assert child.stdin
    child.stdin.close()
    assert child.wait(timeout=10) == 0
    found = {each.partition("pair 0: ")[2].partition(":")[0] for each in words}
    assert found >= {
        *("modules", "importable", "pi", "precision", "path", "recursion", "gc", "environment"),
        *("zone", "umask", "signal", "limits", "files", "own"),
    }
    assert any("came 2 times" in each for each in words)
