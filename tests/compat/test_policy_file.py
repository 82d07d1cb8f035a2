# SPDX-License-Identifier: MIT
"""Policy files. Docstrings quote the contract."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from safe_py_runner import LocalEngine, PolicyError, RunnerPolicy, run_code

EMPTY_LISTS: dict[str, list[str]] = {
    f"{verb}_{what}": []
    for verb in ("allowed", "blocked")
    for what in ("imports", "builtins", "globals")
}


def load(tmp_path: Path, text: str, name: str = "policy.toml") -> RunnerPolicy:
    path = tmp_path / name
    path.write_text(text)
    return RunnerPolicy.from_file(str(path))


@pytest.mark.parametrize("header", ["", "[policy]\n"])
def test_keys_at_the_top_or_under_policy(header: str, tmp_path: Path) -> None:
    """TOML; keys at the top level or under [policy], named as the fields above"""
    policy = load(
        tmp_path,
        header + 'mode = "allow"\ntimeout_seconds = 0.5\nmemory_limit_mb = 64\n'
        'max_output_kb = 1\nallowed_imports = ["math", "json"]\n',
    )
    assert (policy.mode, policy.timeout_seconds) == ("allow", 0.5)
    assert (policy.memory_limit_mb, policy.max_output_kb) == (64, 1)
    assert policy.allowed_imports == ["math", "json"]


def test_extra_globals_in_a_file(tmp_path: Path) -> None:
    """with [policy.extra_globals]"""
    policy = load(tmp_path, '[policy.extra_globals]\nrate = 1.5\nnames = ["a", "b"]\n')
    assert policy.extra_globals == {"rate": 1.5, "names": ["a", "b"]}


def test_missing_keys(tmp_path: Path) -> None:
    """Missing keys take the defaults, except that missing list keys are *empty* in a file"""
    policy = load(tmp_path, "")
    defaults = RunnerPolicy()
    for name in ("mode", "timeout_seconds", "memory_limit_mb", "max_output_kb", "extra_globals"):
        assert getattr(policy, name) == getattr(defaults, name)
    assert {name: getattr(policy, name) for name in EMPTY_LISTS} == EMPTY_LISTS


def test_config_path_is_set(tmp_path: Path) -> None:
    policy = load(tmp_path, "")
    assert policy.config_path == str(tmp_path / "policy.toml")


def test_json_policy(tmp_path: Path) -> None:
    """The same keys as JSON."""
    policy = load(tmp_path, json.dumps({"timeout_seconds": 2, "blocked_imports": ["re"]}), "p.json")
    assert (policy.timeout_seconds, policy.blocked_imports) == (2, ["re"])


def test_missing_file(tmp_path: Path) -> None:
    """A policy file that does not exist gives silent defaults. fault: ours is an error."""
    missing = str(tmp_path / "absent.toml")
    with pytest.raises(FileNotFoundError, match=r"absent\.toml"):
        RunnerPolicy.from_file(missing)
    with pytest.raises(FileNotFoundError, match=r"absent\.toml"):
        run_code("", LocalEngine(python="/usr/bin/python3"), policy_file=missing)


# The policy's TOML accepts unknown keys and wrong types silently: ours names file, line and key.
BAD = [
    ("timeout_second = 3\n", ["timeout_second", "timeout_seconds"]),
    ("mode = 'restrict'\n\nblocked_import = []\n", [":3", "blocked_import", "blocked_imports"]),
    ("timeout_seconds = 'five'\n", ["timeout_seconds"]),
    ("timeout_seconds = -1\n", ["timeout_seconds"]),
    ("timeout_seconds = true\n", ["timeout_seconds"]),
    ("memory_limit_mb = 1e30\n", ["memory_limit_mb"]),
    ("max_output_kb = 99999999999\n", ["max_output_kb"]),
    ("blocked_imports = 'os'\n", ["blocked_imports"]),
    ("blocked_imports = ['os', 3]\n", ["blocked_imports"]),
    ("mode = 'deny'\n", ["mode"]),
    ("extra_globals = 3\n", ["extra_globals"]),
    ("this is not toml\n", []),
    ("mode = 'allow'\nmode = 'allow'\n", []),
]


@pytest.mark.parametrize(("text", "words"), BAD)
def test_bad_files_are_named(text: str, words: list[str], tmp_path: Path) -> None:
    """unknown key, wrong type, negative or absurd number → an error naming file, key, line"""
    with pytest.raises(PolicyError) as caught:
        load(tmp_path, text)
    message = str(caught.value)
    assert isinstance(caught.value, ValueError)
    for word in ["policy.toml", *words]:
        assert word in message


CASES: list[tuple[str, str, Any]] = [
    ("import os\nresult = os.sep", "", "/"),
    ("result = rate * 2", "[policy.extra_globals]\nrate = 21\n", 42),
]


@pytest.mark.parametrize(("code", "text", "expected"), CASES)
def test_run_with_a_policy_file(
    code: str, text: str, expected: Any, tmp_path: Path, engine: LocalEngine
) -> None:
    """policy_file: missing lists are empty, so nothing is blocked"""
    path = tmp_path / "policy.toml"
    path.write_text(text)
    answer = run_code(code, engine, policy_file=str(path))
    assert answer.result == expected, answer.error
    assert run_code(code, engine, policy=RunnerPolicy.from_file(path)).result == expected
