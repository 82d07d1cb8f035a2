# SPDX-License-Identifier: MIT
"""`spr` on PATH, and `python -m spr` reaches the same command."""

from __future__ import annotations

import subprocess
import sys
import sysconfig

import pytest
import safe_py_runner

COMMANDS = [
    [f"{sysconfig.get_path('scripts')}/spr"],
    [sys.executable, "-m", "spr"],
    [sys.executable, "-m", "safe_py_runner"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=["spr", "-m spr", "-m safe_py_runner"])
def test_the_same_command(command: list[str]) -> None:
    """pip install gives package, spr on PATH, the agent inside the package"""
    version = subprocess.run([*command, "--version"], capture_output=True, text=True, check=True)
    assert safe_py_runner.__version__ in version.stdout

    code = "print(6 * 7)\nraise SystemExit(3)"
    ran = subprocess.run([*command, "run", "-c", code], capture_output=True, text=True)
    assert (ran.stdout, ran.returncode) == ("42\n", 3), ran.stderr
