# SPDX-License-Identifier: MIT
"""Venvs and packages: made once, by uv or python -m venv, and usable inside."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from safe_py_runner import LocalEngine, RunnerPolicy, VenvError, run_code
from safe_py_runner.execution import local_engine

PACKAGE = "six==1.16.0"
USES_PACKAGE = "import six\nresult = six.__version__"


@pytest.fixture(scope="session")
def package_index(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Skips where the package index cannot be reached."""
    uv = shutil.which("uv", path=local_engine._search_path())
    assert uv, "no uv in this environment"
    target = tmp_path_factory.mktemp("index")
    command = [uv, "pip", "install", "--quiet", "--no-cache", "--target", str(target), PACKAGE]
    probe = subprocess.run(command, capture_output=True, text=True, check=False)
    if probe.returncode:
        pytest.skip(f"the package index cannot be reached: {probe.stderr[-200:]}")


@pytest.mark.usefixtures("package_index")
@pytest.mark.parametrize("manager", ["uv", "python"])
def test_packages(manager: str, tmp_path: Path) -> None:
    """`uv` venvs have no pip, so `packages` with venv_manager="uv" fails: ours installs"""
    lines: list[str] = []
    venv = tmp_path / "venv"
    make = partial(LocalEngine, venv_dir=str(venv), venv_manager=manager, progress=lines.append)

    with make(packages=[PACKAGE, PACKAGE]) as engine:
        answer = run_code(USES_PACKAGE, engine)
        assert answer.result == "1.16.0", f"{answer.error}\n{answer.stderr}"
    assert (venv / "bin" / "python").exists()
    assert lines

    lines.clear()  # installed once per set
    with make(packages=[PACKAGE]) as engine:
        assert run_code(USES_PACKAGE, engine).result == "1.16.0"
    assert not any("install" in line.lower() for line in lines)


@pytest.mark.usefixtures("package_index")
def test_two_processes_at_once(tmp_path: Path) -> None:
    """Both make the same venv; both find it whole."""
    program = (
        "import sys\n"
        "from safe_py_runner import LocalEngine, run_code\n"
        f"with LocalEngine(venv_dir=sys.argv[1], packages=[{PACKAGE!r}]) as engine:\n"
        f"    print(run_code({USES_PACKAGE!r}, engine).result)\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "venv")]
    pair = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert [process.communicate(timeout=120)[0] for process in pair] == ["1.16.0\n"] * 2


@pytest.mark.usefixtures("package_index")
def test_a_package_that_does_not_exist(tmp_path: Path) -> None:
    """The error names it; a later attempt with another set succeeds."""
    venv = str(tmp_path / "venv")
    absent = "six==0.0.0.dev999999"
    with pytest.raises(VenvError, match="six"):
        LocalEngine(venv_dir=venv, packages=[absent])
    with LocalEngine(venv_dir=venv, packages=[PACKAGE]) as engine:
        assert run_code(USES_PACKAGE, engine).result == "1.16.0"


def test_uv_absent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """uv absent: an error that names the remedy (a RuntimeError, as the reference raises)"""
    monkeypatch.setattr(local_engine, "_search_path", lambda: str(tmp_path))
    with pytest.raises(RuntimeError, match="uv"):
        LocalEngine(venv_dir=str(tmp_path / "venv"), venv_manager="uv")


@pytest.fixture(scope="session")
def numpy_venv(
    interpreter: str, tmp_path_factory: pytest.TempPathFactory, package_index: None
) -> Path:
    """A venv with numpy, made once for each guest interpreter."""
    minor = subprocess.check_output(
        [interpreter, "-c", "import sys; print(sys.version_info[1])"], text=True
    )
    version = "2.0.2" if int(minor) < 13 else "2.1.3"
    directory = tmp_path_factory.mktemp("numpy") / "venv"
    LocalEngine(venv_dir=directory, python=interpreter, packages=[f"numpy=={version}"]).close()
    return directory


@pytest.fixture(scope="session")
def numpy_engine(numpy_venv: Path) -> Iterator[LocalEngine]:
    with LocalEngine(python=numpy_venv) as engine:
        yield engine


def test_numpy_at_256_mb(numpy_engine: LocalEngine) -> None:
    """RLIMIT_AS breaks numpy at 256 MB."""
    code = "import numpy\nresult = float(numpy.ones((1000, 1000)).sum())"
    policy = RunnerPolicy(memory_limit_mb=256, timeout_seconds=20)
    answer = run_code(code, numpy_engine, policy=policy)
    assert answer.result == 1e6, f"{answer.error}\n{answer.stderr}"


def test_numpy_beyond_its_memory(numpy_engine: LocalEngine) -> None:
    """Arrays count as any memory."""
    code = "import numpy\nx = numpy.ones(64 << 20)"
    policy = RunnerPolicy(memory_limit_mb=128, timeout_seconds=20)
    answer = run_code(code, numpy_engine, policy=policy)
    assert (answer.error, answer.resource_exceeded) == ("Memory limit exceeded", True)


def test_threads_of_a_preloaded_numpy(numpy_venv: Path) -> None:
    """One, unless the run's environment asks for more, as at a start with it."""
    code = (
        "import os, numpy\n"
        "x = numpy.ones((600, 600))\n"
        "for _ in range(3): x = x @ x / 600\n"
        "result = [len(os.listdir('/proc/self/task')), float(x[0, 0])]"
    )
    # /proc/self is there where the run has namespaces of its own
    free = {"blocked_imports": [], "timeout_seconds": 20, "allow_processes": True, "proc": True}
    with LocalEngine(python=numpy_venv, preload=["numpy"]) as engine:
        for n in ("1", "3", None):
            policy = RunnerPolicy(**free, env={"OMP_NUM_THREADS": n} if n else {})
            answer = run_code(code, engine, policy=policy)
            assert answer.result == [int(n or 1), 1.0], answer.error


def test_numpy_scalars_become_text_or_numbers(numpy_engine: LocalEngine) -> None:
    """through JSON with str() for what JSON lacks"""
    code = "import numpy\nresult = [numpy.float64(1.5), numpy.int64(3)]"
    answer = run_code(code, numpy_engine, policy=RunnerPolicy(timeout_seconds=20))
    assert answer.result == [1.5, "3"]
