# SPDX-License-Identifier: MIT
"""`spr doctor`: states, level and exit status, on this machine and where it grants less.

Runs the program of the build tree (SPR_BIN, default build/spr).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from processes import PATIENCE

TESTS = Path(__file__).resolve().parents[1]
SPR = os.environ.get("SPR_BIN", str(TESTS.parent / "build" / "spr"))
PYTHON = "/usr/bin/python3"
FAILING = [sys.executable, str(TESTS / "tools/failing_calls.py")]
WITHOUT_NAMESPACES = [sys.executable, str(TESTS / "tools/without_namespaces.py")]
LANDLOCK = [
    f"landlock_{call}=EOPNOTSUPP" for call in ("create_ruleset", "add_rule", "restrict_self")
]
NAMESPACES = {
    f"{name}_namespace" for name in ("user", "pid", "mount", "net", "ipc", "uts", "cgroup")
}
LAYERS = NAMESPACES | {
    *("cgroup", "uid", "capabilities", "no_new_privs", "rlimits", "undumpable", "landlock"),
    "seccomp",
}
LEVELS = ["none", "process", "kernel", "full"]


def doctor(*arguments: str, around: list[str] | None = None, locale: str = "C.UTF-8") -> Any:
    return subprocess.run(
        [*(around or []), SPR, "doctor", "--python", PYTHON, *arguments],
        capture_output=True,
        text=True,
        timeout=120 * PATIENCE,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": locale},
    )


def report(around: list[str] | None = None) -> Any:
    """The JSON answer, after what must hold of any."""
    done = doctor("--json", around=around)
    assert done.stderr == ""
    answer = json.loads(done.stdout)
    assert done.returncode == (0 if answer["ok"] else 1)
    states = {layer["name"]: layer["state"] for layer in answer["layers"]}
    assert set(states) == LAYERS
    assert answer["run"]["ok"], answer["run"]["error"]
    assert answer["level"] == answer["run"]["level"]
    for layer in answer["layers"]:
        assert layer["protects"]
        there = layer["name"] in answer["run"]["layers"]
        assert layer["state"] == "differs" or there == (layer["state"] in ("ok", "weak"))
        assert layer["state"] in ("ok", "inapplicable") or layer["detail"]
    answer["states"] = states
    return answer


def commands(answer: Any, *names: str) -> list[str | None]:
    return [layer["advice"] for layer in answer["layers"] if layer["name"] in names]


def test_this_machine() -> None:
    answer = report()
    assert answer["kernel"] == os.uname().release
    assert answer["python"].startswith("3.")
    assert {"capabilities", "no_new_privs", "rlimits", "undumpable"} <= set(answer["run"]["layers"])
    assert (answer["states"]["uid"] == "inapplicable") == (os.geteuid() != 0)


def test_no_difference_between_probe_and_run() -> None:
    """S-22: what is granted alone, a run has; and the other way round."""
    assert "differs" not in report()["states"].values()


def test_without_namespaces() -> None:
    answer = report(WITHOUT_NAMESPACES)
    assert {answer["states"][name] for name in NAMESPACES} == {"missing"}
    assert answer["level"] in ("process", "kernel")
    assert all(commands(answer, *NAMESPACES))


@pytest.mark.parametrize(
    ("layer", "faults"), [("landlock", LANDLOCK), ("seccomp", ["seccomp=EPERM", "prctl:22=EPERM"])]
)
def test_without_a_layer_of_level_kernel(layer: str, faults: list[str]) -> None:
    answer = report([*FAILING, *faults, "--"])
    assert answer["states"][layer] == "missing"
    assert LEVELS.index(answer["level"]) < LEVELS.index("kernel")
    assert all(commands(answer, layer))
    (detail,) = [each["detail"] for each in answer["layers"] if each["name"] == layer]
    assert faults[0].partition("=")[2] in detail


def test_lines() -> None:
    done = doctor()
    assert done.stderr == ""
    assert any(line.startswith("✓ rlimits") for line in done.stdout.splitlines())
    assert "\nlevel: " in done.stdout
    assert done.stdout.isascii() is False
    plain = doctor(locale="C")
    assert plain.stdout.isascii()
    assert any(line.startswith("ok rlimits") for line in plain.stdout.splitlines())
    assert plain.returncode == done.returncode


def test_no_interpreter(tmp_path: Path) -> None:
    """The layers are shown all the same; the run is what failed."""
    broken = tmp_path / "python3"
    broken.write_bytes(b"\x7fELF no program")
    broken.chmod(0o755)
    done = subprocess.run(
        [SPR, "doctor", "--python", str(broken), "--json"], capture_output=True, text=True
    )
    answer = json.loads(done.stdout)
    assert (done.returncode, answer["ok"], answer["level"]) == (1, False, "none")
    assert str(broken) in answer["run"]["error"]
    assert {layer["state"] for layer in answer["layers"]} & {"ok"}
