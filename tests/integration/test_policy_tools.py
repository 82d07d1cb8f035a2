# SPDX-License-Identifier: MIT
"""Policies shown, explained, begun from presets, set by the environment, and their JSON Schema."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import tomllib
from safe_py_runner import LocalEngine, PolicyError, RunnerPolicy, run_code

ROOT = Path(__file__).resolve().parents[2]
SPR = os.environ.get("SPR_BIN", str(ROOT / "build" / "spr"))
PYTHON = "/usr/bin/python3"
PRESETS = ["strict", "default", "data", "judge", "open"]
CORPUS = sorted((ROOT / "tests" / "unit" / "corpus" / "policy").glob("*.toml"))
EXAMPLES = sorted((ROOT / "examples" / "policies").glob("*.toml"))
# What a schema cannot see: they are wrong in what their text is, or in what is stored of it.
NOT_FOR_A_SCHEMA = {
    *("n_timeout_tiny", "n_timeout_nan", "n_memory_float"),
    *("n_deep_brackets", "n_deep_dots", "n_deep_mixed"),
}


def spr(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SPR, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env={"PATH": "/usr/bin:/bin", "HOME": "/nowhere", **environment},
    )


@pytest.fixture(scope="module")
def validator() -> Any:
    schema = json.loads(spr("schema", "policy").stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def plain(value: Any) -> Any:
    """As JSON would have it: dates are strings."""
    return json.loads(json.dumps(value, default=str))


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_schema_and_parser_agree(validator: Any, path: Path) -> None:
    try:
        document = plain(tomllib.loads(path.read_text("utf-8").removeprefix("\ufeff")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError, ValueError):
        assert path.stem.startswith("n_") or path.stem in ("y_crlf", "y_cr")
        return
    accepted = validator.is_valid(document)
    if path.stem not in NOT_FOR_A_SCHEMA:
        assert accepted == path.stem.startswith("y_"), document


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples(validator: Any, path: Path) -> None:
    validator.validate(plain(tomllib.loads(path.read_text("utf-8"))))
    done = spr("policy", "show", "--origin", str(path))
    assert (done.returncode, done.stderr) == (0, "")
    assert f"# {path}:" in done.stdout


def test_there_are_examples() -> None:
    assert {path.stem for path in EXAMPLES} >= {"tables", "programs", "grading"}


@pytest.mark.parametrize("name", PRESETS)
def test_presets(validator: Any, name: str) -> None:
    shown = spr("policy", "show", "--policy-preset", name).stdout
    values = tomllib.loads(shown)
    validator.validate(values)
    policy = RunnerPolicy.preset(name)
    assert values == {key: getattr(policy, key) for key in values}
    assert RunnerPolicy.preset(name, timeout_seconds=1.5).timeout_seconds == 1.5
    if name == "default":
        assert policy == RunnerPolicy()


def test_no_preset() -> None:
    with pytest.raises(PolicyError, match="no preset 'dta': did you mean 'data'"):
        RunnerPolicy.preset("dta")


PROGRAMS = {
    "strict": ("import math, json\nresult = json.dumps([math.pi, len('x')])", "import os"),
    "default": ("import csv\nresult = 1", "import os"),
    "data": ("import os\nopen('x', 'w').write('1')\nresult = os.listdir('.')", "import socket"),
    "judge": ("import sys, os, socket\nexec('x = 1')\nresult = x", "breakpoint()"),
    "open": (
        "import subprocess\nresult = subprocess.run(['true']).returncode",
        "import importlib",
    ),
}


@pytest.mark.parametrize("name", PRESETS)
def test_presets_run(name: str) -> None:
    fine, refused = PROGRAMS[name]
    with LocalEngine(python=PYTHON) as engine:
        done = run_code(fine, engine, policy=RunnerPolicy.preset(name))
        assert done.ok, done.stderr
        assert not run_code(refused, engine, policy=RunnerPolicy.preset(name)).ok


def test_extends(tmp_path: Path) -> None:
    file = tmp_path / "policy.toml"
    file.write_text('extends = "data"\ntimeout_seconds = 3\n')
    policy = RunnerPolicy.from_file(file)
    assert policy.timeout_seconds == 3 and policy.memory_limit_mb == 2048
    assert policy.blocked_imports == RunnerPolicy.preset("data").blocked_imports
    file.write_text('extends = "dta"\n')
    with pytest.raises(PolicyError, match=re.escape(f"{file}:1: 'extends': no preset 'dta'")):
        RunnerPolicy.from_file(file)
    as_json = tmp_path / "policy.json"
    as_json.write_text('{"policy": {"extends": "open", "proc": false}}')
    assert RunnerPolicy.from_file(as_json).allow_processes is True


def test_layers(tmp_path: Path) -> None:
    """flag, environment, file, preset, default: the first one that speaks counts."""
    file = tmp_path / "policy.toml"
    file.write_text("timeout_seconds = 2\ndisk_mb = 2\nmax_file_mb = 2\n")
    done = spr(
        "policy", "show", "--json", "--policy", str(file), "--policy-preset", "data",
        "--timeout", "4s",
        SPR_TIMEOUT_SECONDS="3", SPR_DISK_MB="3",
    )  # fmt: skip
    answer = json.loads(done.stdout)
    keys = ["timeout_seconds", "disk_mb", "max_file_mb", "memory_limit_mb", "mode"]
    assert [answer["values"][key] for key in keys] == [4, 3, 2, 2048, "restrict"]
    assert [answer["origins"][key] for key in keys] == [
        "flag",
        "env SPR_DISK_MB",
        f"{file}:3",
        "preset data",
        "default",
    ]


def test_environment_of_a_run() -> None:
    command = ("run", "--python", PYTHON, "-c")
    assert spr(*command, "import os").returncode == 1
    assert spr(*command, "import os", SPR_BLOCKED_IMPORTS="").returncode == 0
    assert spr(*command, "while True: pass", SPR_TIMEOUT_SECONDS="0.2").returncode == 124
    assert spr(*command, "import os", "--policy-preset", "judge").returncode == 0
    wrong = spr(*command, "1", SPR_TIMEOUT_SECONDS="soon")
    assert wrong.returncode == 2
    assert "SPR_TIMEOUT_SECONDS: 'timeout_seconds' must be a number" in wrong.stderr


def test_explain() -> None:
    assert "from 1 to 1048576 MiB" in spr("policy", "explain", "memory_limit_mb").stdout
    assert spr("policy", "explain", "os.path").stdout == (
        "import os.path: blocked: blocked_imports has 'os'\n"
    )
    assert "builtin eval: missing" in spr("policy", "explain", "eval").stdout


def test_digest_is_of_what_is_shown(tmp_path: Path) -> None:
    """policy_sha256 of the audit log can be computed again."""
    import hashlib

    log = tmp_path / "audit.log"
    arguments = ("--timeout", "7s", "--policy-preset", "data")
    spr("run", "--python", PYTHON, "--audit", str(log), *arguments, "-c", "1")
    line = json.loads(log.read_text().splitlines()[1])
    shown = spr("policy", "show", "--json", *arguments).stdout
    values = re.match(r'\{"values": (.*), "origins": ', shown)
    assert values
    assert line["policy_sha256"] == hashlib.sha256(values[1].encode()).hexdigest()


LEARNED = """import json
import os.path as path
from collections import Counter
def helper(x):
    return len(str(x))
result = [helper(rows), json.dumps(sorted(Counter(rows).items())), path.basename("/a/b")]
print("done")
"""


def test_learn(tmp_path: Path) -> None:
    program, other, file = tmp_path / "a.py", tmp_path / "b.py", tmp_path / "policy.toml"
    program.write_text(LEARNED)
    other.write_text("import math\nresult = math.sqrt(max(rows))\n")
    data = ("--python", PYTHON, "--input", '{"rows": [3, 1, 3]}')
    done = spr("policy", "learn", *data, str(program), str(other))
    assert (done.returncode, done.stderr) == (0, "")
    file.write_text(done.stdout)
    learned = tomllib.loads(done.stdout)
    assert learned["mode"] == "allow"
    assert sorted(learned["allowed_imports"]) == ["collections", "json", "math", "os"]
    assert sorted(learned["allowed_builtins"]) == ["len", "max", "print", "sorted", "str"]
    assert learned["allowed_globals"] == ["rows"]
    assert f'"math", # {other}' in done.stdout
    for each in (program, other):
        assert spr("run", *data, "--policy", str(file), str(each)).returncode == 0
    stranger = tmp_path / "c.py"
    stranger.write_text("import csv")
    assert spr("run", *data, "--policy", str(file), str(stranger)).returncode == 1
    # each name that is taken away is missed
    for key in ("allowed_imports", "allowed_builtins", "allowed_globals"):
        for name in learned[key]:
            less = {**learned, key: [other for other in learned[key] if other != name]}
            file.with_suffix(".json").write_text(json.dumps(less))
            answers = [
                spr("run", *data, "--policy", str(file.with_suffix(".json")), str(each))
                for each in (program, other)
            ]
            assert any(answer.returncode for answer in answers), name


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("raise ValueError('no')", "does not pass: ValueError: no"),
        ("nowhere", "does not pass: NameError: name 'nowhere' is not defined"),
        ("import importlib", "does not pass: ImportError: Import 'importlib' is blocked"),
    ],
)
def test_learn_of_what_cannot_pass(tmp_path: Path, code: str, words: str) -> None:
    program = tmp_path / "a.py"
    program.write_text(code)
    done = spr("policy", "learn", "--python", PYTHON, str(program))
    assert done.returncode == 125 and done.stdout == ""
    assert words in done.stderr
