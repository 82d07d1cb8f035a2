# SPDX-License-Identifier: MIT
"""The Python API: signatures, defaults and refusals. Docstrings quote the contract."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import json
import pickle
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import safe_py_runner
from safe_py_runner import (
    DockerEngine,
    LocalEngine,
    RunnerPolicy,
    RunnerResult,
    run_code,
)
from safe_py_runner.execution.config import default_pool_settings, validate_pinned_packages
from safe_py_runner.execution.types import ExecutionOutcome, ExecutionRequest

NONE_OPTIONS = [
    "packages",
    "container_registry",
    "name",
    "pool_size",
    "max_runs",
    "ttl_seconds",
    "acquire_timeout_seconds",
    "docker_host",
    "docker_context",
    "ssh_host",
    "ssh_user",
    "ssh_port",
    "ssh_key_path",
]


def parameters(function: Any) -> dict[str, Any]:
    return {p.name: p.default for p in inspect.signature(function).parameters.values()}


class Recorder:
    """A custom engine that keeps its request and answers with what it was given."""

    def __init__(self, outcome: Any) -> None:
        self.outcome = outcome
        self.request: Any = None

    def execute(self, request: Any) -> Any:
        self.request = request
        return self.outcome


# --- signatures and data classes ---


def test_run_code_signature() -> None:
    """run_code(code, engine, input_data=None, policy=None, policy_file=None) -> RunnerResult"""
    empty = inspect.Parameter.empty
    assert list(parameters(run_code).items()) == [
        ("code", empty),
        ("engine", empty),
        ("input_data", None),
        ("policy", None),
        ("policy_file", None),
    ]


def test_engine_is_required() -> None:
    """engine is required: TypeError without it"""
    with pytest.raises(TypeError, match="engine"):
        run_code("result = 1")  # type: ignore[call-arg]


def test_runner_policy_fields() -> None:
    """RunnerPolicy: names, order and defaults; dataclass with slots"""
    policy = RunnerPolicy()
    reference = [
        ("mode", "restrict"),
        ("timeout_seconds", 5),
        ("memory_limit_mb", 256),
        ("max_output_kb", 128),
        ("allowed_imports", []),
        ("blocked_imports", ["os", "subprocess", "socket", "ctypes", "importlib"]),
        ("allowed_builtins", []),
        ("blocked_builtins", ["eval", "exec", "open", "compile", "breakpoint"]),
        ("allowed_globals", []),
        ("blocked_globals", []),
        ("extra_globals", {}),
        ("config_path", None),
    ]
    ours = [
        ("min_isolation", "kernel"),
        ("allow_processes", False),
        ("max_processes", 64),
        ("cpu_seconds", 0),
        ("max_file_mb", 128),
        ("disk_mb", 128),
        ("env", {}),
        ("read_only_paths", []),
        ("network", "none"),
        ("proc", False),
    ]

    assert list(dataclasses.asdict(policy).items()) == reference + ours
    assert not hasattr(policy, "__dict__")


def test_policy_defaults_are_not_shared() -> None:
    """Lists and dicts belong to one policy."""
    RunnerPolicy().blocked_imports.append("json")
    assert "json" not in RunnerPolicy().blocked_imports


@pytest.mark.parametrize("mode", ["deny", "", "ALLOW"])
def test_mode_outside_allow_restrict(mode: str) -> None:
    """mode outside allow/restrict -> ValueError"""
    with pytest.raises(ValueError, match="mode"):
        RunnerPolicy(mode=mode)


def test_runner_result_fields() -> None:
    """RunnerResult(ok, result=None, stdout="", … exit_code=0) in this order; extras follow"""
    names = [field.name for field in dataclasses.fields(RunnerResult)]

    assert names[:8] == [
        "ok",
        "result",
        "stdout",
        "stderr",
        "timed_out",
        "resource_exceeded",
        "error",
        "exit_code",
    ]
    extras = {"outcome", "killed_by", "usage", "truncated", "isolation", "run_id"}
    assert extras | {"stdout_tail", "stderr_tail"} == set(names[8:])


def test_runner_result_is_built_by_position() -> None:
    """The eight, by position; the extras have defaults"""
    result = RunnerResult(False, None, "out", "err", True, False, "slow", 124)
    assert (result.stdout, result.error, result.exit_code) == ("out", "slow", 124)
    assert (result.outcome, result.killed_by, result.run_id) == ("timeout", None, 0)
    assert not result.truncated


def test_runner_result_equality_is_of_the_eight() -> None:
    """A result compares by the reference's fields alone."""
    assert RunnerResult(True, 4, run_id=7) == RunnerResult(True, 4)
    assert RunnerResult(True, 4) != RunnerResult(True, 5)


def test_runner_result_pickles() -> None:
    """picklable results"""
    result = RunnerResult(True, {"a": [1.5]}, run_id=3, stdout_tail="end")
    again = pickle.loads(pickle.dumps(result))
    assert dataclasses.asdict(again) == dataclasses.asdict(result)


def test_local_engine_signature() -> None:
    """LocalEngine(*, venv_dir, venv_manager="uv", packages=None), and more after that"""
    signature = inspect.signature(LocalEngine)
    assert list(signature.parameters)[:3] == ["venv_dir", "venv_manager", "packages"]
    assert all(p.kind is p.KEYWORD_ONLY for p in signature.parameters.values())
    assert parameters(LocalEngine)["venv_manager"] == "uv"
    assert parameters(LocalEngine)["packages"] is None


def test_docker_engine_signature() -> None:
    """DockerEngine(*, packages=None, …, ssh_key_path=None), and more after that; its methods"""
    signature = inspect.signature(DockerEngine)
    options = list(parameters(DockerEngine).items())
    assert options[: len(NONE_OPTIONS)] == [(name, None) for name in NONE_OPTIONS]
    assert all(p.kind is p.KEYWORD_ONLY for p in signature.parameters.values())
    assert parameters(DockerEngine.list_containers)["all_states"] is False
    assert parameters(DockerEngine.stop_container)["timeout_seconds"] == 10
    for method in ("list_images", "kill_container", "cleanup_stale"):
        assert callable(getattr(DockerEngine, method))


def test_version() -> None:
    assert safe_py_runner.__version__.count(".") == 2


# --- policy and policy_file ---


def test_policy_and_policy_file_together(tmp_path: Path) -> None:
    """ValueError "Provide either 'policy' or 'policy_file', not both" """
    with pytest.raises(ValueError, match=r"^Provide either 'policy' or 'policy_file', not both$"):
        run_code("", Recorder(None), policy=RunnerPolicy(), policy_file=str(tmp_path / "p.toml"))


def test_config_path_wins(tmp_path: Path) -> None:
    """policy.config_path set: the file wins"""
    path = tmp_path / "policy.toml"
    path.write_text("timeout_seconds = 2\n")
    recorder = Recorder(RunnerResult(True))

    run_code("", recorder, policy=RunnerPolicy(timeout_seconds=9, config_path=str(path)))

    assert recorder.request.timeout_seconds == 2
    assert recorder.request.policy["blocked_imports"] == []


# --- arguments of the engines ---


@pytest.mark.parametrize("venv_dir", ["", "  "])
def test_empty_venv_dir(venv_dir: str) -> None:
    """LocalEngine(venv_dir=""): ValueError naming venv_dir"""
    with pytest.raises(ValueError, match="venv_dir"):
        LocalEngine(venv_dir=venv_dir)


def test_neither_venv_dir_nor_python() -> None:
    """venv_dir is required, as in the reference, unless python is given"""
    with pytest.raises(TypeError, match="venv_dir"):
        LocalEngine()


@pytest.mark.parametrize("manager", ["conda", "", "UV"])
def test_unknown_venv_manager(manager: str, tmp_path: Path) -> None:
    """venv_manager outside uv/python: ValueError"""
    with pytest.raises(ValueError, match="venv_manager"):
        LocalEngine(venv_dir=str(tmp_path), venv_manager=manager)


UNPINNED = ["numpy", "numpy>=1", "numpy==", "==1", "numpy==1 --pre", "--index-url=x==1", "a;b==1"]


@pytest.mark.parametrize("package", UNPINNED)
def test_unpinned_package(package: str, tmp_path: Path) -> None:
    """Packages must match name==version, else ValueError containing "pinned" """
    with pytest.raises(ValueError, match="pinned"):
        LocalEngine(venv_dir=str(tmp_path / "venv"), packages=[package])
    assert not (tmp_path / "venv").exists()


def test_packages_with_extras_dedupe_and_sort() -> None:
    """accept extras, pandas[excel]==2.2.2, too; deduplicated and sorted"""
    packages = ["pandas[excel]==2.2.2", " numpy==1.26.4 ", "numpy==1.26.4"]
    assert validate_pinned_packages(packages) == ["numpy==1.26.4", "pandas[excel]==2.2.2"]
    assert validate_pinned_packages(None) == []


@pytest.mark.parametrize(
    "other", [{"docker_host": "tcp://h"}, {"ssh_host": "h"}, {"ssh_user": "u"}, {"ssh_port": 22}]
)
def test_docker_context_excludes(other: dict[str, Any]) -> None:
    """docker_context with docker_host or ssh_*: ValueError"""
    message = r"^Use either docker_context or docker_host/ssh settings, not both$"
    with pytest.raises(ValueError, match=message):
        DockerEngine(docker_context="remote", **other)


@pytest.mark.parametrize("option", [{"ssh_user": "u"}, {"ssh_port": 22}, {"ssh_key_path": "/k"}])
def test_ssh_options_require_ssh_host(option: dict[str, Any]) -> None:
    """ValueError "ssh_user requires ssh_host" (and alike)"""
    with pytest.raises(ValueError, match=f"^{next(iter(option))} requires ssh_host$"):
        DockerEngine(**option)


def test_docker_is_never_a_silent_fallback() -> None:
    """ok=False, exit_code 125, error naming Docker; never a silent fallback to local"""
    answer = run_code("result = 1", DockerEngine(docker_host="unix:///nowhere/docker.sock"))
    assert (answer.ok, answer.exit_code, answer.outcome) == (False, 125, "infra")
    assert answer.error is not None
    assert "Docker" in answer.error
    assert answer.result is None


def test_default_pool_settings() -> None:
    """Pool defaults: size min(cpus, 4), 25 runs, 600 s, acquire timeout = run timeout + 2 s"""
    settings = default_pool_settings(5)
    assert 1 <= settings.pool_size <= 4
    assert (settings.max_runs, settings.ttl_seconds, settings.acquire_timeout) == (25, 600, 7)


# --- custom engines ---


def test_any_object_with_execute_is_an_engine() -> None:
    """Any object with .execute(request) -> outcome serves as an engine"""
    recorder = Recorder(RunnerResult(True, 42))
    assert run_code("result = 42", recorder, input_data={"x": 1}).result == 42
    assert recorder.request.code == "result = 42"
    assert recorder.request.input_data == {"x": 1}
    assert recorder.request.payload["policy"]["mode"] == "restrict"
    assert recorder.request.timeout_seconds == 5


def test_outcome_with_a_reply_as_json() -> None:
    """ExecutionOutcome of the reference: the reply is JSON text on stdout"""
    reply = json.dumps({"ok": True, "result": [1], "stdout": "hi\n"})
    answer = run_code("", Recorder(ExecutionOutcome(reply, "", 0, False)))
    assert answer == RunnerResult(True, [1], "hi\n")


OUTCOMES = [
    (ExecutionOutcome("", "", 124, True), (False, "Execution timed out after 5s", 124)),
    (ExecutionOutcome("", "e", 125, False, "no daemon"), (False, "no daemon", 125)),
    (ExecutionOutcome("garbage", "e", 1, False), (False, "Runner returned invalid JSON", 1)),
    (SimpleNamespace(ok=False, error="E", exit_code=3), (False, "E", 3)),
]


@pytest.mark.parametrize(("outcome", "expected"), OUTCOMES)
def test_outcomes_that_lack_the_extras(outcome: Any, expected: tuple[Any, ...]) -> None:
    """Outcomes need not know our extras."""
    answer = run_code("", Recorder(outcome))
    assert (answer.ok, answer.error, answer.exit_code) == expected


def test_execution_request_has_the_reference_fields() -> None:
    """safe_py_runner.execution.{config,types} can be imported"""
    request = ExecutionRequest(payload={"code": "x"}, timeout_seconds=3)
    assert (request.code, request.input_data, request.policy) == ("x", {}, {})


# --- mistakes of the caller ---

MISTAKES = [
    ({"code": 3}, TypeError, "code"),
    ({"engine": object()}, TypeError, "engine"),
    ({"policy": {"mode": "allow"}}, TypeError, "policy"),
    ({"input_data": {(1, 2): 3}}, TypeError, "input_data"),
    ({"policy": RunnerPolicy(timeout_seconds=-1)}, ValueError, "timeout_seconds"),
    ({"policy": RunnerPolicy(timeout_seconds=0)}, ValueError, "timeout_seconds"),
    ({"policy": RunnerPolicy(timeout_seconds=float("nan"))}, ValueError, "timeout_seconds"),
    ({"policy": RunnerPolicy(timeout_seconds=1e9)}, ValueError, "timeout_seconds"),
    ({"policy": RunnerPolicy(memory_limit_mb=-5)}, ValueError, "memory_limit_mb"),
    ({"policy": RunnerPolicy(max_output_kb=10**12)}, ValueError, "max_output_kb"),
    ({"policy": RunnerPolicy(blocked_imports="os")}, ValueError, "blocked_imports"),  # type: ignore[arg-type]
    ({"policy": RunnerPolicy(blocked_builtins=[3])}, ValueError, "blocked_builtins"),  # type: ignore[list-item]
    ({"policy": RunnerPolicy(extra_globals=[1])}, TypeError, "extra_globals"),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("arguments", "error", "word"), MISTAKES)
def test_mistakes_name_the_argument(
    arguments: dict[str, Any], error: type[Exception], word: str, engine: LocalEngine
) -> None:
    """Wrong arguments raise, and say which; the engine serves the next run."""
    with pytest.raises(error, match=word):
        run_code(**{"code": "result = 1", "engine": engine, **arguments})
    assert run_code("result = 1", engine).result == 1


@pytest.mark.parametrize("duplicate", [pickle.dumps, copy.copy, copy.deepcopy])
def test_engines_do_not_pickle(duplicate: Any, engine: LocalEngine) -> None:
    """An engine owns a running agent."""
    with pytest.raises(TypeError, match=f"a {type(engine).__name__} cannot be pickled"):
        duplicate(engine)
