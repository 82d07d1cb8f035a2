# SPDX-License-Identifier: MIT
"""What the code sees: globals, imports, builtins, result. Docstrings quote the contract."""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from safe_py_runner import LocalEngine, RunnerResult, run_code

Run = Callable[..., RunnerResult]
Value = Callable[..., Any]

ALLOW = {"mode": "allow", "allowed_builtins": ["globals", "print", "sorted"]}


@pytest.mark.parametrize("falsy", [None, [], 0, "", {}, False])
def test_falsy_input_is_an_empty_dict(falsy: Any, value: Value) -> None:
    """input_data (the whole input; None, [], 0, "" become {})"""
    assert value("result = [input_data, type(input_data).__name__]", falsy) == [{}, "dict"]


@pytest.mark.parametrize("data", [[1, 2], "text", 7, {"a": {"b": [None, True]}}])
def test_input_data_is_the_whole_input(data: Any, value: Value) -> None:
    """input_data (the whole input)"""
    assert value("result = input_data", data) == data


def test_input_is_json_with_str_for_the_rest(value: Value) -> None:
    """What JSON lacks arrives as str()."""
    assert value("result = path", {"path": Path("/a/b")}) == "/a/b"


def test_result_starts_as_none(value: Value) -> None:
    """result = None"""
    assert value("result = [result is None]") == [True]
    assert value("pass") is None


def test_input_keys_are_globals(value: Value) -> None:
    """each key of input_data that is an identifier, does not start with _, is not reserved"""
    data = {
        "x": 1,
        "naïve": 2,
        "not ok": 3,
        "_hidden": 4,
        "__builtins__": 5,
        "result": 6,
        "input_data": 7,
    }
    code = "result = sorted(k for k in globals() if not k.startswith('__'))"
    assert value(code, data) == ["input_data", "naïve", "result", "x"]
    assert value("result = [result, input_data['input_data'], x]", data) == [None, 7, 1]


def test_input_keys_do_not_replace_what_is_there(value: Value) -> None:
    """and is not already there"""
    assert value("result = x", {"x": "input"}, extra_globals={"x": "extra"}) == "extra"


def test_extra_globals(value: Value) -> None:
    """extra_globals"""
    extra = {"rate": 0.5, "names": ["a"]}
    assert value("result = [rate, names]", extra_globals=extra) == [0.5, ["a"]]


def test_globals_in_allow_mode(value: Value) -> None:
    """In allow mode keys and extra globals must be in allowed_globals"""
    names = value(
        "result = sorted(k for k in globals() if not k.startswith('__'))",
        {"a": 1, "b": 2},
        extra_globals={"c": 3, "d": 4},
        allowed_globals=["a", "c"],
        **ALLOW,
    )
    assert names == ["a", "c", "input_data", "result"]


def test_globals_in_restrict_mode(value: Value) -> None:
    """in restrict mode not in blocked_globals"""
    names = value(
        "result = sorted(k for k in globals() if not k.startswith('__'))",
        {"a": 1, "b": 2},
        extra_globals={"c": 3, "d": 4},
        blocked_globals=["a", "c"],
        allowed_globals=["x"],
    )
    assert names == ["b", "d", "input_data", "result"]


def test_name_is_main(run: Run) -> None:
    """a real __main__: `if __name__ == "__main__":` runs"""
    answer = run("if __name__ == '__main__':\n    result = 'ran'")
    assert answer.result == "ran"


def test_user_classes_pickle(value: Value) -> None:
    """a real __main__: user classes pickle"""
    code = """
import pickle, sys

class Point:
    def __init__(self, x):
        self.x = x

again = pickle.loads(pickle.dumps(Point(3)))
result = [again.x, type(again) is Point, sys.modules["__main__"].Point is Point]
"""
    assert value(code) == [3, True, True]


@pytest.mark.parametrize("name", ["input_data", "result", "__builtins__"])
def test_extra_globals_may_not_replace(name: str, run: Run) -> None:
    """extra_globals may replace input_data, result, __builtins__; ours: refused, named"""
    try:
        answer = run("result = 1", extra_globals={name: 3})
    except ValueError as error:
        words = str(error)
    else:
        assert not answer.ok
        words = str(answer.error)
    assert name in words


# --- modes ---


def test_restrict_mode_ignores_allowed_lists(value: Value) -> None:
    """restrict mode enforces only blocked_*"""
    lists = {"allowed_imports": ["json"], "allowed_builtins": ["len"], "allowed_globals": ["z"]}
    assert value("import math; result = [abs(-3), math.floor(x)]", {"x": 1.5}, **lists) == [3, 1]


def test_allow_mode_ignores_blocked_lists(value: Value) -> None:
    """allow mode only allowed_*"""
    code = "import json; result = len(json.dumps(x))"
    lists = {
        "mode": "allow",
        "allowed_imports": ["json"],
        "allowed_builtins": ["len"],
        "allowed_globals": ["x"],
        "blocked_imports": ["json"],
        "blocked_builtins": ["len"],
        "blocked_globals": ["x"],
    }
    assert value(code, {"x": [1]}, **lists) == 3


IMPORTS = [
    ("import os", {}, "Import 'os' is blocked by policy"),
    ("import os.path", {}, "Import 'os.path' is blocked by policy"),
    ("from os import path", {}, "Import 'os' is blocked by policy"),
    ("from os.path import join", {}, "Import 'os.path' is blocked by policy"),
    ("import socket as s", {}, "Import 'socket' is blocked by policy"),
    ('__import__("os")', {}, "Import 'os' is blocked by policy"),
    ("import xml.dom", {"blocked_imports": ["xml"]}, "Import 'xml.dom' is blocked by policy"),
    ("import os", {"mode": "allow"}, "Import 'os' is not allowed by policy"),
    ("import os.path", {"mode": "allow"}, "Import 'os.path' is not allowed by policy"),
    ("import importlib", {}, "Import 'importlib' is blocked by policy"),
    ("import importlib.util", {}, "Import 'importlib' is blocked by policy"),
    ("import importlib", {"blocked_imports": []}, "Import 'importlib' is blocked by policy"),
    (
        "import importlib.util",
        {"mode": "allow", "allowed_imports": ["importlib"]},
        "Import 'importlib' is blocked by policy",
    ),
]


@pytest.mark.parametrize(("code", "fields", "message"), IMPORTS)
def test_import_checks(code: str, fields: dict[str, Any], message: str, run: Run) -> None:
    """Messages carry the full dotted name; importlib and importlib.* are always blocked"""
    answer = run(code, **fields)
    assert not answer.ok
    assert answer.error == f"ImportError: {message}"
    assert answer.exit_code == 1


def test_blocked_import_is_an_import_error(value: Value) -> None:
    """The code may handle it as any ImportError."""
    code = "try:\n    import os\nexcept ImportError as e:\n    result = str(e)"
    assert value(code) == "Import 'os' is blocked by policy"


def test_import_inside_a_function(run: Run) -> None:
    """as the user's code imports it, wherever that is"""
    answer = run("def f():\n    import subprocess\nf()")
    assert answer.error == "ImportError: Import 'subprocess' is blocked by policy"


@pytest.mark.parametrize("module", ["tempfile", "random", "pathlib", "statistics", "decimal"])
def test_a_modules_own_imports_are_free(module: str, value: Value) -> None:
    """a module's own imports are free"""
    assert value(f"import {module}; result = {module}.__name__") == module


def test_a_modules_own_imports_are_free_in_allow_mode(value: Value) -> None:
    """a module's own imports are free"""
    code = "import csv; result = csv.__name__"
    assert value(code, mode="allow", allowed_imports=["csv"]) == "csv"


@pytest.mark.parametrize("name", ["eval", "exec", "open", "compile", "breakpoint"])
def test_filtered_builtins_are_missing(name: str, run: Run) -> None:
    """A filtered builtin is simply missing: NameError: name 'eval' is not defined"""
    answer = run(f"{name}('1')")
    assert answer.error == f"NameError: name '{name}' is not defined"


def test_builtins_in_allow_mode(run: Run) -> None:
    """allow mode: only allowed_builtins are there"""
    assert run("result = len([1])", mode="allow", allowed_builtins=["len"]).result == 1
    answer = run("print(1)", mode="allow", allowed_builtins=["len"])
    assert answer.error == "NameError: name 'print' is not defined"


# --- files ---


def test_pathlib_writes_under_the_default_policy(run: Run, value: Value) -> None:
    """pathlib.Path("/tmp/x").write_text(…) works under the default policy"""
    isolation = run("result = 1").isolation
    assert isolation is not None
    if "mount_namespace" not in isolation.layers:
        return  # /tmp is the host's there, and closed
    path = Path(f"/tmp/{uuid.uuid4()}")
    code = "import pathlib\np = pathlib.Path(path)\np.write_text('héllo')\nresult = p.read_text()"
    assert value(code, {"path": path}) == "héllo"
    assert not path.exists()


def test_a_private_work_directory(value: Value) -> None:
    """ours has a private work dir"""
    code = """
import pathlib
p = pathlib.Path("mine.txt")
seen = p.exists()
p.write_text("1")
result = [seen, str(pathlib.Path.cwd())]
"""
    assert value(code)[0] is False
    seen, directory = value(code)
    assert seen is False
    assert directory != str(Path.cwd())
    assert not Path("mine.txt").exists()


def test_host_files_do_not_exist(run: Run, tmp_path: Path) -> None:
    """host files only through read_only_paths / files"""
    secret = tmp_path / "secret.txt"
    secret.write_text("s3cret")
    tmp_path.chmod(0o755)
    secret.chmod(0o644)
    for path in (secret, Path("/etc/shadow"), Path(__file__)):
        answer = run(f"import pathlib; result = pathlib.Path({str(path)!r}).read_text()")
        assert not answer.ok
        assert "s3cret" not in answer.stderr


# --- result ---

RESULTS = [
    ("1", 1),
    ("[1, 'a', None, True, 2.5]", [1, "a", None, True, 2.5]),
    ("{'a': {'b': []}}", {"a": {"b": []}}),
    ("(1, 2)", [1, 2]),
    ("{1: 'x', None: 'y', True: 'z'}", {"1": "z", "null": "y"}),
    ("{3}", "{3}"),
    ("b'x'", "b'x'"),
    ("1 + 2j", "(1+2j)"),
    ("[Ellipsis]", ["Ellipsis"]),
    ("2**100", 2**100),
    ("'\\ud800'", "\ud800"),
    ("'h\\0i'", "h\0i"),
    ("'\\U0001f600'", "\U0001f600"),
]


@pytest.mark.parametrize(("expression", "expected"), RESULTS)
def test_result_through_json(expression: str, expected: Any, value: Value) -> None:
    """The value of the global `result` is the result, through JSON with str() for the rest"""
    assert value(f"result = {expression}") == expected


@pytest.mark.parametrize("size", [70_000, (1 << 20) - 2, 1 << 20, 3 << 20])
def test_large_results(size: int, value: Value) -> None:
    """Larger than any frame or window of the wire."""
    code = f"print('z' * 300_000)\nresult = 'y' * {size}"
    assert value(code) == "y" * size


def test_nan_and_inf_survive(value: Value) -> None:
    """Floats nan and inf survive for Python callers"""
    nan, inf, minus = value("result = [float('nan'), float('inf'), float('-inf')]")
    assert math.isnan(nan)
    assert (inf, minus) == (math.inf, -math.inf)
    assert math.isnan(value("result = x", {"x": math.nan}))


def test_printed_is_appended_to_stdout(run: Run) -> None:
    """A global `printed` is appended to stdout (kept)"""
    assert run("print('a')\nprinted = 'b'").stdout == "a\nb"
    assert run("printed = 12").stdout == "12"


def test_input_raises_eof(run: Run) -> None:
    """input() raises EOFError"""
    answer = run("input('name? ')")
    assert answer.error is not None
    assert answer.error.startswith("EOFError")
    assert answer.exit_code == 1


def test_run_code_by_keyword(engine: LocalEngine) -> None:
    """The README's own call."""
    answer = run_code(
        code="import math\nresult = math.sqrt(input_data['x'])",
        input_data={"x": 81},
        engine=engine,
    )
    assert answer.result == 9.0
