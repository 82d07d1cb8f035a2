# SPDX-License-Identifier: MIT
"""The command `spr`: every option, every exit status, and what goes to which stream.

Runs the program of the build tree (SPR_BIN, default build/spr), without the Python package.
"""

from __future__ import annotations

import json
import os
import pty
import select
import shlex
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from processes import children, wait_until

ROOT = Path(__file__).resolve().parents[2]
SPR = os.environ.get("SPR_BIN", str(ROOT / "build" / "spr"))
PYTHON = "/usr/bin/python3"
REFERENCE_FIELDS = [
    "ok",
    "result",
    "stdout",
    "stderr",
    "timed_out",
    "resource_exceeded",
    "error",
    "exit_code",
]
OUR_FIELDS = ["outcome", "killed_by", "usage", "truncated", "isolation", "run_id"]
OPTIONS = [
    *("code", "input", "policy", "timeout", "memory", "cpu-seconds", "disk", "max-file"),
    *("max-processes", "allow-processes", "network", "read-only", "env", "proc"),
    *("python", "venv", "with", "script-deps", "allow-sdist", "engine", "command", "shell-hop"),
    *("policy-preset", "preload", "audit", "json", "quiet", "help"),
]
SCRIPT = """# /// script
# dependencies = ["surely-not-installed==1.0"]
# ///
result = 1
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """What every command here starts with: nothing of the caller's but PATH."""
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(tmp_path / "home"),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }


Spr = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def spr(environment: dict[str, str], tmp_path: Path) -> Spr:
    """spr(*arguments, stdin="", **environment)"""

    def spr(*arguments: str, stdin: str = "", **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [SPR, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
            env=environment | more,
            cwd=tmp_path,
        )

    return spr


@pytest.fixture
def run(spr: Spr) -> Spr:
    """The same for `spr run`, with Debian's interpreter."""

    def run(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        return spr("run", "--python", PYTHON, *arguments, **more)

    return run


@pytest.fixture
def answer(run: Spr) -> Callable[..., dict[str, Any]]:
    """The object of --json, which must be all there is on stdout."""

    def answer(*arguments: str, **more: str) -> dict[str, Any]:
        done = run("--json", *arguments, **more)
        assert done.stdout.count("\n") == 1
        value = json.loads(done.stdout)
        assert list(value)[: len(REFERENCE_FIELDS)] == REFERENCE_FIELDS
        assert set(OUR_FIELDS) <= set(value)
        assert isinstance(value, dict)
        return value

    return answer


def outcome(done: subprocess.CompletedProcess[str]) -> tuple[int, str, str]:
    return done.returncode, done.stdout, done.stderr


# --- verbs and help ---


def test_alone_it_helps(spr: Spr) -> None:
    done = spr()
    assert (done.returncode, done.stderr) == (0, "")
    assert "spr run" in done.stdout
    assert "Examples" in done.stdout


@pytest.mark.parametrize("arguments", [["help"], ["--help"], ["-h"]])
def test_help(spr: Spr, arguments: list[str]) -> None:
    assert spr(*arguments).stdout == spr().stdout


@pytest.mark.parametrize("arguments", [["help", "run"], ["run", "--help"], ["run", "-h"]])
def test_help_of_a_verb(spr: Spr, arguments: list[str]) -> None:
    done = spr(*arguments)
    assert (done.returncode, done.stderr) == (0, "")
    for option in OPTIONS:
        assert f"--{option}" in done.stdout


@pytest.mark.parametrize("arguments", [["version"], ["--version"], ["-V"]])
def test_version(spr: Spr, arguments: list[str]) -> None:
    status, stdout, stderr = outcome(spr(*arguments))
    assert (status, stderr) == (0, "")
    assert stdout.startswith("spr ")
    assert stdout.count(".") == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["rnu"], "spr: unknown verb 'rnu': did you mean 'spr run'?\n"),
        (["--hlep"], "spr: unknown option '--hlep': did you mean 'spr help'?\n"),
        (["frobnicate"], "spr: unknown verb 'frobnicate': see 'spr help'\n"),
        (["help", "rnu"], "spr: unknown verb 'rnu': did you mean 'spr run'?\n"),
        (
            ["run", "-c", "1", "--tiemout", "5"],
            "spr: unknown option '--tiemout': did you mean '--timeout'?\n",
        ),
        (["run", "-c", "1", "--nothing-like-it"], "spr: unknown option '--nothing-like-it'\n"),
        (["run", "-x"], "spr: unknown option '-x'\n"),
        (["run", "--json=1"], "spr: --json takes no value\n"),
        (["run", "-c"], "spr: --code needs a value: CODE\n"),
        (["run"], "spr: nothing to run: give FILE, -c CODE or -\n"),
    ],
)
def test_mistakes(spr: Spr, arguments: list[str], words: str) -> None:
    done = spr(*arguments)
    assert done.returncode == 2
    assert done.stderr == words
    if "--json=1" not in arguments:
        assert done.stdout == ""


def test_a_file_as_a_verb(spr: Spr, tmp_path: Path) -> None:
    (tmp_path / "job.py").write_text("result = 1")
    assert "did you mean 'spr run job.py'?" in spr("job.py").stderr


# --- code and input ---


def test_code_from_everywhere(run: Spr, tmp_path: Path) -> None:
    (tmp_path / "job.py").write_text("result = 6 * 7")
    assert outcome(run("job.py")) == (0, "42\n", "")
    assert outcome(run("-c", "result = 6 * 7")) == (0, "42\n", "")
    assert outcome(run("--code=result = 6 * 7")) == (0, "42\n", "")
    assert outcome(run("-", stdin="result = 6 * 7")) == (0, "42\n", "")
    (tmp_path / "-c").write_text("result = 1")
    assert outcome(run("--", "-c")) == (0, "1\n", "")


def test_the_result_follows_the_output(run: Spr) -> None:
    assert run("-c", "print('hi'); result = {'a': [1, None]}").stdout == 'hi\n{"a": [1, null]}\n'
    assert run("-c", "print('hi', end=''); result = 1").stdout == "hi\n1\n"
    assert run("-c", "print('hi', end='')").stdout == "hi"
    assert run("-c", "result = None").stdout == ""
    assert run("-c", "result = 'é\\n'", "--quiet").stdout in ('"é\\n"\n', '"\\u00e9\\n"\n')


def test_streams(run: Spr) -> None:
    done = run("-c", "import sys; print('out'); print('err', file=sys.stderr)")
    assert outcome(done) == (0, "out\n", "err\n")


def test_output_bytes_pass_unchanged(environment: dict[str, str]) -> None:
    code = "import sys; sys.stdout.buffer.write(bytes(range(128)) + 'é€'.encode())"
    done = subprocess.run(
        [SPR, "run", "--python", PYTHON, "-c", code], capture_output=True, env=environment
    )
    assert done.stdout == bytes(range(128)) + "é€".encode(), done.stderr


def test_names_in_tracebacks(run: Spr, tmp_path: Path) -> None:
    (tmp_path / "job.py").write_text("x = 1\ny = x / 0\n")
    stderr = run("job.py").stderr
    assert 'File "job.py", line 2' in stderr
    assert "y = x / 0" in stderr
    assert 'File "<string>", line 1' in run("-c", "1 / 0").stderr
    assert 'File "<stdin>", line 1' in run("-", stdin="1 / 0").stderr


def test_input(run: Spr, tmp_path: Path) -> None:
    (tmp_path / "data.json").write_text('{"a": 5}')
    code = "result = input_data"
    assert run("-c", code, "--input", '{"a": [1, 2]}').stdout == '{"a": [1, 2]}\n'
    assert run("-c", code, "-i", "@data.json").stdout == '{"a": 5}\n'
    assert run("-c", code, "--input=@-", stdin="[7]").stdout == "[7]\n"
    assert run("-c", code, "--input", "-7").stdout == "-7\n"
    assert run("-c", "result = a", "--input", '{"a": 5}').stdout == "5\n"
    assert run("-c", code, "--input", '{"x": NaN}').stdout == '{"x": NaN}\n'


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nothing.py"], "cannot open 'nothing.py': No such file or directory"),
        (["."], "cannot read '.': Is a directory"),
        (["-c", "1", "--input", "@nothing.json"], "cannot open 'nothing.json'"),
        (["-c", "1", "--input", "{"], "input"),
        (["-c", "1", "--input", "[1, 2"], "input"),
        (["-c", "1", "--input", "data.json"], "did you mean '@data.json'?"),
        (["-c", "1", "--input", "hello"], "--input 'hello' is not JSON"),
        (["-", "--input", "@-"], "cannot both come from standard input"),
        (["-c", "1", "data.json"], "'data.json' is too many"),
        (["-c", "1", "--policy", "nothing.toml"], "nothing.toml"),
        (["-c", "1", "--policy", "bad.toml"], "did you mean 'timeout_seconds'"),
        (["-c", "1", "--timeout", "soon"], "--timeout 'soon': not a duration"),
        (["-c", "1", "--timeout", "-1"], "--timeout '-1': not a duration"),
        (["-c", "1", "--timeout", "25h"], "timeout"),
        (["-c", "1", "--memory", "1X"], "--memory '1X': not a size"),
        (["-c", "1", "--memory", "1B"], "memory"),
        (["-c", "1", "--max-processes", "1.5"], "--max-processes '1.5': not a whole number"),
        (["-c", "1", "--max-processes", "9999"], "'max_processes' must be at most 4096"),
        (["-c", "1", "--cpu-seconds", "0"], "--cpu-seconds '0': not a duration"),
        (["-c", "1", "--disk", "1B"], "'disk_mb' must be at least 1"),
        (["-c", "1", "--max-file", "lots"], "--max-file 'lots': not a size"),
        (["-c", "1", "--network", "all"], "--network 'all': not none or host"),
        (["-c", "1", "--env", "A"], "--env 'A': not NAME=VALUE"),
        (["-c", "1", "--env", "A-B=1"], "'A-B', which is not the name of a variable"),
        (["-c", "1", "--read-only", "nothing"], "--read-only 'nothing': No such file"),
        (["-c", "1", "--read-only", "/a/../b"], "which holds '..'"),
        (["-c", "1", "--with", "pandas"], "pinned"),
        (["-c", "1", "--preload", "a b"], "cannot preload 'a b': not the name of a module"),
        (["-c", "1", "--preload", ""], "cannot preload '': not the name of a module"),
        (["-c", "1", "--venv", ".", "--with", "a==1"], "--venv is used as it is"),
    ],
)
def test_bad_arguments(spr: Spr, tmp_path: Path, arguments: list[str], words: str) -> None:
    (tmp_path / "data.json").write_text("{}")
    (tmp_path / "bad.toml").write_text("timeout_second = 1\n")
    done = spr("run", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("spr: ")
    assert words in done.stderr

    in_json = spr("run", "--json", *arguments)
    value = json.loads(in_json.stdout)
    assert in_json.returncode == 2
    assert (value["ok"], value["exit_code"], value["outcome"]) == (False, 2, "infra")
    assert words in value["error"]


# --- limits and statuses ---


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("pass", 0),
        ("raise SystemExit", 0),
        ("import sys; sys.exit(3)", 3),
        ("import sys; sys.exit(-1)", 255),
        ("1 / 0", 1),
        ("def", 1),
    ],
)
def test_status_of_the_code(run: Spr, code: str, status: int) -> None:
    done = run("-c", code)
    assert done.returncode == status
    assert "spr:" not in done.stderr


def test_timeout(run: Spr, answer: Callable[..., dict[str, Any]]) -> None:
    done = run("--timeout", "0.25s", "-c", "print('before')\nwhile True: pass")
    assert (done.returncode, done.stdout) == (124, "before\n")
    assert "spr: Execution timed out after 0.25s\n" in done.stderr
    quiet = run("--timeout", "250ms", "--quiet", "-c", "while True: pass")
    assert quiet.returncode == 124
    assert "spr:" not in quiet.stderr
    value = answer("--timeout", "0.25", "-c", "while True: pass")
    assert (value["timed_out"], value["exit_code"]) == (True, 124)
    assert (value["outcome"], value["killed_by"]) == ("timeout", "timeout")


def test_memory(run: Spr, answer: Callable[..., dict[str, Any]]) -> None:
    code = "x = bytearray(200 << 20)\nfor i in range(0, len(x), 4096): x[i] = 1"
    done = run("--memory", "64M", "-c", code)
    assert done.returncode == 137
    assert "spr: Memory limit exceeded\n" in done.stderr
    assert run("--memory", "512M", "-c", code).returncode == 0
    value = answer("--memory", "64", "-c", code)
    assert (value["resource_exceeded"], value["exit_code"]) == (True, 2)
    assert (value["outcome"], value["killed_by"]) == ("memory", "memory")


def test_policy(run: Spr, tmp_path: Path) -> None:
    (tmp_path / "strict.toml").write_text(
        'timeout_seconds = 0.2\nblocked_imports = ["math"]\nblocked_builtins = []\n'
    )
    assert "Import 'math' is blocked" in run("--policy", "strict.toml", "-c", "import math").stderr
    assert "Import 'os' is blocked" in run("-c", "import os").stderr
    loop = ["--policy", "strict.toml", "-c", "while True: pass"]
    assert "timed out after 0.2s" in run(*loop).stderr
    assert "timed out after 0.1s" in run("--timeout", "0.1s", *loop).stderr  # it overrides


def test_policy_options(run: Spr, tmp_path: Path) -> None:
    """They override the file, or add to it."""
    (tmp_path / "policy.toml").write_text(
        'max_file_mb = 1\nenv = {A = "1", B = "2"}\ncpu_seconds = 60\n'
    )
    free = ["--policy", "policy.toml"]
    shown = run(*free, "--env", "B=x=y", "-c", "import os\nprint(os.getenv('A'), os.getenv('B'))")
    assert shown.stdout == "1 x=y\n", shown.stderr
    write = "open('/tmp/f', 'wb').write(bytes(2 << 20))"
    assert "File too large" in run(*free, "-c", write).stderr
    assert run(*free, "--max-file", "4M", "-c", write).returncode == 0
    loop = run(*free, "--cpu-seconds", "0.2", "--json", "-c", "while True: pass")
    assert loop.returncode == 124
    assert json.loads(loop.stdout)["killed_by"] == "cpu"
    fork = "import os\npid = os.fork()\npid or os._exit(0)\nos.waitpid(pid, 0)"
    assert run(*free, "-c", fork).returncode == 1
    assert run(*free, "--allow-processes", "-c", fork).returncode == 0


def test_network_and_paths_in_json(run: Spr, tmp_path: Path) -> None:
    (tmp_path / "free.toml").write_text("")
    (tmp_path / "data").write_text("rows")
    for directory in [tmp_path, *tmp_path.parents][:3]:
        directory.chmod(directory.stat().st_mode | 0o055)
    code = f"result = open({str(tmp_path / 'data')!r}).read()"
    granted = ["--read-only", "data", "--network", "host"]
    done = run("--policy", "free.toml", *granted, "--json", "-c", code)
    value = json.loads(done.stdout)
    assert value["result"] == "rows", value["error"]
    assert value["isolation"]["network"] == "host"


def test_crash(answer: Callable[..., dict[str, Any]], run: Spr, tmp_path: Path) -> None:
    (tmp_path / "free.toml").write_text("")
    arguments = ["--policy", "free.toml", "-c", "import os; os.abort()"]
    assert run(*arguments).returncode == 128 + signal.SIGABRT
    value = answer(*arguments)
    assert (value["ok"], value["outcome"]) == (False, "crash")


def test_interpreter_not_found(spr: Spr, tmp_path: Path) -> None:
    (tmp_path / "not-python").write_text("#!/bin/sh\nexit 0\n")
    (tmp_path / "not-python").chmod(0o755)
    for arguments in (
        ["--python", "/nonexistent/python3"],
        ["--python", "python9"],
        ["--python", "./not-python"],
        ["--venv", str(tmp_path)],
    ):
        done = spr("run", "--json", "-c", "1", *arguments)
        assert done.returncode == 127, arguments
        assert json.loads(done.stdout)["exit_code"] == 127
        assert done.stderr.startswith("spr: ")


def test_our_failure(environment: dict[str, str], tmp_path: Path) -> None:
    """No agent where this copy of the program looks for one."""
    lonely = tmp_path / "bin" / "spr"
    lonely.parent.mkdir()
    lonely.write_bytes(Path(SPR).read_bytes())
    lonely.chmod(0o755)
    (lonely.parent / "spr-agent").write_text("#!/bin/sh\nexit 3\n")
    (lonely.parent / "spr-agent").chmod(0o755)
    done = subprocess.run(
        [lonely, "run", "--json", "--python", PYTHON, "-c", "1"],
        capture_output=True,
        text=True,
        env=environment,
        timeout=60,
    )
    assert done.returncode == 125
    assert json.loads(done.stdout)["outcome"] == "infra"
    assert done.stderr.startswith("spr: ")


# --- interpreters and environments ---


def test_default_interpreter(spr: Spr, tmp_path: Path) -> None:
    code = "import sys; result = sys.prefix"
    assert json.loads(spr("run", "-c", code).stdout) == "/usr"
    subprocess.run([PYTHON, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    prefix = str(tmp_path / "venv")
    assert json.loads(spr("run", "-c", code, VIRTUAL_ENV=prefix).stdout) == prefix
    assert json.loads(spr("run", "-c", code, "--venv", "venv").stdout) == prefix
    assert json.loads(spr("run", "-c", code, "--python", "venv/bin/python3").stdout) == prefix
    named = spr("run", "-c", code, "--python", "python3", VIRTUAL_ENV=prefix)
    assert json.loads(named.stdout) == "/usr"
    gone = spr("run", "-c", code, VIRTUAL_ENV="/nonexistent")
    assert gone.returncode == 127


def test_behind_a_command(spr: Spr) -> None:
    """Quoted words of the command itself, and where there is no Python, why."""
    code = "import sys; result = sys.flags.dont_write_bytecode"
    assert spr("run", "-c", code, "--command", f"{PYTHON} '-B'").stdout == "1\n"
    assert spr("run", "-c", code, "--engine", "cmd", "--command", PYTHON).returncode == 0
    hop = "sh -c 'exec sh -c \"$*\"' -"
    assert spr("run", "-c", code, "--command", f"{hop} {PYTHON}", "--shell-hop").returncode == 0
    answer = json.loads(spr("run", "-c", code, "--command", PYTHON, "--json").stdout)
    assert answer["isolation"]["where"] in ("remote", "container")
    lost = spr("run", "-c", code, "--command", "sh -c 'echo >&2 no route; exit 1'")
    assert lost.returncode == 125
    assert "ended before a Python answered: no route" in lost.stderr
    wrong = spr("run", "-c", code, "--command", PYTHON, "--venv", "x")
    assert wrong.returncode == 2
    assert "--venv" in wrong.stderr


def test_preload(run: Spr, spr: Spr) -> None:
    code = "import sys; result = 'colorsys' in sys.modules"
    assert run("-c", code).stdout == "false\n"
    assert run("-c", code, "--preload", "statistics", "--preload", "colorsys").stdout == "true\n"
    assert run("-c", code, "--preload", "auto").stdout == "false\n"
    lost = spr("run", "-c", code, "--preload", "json", "--preload", "nothing_like_it")
    assert lost.returncode == 125
    assert "cannot preload 'nothing_like_it'" in lost.stderr


def test_script_metadata_is_refused(spr: Spr, tmp_path: Path) -> None:
    (tmp_path / "a job.py").write_text(SCRIPT)
    done = spr("run", "a job.py", "--input", "{}")
    command = shlex.join([SPR, "run", "--script-deps", "a job.py", "--input", "{}"])
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "spr: 'a job.py' asks for packages that '/usr/bin/python3' lacks: "
        "surely-not-installed==1.0\n"
        f"spr: to allow it, type: {command}\n"
    )
    value = json.loads(spr("run", "--json", "a job.py").stdout)
    assert "surely-not-installed==1.0" in value["error"]


def test_script_metadata_that_is_met(spr: Spr) -> None:
    code = '# /// script\n# requires-python = ">=3.9"\n# dependencies = []\n# ///\nresult = 1'
    assert outcome(spr("run", "-", stdin=code)) == (0, "1\n", "")
    assert outcome(spr("run", "-", "--script-deps", stdin=code)) == (0, "1\n", "")


def test_script_metadata_wants_another_python(spr: Spr) -> None:
    code = '# /// script\n# requires-python = ">=3.99"\n# ///\nresult = 1'
    done = spr("run", "-", stdin=code)
    assert done.returncode == 2
    assert "python>=3.99" in done.stderr
    assert "--script-deps" not in done.stderr


def test_script_metadata_that_is_broken(spr: Spr) -> None:
    code = "# /// script\n# dependencies = [\n# ///\nresult = 1"
    assert spr("run", "-", stdin=code).returncode == 2


def test_with_packages(spr: Spr, environment: dict[str, str], tmp_path: Path) -> None:
    """From a local index of one wheel, so that no network is needed."""
    index = make_wheel(tmp_path / "index", "sprtestpackage", "1.0", "answer = 42")
    offline = {"UV_FIND_LINKS": index, "UV_NO_INDEX": "1", "PIP_FIND_LINKS": index}
    offline |= {"PIP_NO_INDEX": "1", "UV_OFFLINE": "1"}
    code = "import sprtestpackage; result = sprtestpackage.answer"
    arguments = ["run", "--with", "sprtestpackage==1.0", "-c", code]
    first = spr(*arguments, **offline)
    assert (first.returncode, first.stdout) == (0, "42\n"), first.stderr
    assert all(line.startswith("spr: ") for line in first.stderr.splitlines())
    again = spr(*arguments, **offline)
    assert outcome(again) == (0, "42\n", "")  # cached, and silent
    assert (Path(environment["XDG_CACHE_HOME"]) / "safe-py-runner" / "envs").is_dir()

    script = tmp_path / "job.py"
    script.write_text(f'# /// script\n# dependencies = ["sprtestpackage>=1"]\n# ///\n{code}\n')
    assert spr("run", "job.py", **offline).returncode == 2
    assert spr("run", "job.py", "--script-deps", "--quiet", **offline).stdout == "42\n"
    assert spr("run", "job.py", "--with", "sprtestpackage==1.0", **offline).stdout == "42\n"

    lost = spr("run", "--with", "sprtestpackage==9.9", "-c", "1", "--quiet", **offline)
    assert lost.returncode == 125
    assert "sprtestpackage" in lost.stderr


def make_wheel(directory: Path, name: str, version: str, code: str) -> str:
    """A pure wheel of one module; returns the directory, for --find-links."""
    import zipfile

    directory.mkdir()
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": code,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(directory / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)
    return str(directory)


# --- --json ---


def test_json(answer: Callable[..., dict[str, Any]]) -> None:
    value = answer("-c", "import sys; print('a'); print('b', file=sys.stderr); result = [1]")
    assert {name: value[name] for name in REFERENCE_FIELDS} == {
        "ok": True,
        "result": [1],
        "stdout": "a\n",
        "stderr": "b\n",
        "timed_out": False,
        "resource_exceeded": False,
        "error": None,
        "exit_code": 0,
    }
    assert (value["outcome"], value["killed_by"]) == ("ok", None)
    assert {"wall_ms", "cpu_ms", "peak_memory_bytes"} <= set(value["usage"])
    assert value["truncated"] == {"stdout": False, "stderr": False}
    assert value["isolation"]["level"] in ("full", "kernel", "process", "none")
    assert all(isinstance(layer, str) for layer in value["isolation"]["layers"])
    assert (value["isolation"]["network"], value["isolation"]["where"]) == ("none", "host")
    assert isinstance(value["run_id"], int)
    assert "result_lossy" not in value


def test_json_of_what_is_not_finite(answer: Callable[..., dict[str, Any]]) -> None:
    value = answer("-c", "result = [float('nan'), float('-inf'), 2**100]")
    assert value["result"] == [None, None, 2**100]
    assert value["result_lossy"] is True


def test_json_and_a_raw_result(run: Spr) -> None:
    assert run("-c", "result = float('nan')").stdout == "NaN\n"


def test_json_before_a_run_has_the_same_shape(
    answer: Callable[..., dict[str, Any]],
) -> None:
    ran = answer("-c", "result = 1")
    did_not = answer("nothing.py")
    assert list(ran) == list(did_not)
    for name in ("usage", "truncated", "isolation"):
        assert list(ran[name]) == list(did_not[name])


# --- long output ---


def test_truncation(run: Spr, answer: Callable[..., dict[str, Any]]) -> None:
    code = "for i in range(100000): print(f'line {i:06}')"
    done = run("-c", code)
    assert done.returncode == 0
    assert done.stdout.startswith("line 000000\n")
    assert len(done.stdout) == 128 * 1024
    note, tail = done.stderr.split("\n", 1)
    assert note.startswith("spr: stdout was cut: of 1.1 MiB the first 128 KiB are kept")
    assert tail.endswith("line 099999\n")
    assert run("--quiet", "-c", code).stderr == ""
    value = answer("-c", code)
    assert value["truncated"] == {"stdout": True, "stderr": False}
    assert value["stdout_tail"].endswith("line 099999\n")


# --- pipes, signals, terminals ---


def test_broken_pipe(environment: dict[str, str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [SPR, "run", "--python", PYTHON, "-c", "print('x' * 100000)"],
        stdout=writer,
        stderr=subprocess.PIPE,
        env=environment,
        restore_signals=False,
    )
    os.close(writer)
    assert done.returncode in (141, -signal.SIGPIPE)
    assert done.stderr == b""


def test_full_disk(environment: dict[str, str]) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [SPR, "run", "--python", PYTHON, "-c", "result = 1"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
    assert done.returncode == 125
    assert done.stderr.startswith("spr: cannot write to standard output: ")


def interruptible() -> None:
    """A background job of a shell ignores SIGINT, and so would all that it starts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize(
    ("number", "status"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)],
)
def test_interrupted(environment: dict[str, str], number: int, status: int) -> None:
    """Ctrl-C ends it within 200 ms, with what was printed so far, and leaves nothing behind."""
    code = "print('before', flush=True)\nwhile True: pass"
    with subprocess.Popen(
        [SPR, "run", "--python", PYTHON, "--timeout", "60", "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        preexec_fn=interruptible,
    ) as process:
        assert wait_until(lambda: spins(process.pid), 20)
        offspring = descendants(process.pid)
        process.send_signal(number)
        started = time.monotonic()
        process.wait(10)
        took = time.monotonic() - started
        stdout, stderr = process.communicate()
    assert process.returncode == status, stderr
    assert took < 0.2
    assert stdout == "before\n"
    assert "Traceback" not in stderr
    assert wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in offspring), 2)


def test_interrupted_in_json(environment: dict[str, str]) -> None:
    with subprocess.Popen(
        [SPR, "run", "--json", "--python", PYTHON, "--timeout", "60", "-c", "while True: pass"],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
        preexec_fn=interruptible,
    ) as process:
        assert wait_until(lambda: spins(process.pid), 20)
        process.send_signal(signal.SIGINT)
        value = json.loads(process.communicate(timeout=10)[0])
    assert process.returncode == 130
    assert (value["ok"], value["outcome"], value["killed_by"]) == (False, "cancelled", "cancel")


def descendants(pid: int) -> set[int]:
    found: set[int] = set()
    waiting = [pid]
    while waiting:
        for child in children(waiting.pop()):
            if child not in found:
                found.add(child)
                waiting.append(child)
    return found


def spins(pid: int) -> bool:
    """Whether something under @pid has used 0.2 s of processor time: the loop of the code."""
    for child in descendants(pid):
        try:
            fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[11]) + int(fields[12]) >= 20:
            return True
    return False


def on_a_terminal(environment: dict[str, str], *arguments: str, **more: str) -> str:
    """What the command writes when all its streams are a terminal."""
    master, slave = pty.openpty()
    with subprocess.Popen(
        [SPR, *arguments], stdin=slave, stdout=slave, stderr=slave, env=environment | more
    ) as process:
        os.close(slave)
        written = b""
        while select.select([master], [], [], 60)[0]:
            try:
                some = os.read(master, 65536)
            except OSError:
                break
            if not some:
                break
            written += some
        process.wait(60)
    os.close(master)
    return written.decode()


def test_colour(environment: dict[str, str], spr: Spr) -> None:
    assert "\033[" in on_a_terminal(environment, "help", TERM="xterm")
    assert "\033[1;31mspr:\033[0m unknown" in on_a_terminal(environment, "rnu", TERM="xterm")
    for more in ({"TERM": "xterm", "NO_COLOR": "1"}, {"TERM": "dumb"}, {}):
        assert "\033" not in on_a_terminal(environment, "help", **more)
        assert "\033" not in on_a_terminal(environment, "rnu", **more)
    assert "\033[" in on_a_terminal(environment, "help", TERM="xterm", NO_COLOR="")
    assert "\033" not in spr("rnu", TERM="xterm").stderr
    assert "\033" not in spr("help", TERM="xterm").stdout


# --- the examples ---


def test_the_main_job(run: Spr) -> None:
    done = run(
        str(ROOT / "examples" / "report.py"),
        "--input",
        f"@{ROOT / 'examples' / 'us-employment.json'}",
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "Construction" in done.stdout
    assert json.loads(done.stdout.splitlines()[-1])["hardest_hit"] == "construction"


def test_the_main_job_with_pandas_asks_first(run: Spr) -> None:
    done = run(
        str(ROOT / "examples" / "report_pandas.py"),
        "--input",
        f"@{ROOT / 'examples' / 'seattle-weather.json'}",
    )
    assert done.returncode == 2
    assert "pandas==2.2.3" in done.stderr


def test_isolation_below_what_is_demanded(tmp_path: Path) -> None:
    """126: a host that grants no namespaces cannot reach level full, and says so."""
    policy = tmp_path / "policy.toml"
    policy.write_text('min_isolation = "full"\n')
    without = [PYTHON, str(ROOT / "tests" / "tools" / "without_namespaces.py")]
    refused = subprocess.run(
        [*without, SPR, "run", "--python", PYTHON, "--policy", str(policy), "-c", "print('ran')"],
        capture_output=True,
        text=True,
    )
    assert refused.returncode == 126
    assert refused.stdout == ""
    assert "isolation 'full' is demanded, and this host reaches only" in refused.stderr
