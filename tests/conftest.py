# SPDX-License-Identifier: MIT
"""Shared by the suites that drive the installed Python package.

The package is imported from the interpreter that runs pytest (./dev test installs it there). Tests
that take `engine` run once per guest interpreter: --interpreters default is Debian's python3;
`all` adds pyenv's 3.9 to 3.13; else a comma-separated list of paths.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import dockerd
import pytest
from safe_py_runner import (
    CommandEngine,
    DockerEngine,
    LocalEngine,
    RunnerPolicy,
    RunnerResult,
    run_code,
)
from sshd import sshd

DEBIAN_PYTHON = "/usr/bin/python3"
CONTAINER_MARKS = ("/.dockerenv", "/run/.containerenv")
ENGINES = ("local", "command", "ssh", "docker")
Engine = LocalEngine | CommandEngine | DockerEngine


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--interpreters",
        default=os.environ.get("SPR_TEST_INTERPRETERS", DEBIAN_PYTHON),
        help="guest interpreters: paths separated by commas, or `all`",
    )
    parser.addoption(
        "--engine",
        choices=ENGINES,
        default=os.environ.get("SPR_TEST_ENGINE", "local"),
        help="what the fixtures `engine` and `run` stand for (default: %(default)s)",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "interpreter" in metafunc.fixturenames:
        chosen = interpreters(metafunc.config.getoption("--interpreters"))
        metafunc.parametrize("interpreter", chosen, ids=interpreter_id, scope="session")


def interpreters(choice: str) -> list[str]:
    if choice != "all":
        return choice.split(",")
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    found = [
        str(path)
        for path in sorted(pyenv.glob("versions/3.*/bin/python3"))
        if re.fullmatch(r"3\.(9|1[0-3])(\.\d+)?", path.parts[-3])
    ]
    return [DEBIAN_PYTHON, *found]


def interpreter_id(path: str) -> str:
    return "debian" if path == DEBIAN_PYTHON else Path(path).parts[-3]


@pytest.fixture(scope="session")
def engine(interpreter: str, pytestconfig: pytest.Config) -> Iterator[Engine]:
    """A warm engine for one guest interpreter."""
    with ExitStack() as stack:
        yield stack.enter_context(
            make_engine(pytestconfig.getoption("--engine"), interpreter, stack)
        )


def make_engine(kind: str, interpreter: str, stack: ExitStack) -> Engine:
    if kind == "local":
        return LocalEngine(python=interpreter)
    if kind == "command":
        return CommandEngine([interpreter])
    if kind == "docker":
        docker = stack.enter_context(dockerd.daemon())
        return DockerEngine(
            container_registry=dockerd.make_image(docker, "spr-test-compat"),
            docker_host=docker[2] if len(docker) > 2 else None,
            acquire_timeout_seconds=60,
            max_runs=1_000_000,  # none is replaced while a test counts agents
        )
    return CommandEngine([*stack.enter_context(sshd()), interpreter], shell_hop=True)


@pytest.fixture(scope="session")
def where(pytestconfig: pytest.Config) -> str:
    """What results of `engine` say of the place."""
    engine = pytestconfig.getoption("--engine")
    if engine == "local":
        return "host"
    return (
        "container" if engine == "docker" or any(map(os.path.exists, CONTAINER_MARKS)) else "remote"
    )


Run = Callable[..., RunnerResult]


@pytest.fixture
def run(engine: LocalEngine) -> Run:
    """run(code, input_data=None, **policy_fields) -> RunnerResult"""

    def run(code: str, input_data: Any = None, **fields: Any) -> RunnerResult:
        policy = RunnerPolicy(**fields) if fields else None
        return run_code(code, engine, input_data=input_data, policy=policy)

    return run


@pytest.fixture
def value(run: Run) -> Callable[..., Any]:
    """As run, for code that must succeed: returns the result itself."""

    def value(code: str, *args: Any, **fields: Any) -> Any:
        answer = run(code, *args, **fields)
        assert answer.ok, f"{answer.error}\n{answer.stderr}"
        return answer.result

    return value


@pytest.fixture
def free_run(run: Run) -> Run:
    """As run, with nothing blocked: limits and sandbox alone confine the code."""
    return partial(run, blocked_imports=[], blocked_builtins=[])
