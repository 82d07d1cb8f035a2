# SPDX-License-Identifier: MIT
"""`spr bench`: every measurement comes to an end, with figures of the promised form.

How high they are is for bench/; here a few runs each say only that they were made.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from processes import PATIENCE

ROOT = Path(__file__).resolve().parents[2]
SPR = os.environ.get("SPR_BIN", str(Path(os.environ.get("SPR_BUILD", ROOT / "build")) / "spr"))
PYTHON = "/usr/bin/python3"
TIMES = {("p50"), ("p99"), ("min")}
FIGURES = {
    "cold": TIMES,
    "hit": TIMES,
    "miss": TIMES,
    "open-loop": TIMES,
    "throughput": {f"{n} in flight" for n in (1, 2, 4)} | {f"{n}: processor" for n in (1, 2, 4)},
    "memory": {"standbys", "private, each"},
    "sleeps": {"all done"},
    "soak": {
        "p50, first tenth",
        "p50, last tenth",
        "agent grew by",
        "agent's descriptors",
        "host grew by",
    },
}
N = 4


def bench(*arguments: str) -> Any:
    return subprocess.run(
        [SPR, "bench", "--python", PYTHON, *arguments],
        capture_output=True,
        text=True,
        timeout=120 * PATIENCE,
        stdin=subprocess.DEVNULL,
    )


def report(*arguments: str) -> Any:
    done = bench("--json", "--runs", str(N), "--jobs", "4", *arguments)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return json.loads(done.stdout)


def test_everything() -> None:
    answer = report("--soak", "20")
    assert set(answer) == {"python", "level", "job", "load", "cores", "preload", "figures"}
    assert answer["python"] == PYTHON
    assert answer["cores"] == os.cpu_count()
    assert answer["level"] in ("none", "process", "kernel", "full")
    found: dict[str, set[str]] = {}
    for each in answer["figures"]:
        assert set(each) == {"measurement", "name", "unit", "value", "n", "lack"}
        assert (each["value"] is None) == (each["lack"] is not None)
        found.setdefault(each["measurement"], set()).add(each["name"])
    assert found == FIGURES
    assert list(found) == list(FIGURES)  # in this order


@pytest.mark.parametrize("name", FIGURES)
def test_one(name: str) -> None:
    answer = report("--only", name, "--soak", "20")
    assert {each["measurement"] for each in answer["figures"]} >= {name}


def test_few_runs_have_no_p99() -> None:
    figures = {each["name"]: each for each in report("--only", "hit")["figures"]}
    assert figures["p50"]["n"] == N
    assert figures["p50"]["value"] > 0
    assert figures["p99"]["value"] is None
    assert "fewer" in figures["p99"]["lack"]


def test_so_many_standbys() -> None:
    figures = {
        each["name"]: each for each in report("--only", "memory", "--standbys", "3")["figures"]
    }
    assert figures["standbys"]["value"] == 3


def test_nothing_grows() -> None:
    arguments = ("--only", "soak", "--soak", "60", "--standbys", "2")
    figures = {each["name"]: each for each in report(*arguments)["figures"]}
    assert figures["agent's descriptors"]["value"] in (0, None), figures  # None: not to be seen
    assert figures["agent's descriptors"]["lack"] is None or os.geteuid() != 0


def test_job_of_the_user() -> None:
    answer = report("--only", "hit", "--code", "import json\nresult = input_data", "--input", "[1]")
    assert answer["job"] == "import json\nresult = input_data"


def test_preload() -> None:
    answer = report("--only", "hit", "--preload", "decimal", "--preload", "fractions")
    assert answer["preload"] == ["decimal", "fractions"]


def test_memory_of_others_is_not_a_number() -> None:
    """Standbys are not dumpable: an ordinary user is told so."""
    private = report("--only", "memory")["figures"][1]
    if private["value"] is None:
        assert private["lack"].startswith(("not readable", "there is no standby"))
    else:
        assert private["value"] > 0
    if os.geteuid() == 0:
        assert private["value"] is not None


def test_lines() -> None:
    done = bench("--only", "hit", "--runs", str(N))
    assert done.returncode == 0
    assert done.stdout.startswith("hit         p50")
    assert f"{PYTHON}, isolation" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["--code", "1 / 0"], 125, "the job failed: ZeroDivisionError"),
        (["--input", "{"], 2, "not JSON"),
        (["--preload", "no_such_module_anywhere"], 127, "no_such_module_anywhere"),
        (["--only", "nothing"], 2, "--only 'nothing'"),
        (["--runs", "none"], 2, "--runs"),
        (["--policy", "/nowhere.toml"], 2, "/nowhere.toml"),
    ],
)
def test_what_cannot_be_measured(arguments: list[str], status: int, words: str) -> None:
    done = bench("--runs", str(N), *arguments)
    assert done.returncode == status, done.stderr
    assert words in done.stderr
    assert done.stderr.startswith("spr: ")
