# SPDX-License-Identifier: MIT
"""DockerEngine and its verbs without a daemon: a script plays the docker client.

`docker run` of the script runs the interpreter of this machine. It must not be told that /tmp is
its own, so engines here have two runs at a time.
"""

from __future__ import annotations

import asyncio
import json
import os
import pickle
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from safe_py_runner import (
    ClosedError,
    DockerEngine,
    Job,
    RunnerPolicy,
    arun_code,
    run_code,
    run_many,
)
from safe_py_runner._container_verbs import is_container_verb, main, table_lines
from safe_py_runner.execution.docker_client import DockerError

RUN = """
while [ "$1" != --entrypoint ]; do shift; done
python=$2; shift 3
exec "$python" "$@"
"""
SCRIPT = """#!/bin/sh
here=$(dirname "$0")
echo "$*" >>"$here/calls"
case "$1 $2" in
{cases}
*) if [ "$1" = run ]; then {run}
   fi ;;
esac
"""


class Script:
    """The docker client of these tests: what it does, and how it was called."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.write()

    def write(self, run: str = RUN, **cases: str) -> None:
        """A case is `container_ls="echo …"`."""
        lines = [f"'{name.replace('_', ' ')}') {text} ;;" for name, text in cases.items()]
        program = self.place / "docker"
        program.write_text(SCRIPT.format(run=run, cases="\n".join(lines)))
        program.chmod(0o755)

    def calls(self, verb: str) -> list[str]:
        path = self.place / "calls"
        lines = path.read_text().splitlines() if path.exists() else []
        return [line for line in lines if line.startswith(verb)]

    def names(self) -> list[str]:
        found = (re.search(r"--name (\S+)", call) for call in self.calls("run"))
        return [match[1] for match in found if match]


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Script:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return Script(tmp_path)


@pytest.fixture
def engine(script: Script) -> Iterator[DockerEngine]:
    with DockerEngine(container_registry="img", runs_per_container=2, pool_size=1) as engine:
        yield engine


# --- runs ---


def test_runs_share_a_container(engine: DockerEngine, script: Script) -> None:
    for i in range(3):
        assert run_code(f"result = {i}", engine).result == i
    assert len(script.calls("run")) == 1
    assert script.names()[0].startswith("safe-py-runner-")


def test_other_limits_other_container(engine: DockerEngine, script: Script) -> None:
    run_code("", engine)
    run_code("", engine, policy=RunnerPolicy(memory_limit_mb=300))
    memory = [re.search(r"--memory (\S+)", call) for call in script.calls("run")]
    assert [match[1] for match in memory if match] == ["1024m", "1112m"]


def test_asyncio(engine: DockerEngine) -> None:
    async def both() -> list[Any]:
        return [r.result for r in await asyncio.gather(*(arun_code(c, engine) for c in CODES))]

    assert asyncio.run(both()) == [1, 2]


CODES = ["result = 1", "result = 2"]


def test_run_many(engine: DockerEngine) -> None:
    jobs = [Job(f"result = {i} * 2", key=i) for i in range(20)]
    assert {key: result.result for key, result in run_many(jobs, engine)} == {
        i: 2 * i for i in range(20)
    }


def test_run_many_that_is_left(engine: DockerEngine) -> None:
    jobs = (Job("while input_data['n']: pass", {"n": i}) for i in range(100))
    for _, result in run_many(jobs, engine, policy=RunnerPolicy(timeout_seconds=60)):
        assert result.ok
        break
    assert run_code("result = 5", engine).result == 5


def test_start_and_close(engine: DockerEngine, script: Script) -> None:
    engine.start()
    assert len(script.calls("run")) == 1
    engine.close()
    engine.close()
    with pytest.raises(ClosedError):
        run_code("", engine)
    label = re.search(r"--label (safe_py_runner.engine_id=\w+)", script.calls("run")[0])
    assert label and label[1] in script.calls("container ls")[-1]


def test_nothing_is_asked_of_docker_before_a_run(script: Script) -> None:
    with DockerEngine():
        pass
    assert not script.calls("")


def test_the_child_of_a_fork_has_containers_of_its_own(
    engine: DockerEngine, script: Script
) -> None:
    run_code("", engine)
    pid = os.fork()
    if pid == 0:
        answer = run_code("result = 3", engine)
        engine.close()
        os._exit(0 if answer.result == 3 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert run_code("result = 4", engine).result == 4
    assert len(set(script.names())) == 2
    ids = re.findall(r"engine_id=(\w+)", "\n".join(script.calls("run")))
    assert len(set(ids)) == 2


def test_it_does_not_pickle(engine: DockerEngine) -> None:
    with pytest.raises(TypeError, match="DockerEngine"):
        pickle.dumps(engine)


# --- what goes wrong ---

DOWN = "echo 'Cannot connect to the Docker daemon at unix:///x.sock.' >&2; exit 125"
DENIED = "echo 'permission denied while trying to connect to the Docker daemon socket' >&2; exit 1"
FAILURES = [
    (DOWN, "Docker: the daemon does not answer"),
    (DENIED, "Docker: this user may not use the daemon's socket"),
    ("echo 'unknown or invalid runtime name: x.' >&2; exit 125", "no such runtime"),
    ("exit 3", "Docker: "),
]


@pytest.mark.parametrize(("run", "words"), FAILURES)
def test_a_run_that_docker_refuses(
    run: str, words: str, engine: DockerEngine, script: Script
) -> None:
    """ok=False, exit_code 125, the cause in words; the next run works once it is mended"""
    script.write(run=run)
    answer = run_code("result = 1", engine)
    assert (answer.ok, answer.exit_code, answer.outcome) == (False, 125, "infra")
    assert answer.error and words in answer.error
    with pytest.raises(DockerError, match=re.escape(words)):
        engine.start()
    script.write()
    assert run_code("result = 1", engine).result == 1


def test_no_client(engine: DockerEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    answer = run_code("result = 1", engine)
    assert answer.exit_code == 125
    assert answer.error and answer.error.startswith("Docker: no program 'docker' on PATH; install")


ABSENT = "if [ -e $here/pulled ]; then {run} else echo 'No such image: img.' >&2; exit 125; fi"


def test_an_absent_image_is_pulled(script: Script, engine: DockerEngine) -> None:
    script.write(run=ABSENT.format(run=RUN), pull_img="touch $here/pulled")
    assert run_code("result = 1", engine).result == 1
    assert len(script.calls("pull")) == 1


def test_an_absent_image_is_not_pulled(script: Script) -> None:
    script.write(run=ABSENT.format(run=RUN))
    with DockerEngine(container_registry="img", image_pull="never") as engine:
        answer = run_code("", engine)
    assert answer.error and "there is no such image" in answer.error
    assert not script.calls("pull")


def test_a_pull_that_fails(script: Script, engine: DockerEngine) -> None:
    """told once to all that wait for it"""
    script.write(run=ABSENT.format(run=RUN), pull_img="echo 'some network' >&2; exit 1")
    answer = run_code("", engine)
    assert answer.error and "could not be pulled: error pulling image: some network" in answer.error


def test_python_by_another_name(script: Script, engine: DockerEngine) -> None:
    only = """case $* in *"--entrypoint python3 "*)
        echo 'exec: "python3": executable file not found in $PATH: unknown.' >&2; exit 127 ;; esac
    while [ "$1" != --entrypoint ]; do shift; done; shift 3; exec python3 "$@" """
    script.write(run=only)
    assert run_code("result = 1", engine).result == 1
    engine.close()
    assert len(script.calls("run")) == 2


def test_a_name_that_is_taken(script: Script, engine: DockerEngine) -> None:
    once = f"""if [ -e $here/once ]; then {RUN} else touch $here/once
        echo 'The container name "/x" is already in use' >&2; exit 125; fi"""
    script.write(run=once)
    assert run_code("result = 1", engine).result == 1


def test_no_container_in_time(script: Script) -> None:
    script.write(run="exec sleep 60")
    with DockerEngine(container_registry="img", acquire_timeout_seconds=0.3) as engine:
        answer = run_code("", engine)
    assert answer.exit_code == 125
    assert answer.error and "no container became free in time" in answer.error


def test_a_network_is_refused(engine: DockerEngine, script: Script) -> None:
    answer = run_code("", engine, policy=RunnerPolicy(network="host"))
    assert answer.exit_code == 125
    assert answer.error and "no network" in answer.error
    assert not script.calls("run")


def test_a_bad_policy_raises_before_docker_is_asked(engine: DockerEngine, script: Script) -> None:
    for policy in (RunnerPolicy(timeout_seconds=-1), RunnerPolicy(memory_limit_mb=-5)):
        with pytest.raises(ValueError, match=r"timeout_seconds|memory_limit_mb"):
            run_code("", engine, policy=policy)
    assert not script.calls("run")


MISTAKES = [
    ({"pool_size": 0}, ValueError, "pool_size"),
    ({"max_runs": 0}, ValueError, "max_runs"),
    ({"ttl_seconds": -1}, ValueError, "ttl_seconds"),
    ({"acquire_timeout_seconds": "1"}, TypeError, "acquire_timeout_seconds"),
    ({"cpus": 0}, ValueError, "cpus"),
    ({"env": {"A=B": "c"}}, ValueError, "env"),
    ({"env": {"A": 1}}, TypeError, "env"),
    ({"user": "--privileged"}, ValueError, "user"),
    ({"runtime": "-x"}, ValueError, "runtime"),
    ({"python": "a b"}, ValueError, "python"),
    ({"container_registry": "-v/:/host"}, ValueError, "container_registry"),
    ({"packages": ["numpy"]}, ValueError, "pinned"),
    ({"image_pull": "maybe"}, ValueError, "image_pull"),
]


@pytest.mark.parametrize(("arguments", "error", "word"), MISTAKES)
def test_mistakes(arguments: dict[str, Any], error: type[Exception], word: str) -> None:
    with pytest.raises(error, match=word):
        DockerEngine(**arguments)


# --- packages ---

INSPECT = "case $5 in img) echo sha256:1 ;; *) test -e $here/built && echo sha256:2 || { echo 'No such image' >&2; exit 1; } ;; esac"
BUILD = "cat >$here/dockerfile; echo step 1; touch $here/built"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def with_packages(**more: Any) -> DockerEngine:
    packages = ["six==1.16.0", "attrs[dev]==23.1.0"]
    return DockerEngine(container_registry="img", packages=packages, runs_per_container=2, **more)


@pytest.mark.usefixtures("cache")
def test_packages_are_built_once(script: Script) -> None:
    script.write(image_inspect=INSPECT, **{"build_--tag": BUILD})
    lines: list[str] = []
    for _ in range(2):
        with with_packages(progress=lines.append) as engine:
            assert run_code("result = 1", engine).result == 1
    (build,) = script.calls("build")
    (tag,) = re.findall(r"--tag (safe-py-runner-env:\w{16})", build)
    assert "safe_py_runner.managed=true" in build
    assert all(tag in call for call in script.calls("run"))
    assert "step 1" in lines
    dockerfile = (script.place / "dockerfile").read_text()
    assert dockerfile.startswith("FROM img\nUSER 0\n")
    assert '"--only-binary=:all:", "attrs[dev]==23.1.0", "six==1.16.0"]' in dockerfile


@pytest.mark.usefixtures("cache")
def test_a_build_that_fails(script: Script) -> None:
    """the builder's last lines"""
    fails = "cat >/dev/null; echo 'ERROR: No matching distribution found for six==9'; exit 1"
    script.write(image_inspect=INSPECT, **{"build_--tag": fails})
    with with_packages() as engine:
        answer = run_code("", engine)
    assert answer.exit_code == 125
    assert answer.error and "could not be built: ERROR: No matching distribution" in answer.error


# --- verbs ---

ROWS = "printf 'abc123\\tsafe-py-runner-1\\timg\\tUp 2 s\\n'"
IMAGES = "printf 'def456\\tsafe-py-runner-env\\t0a1b\\t2 days ago\\t99MB\\n'"
OURS = "printf 'abc123456\\ttrue\\n'"
FOREIGN = "printf 'abc123456\\t\\n'"

Output = pytest.CaptureFixture[str]


def test_list_containers(script: Script, capsys: Output) -> None:
    script.write(container_ls=ROWS)
    assert main(["list", "containers", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row == {
        "id": "abc123",
        "name": "safe-py-runner-1",
        "image": "img",
        "state": "running",
        "status": "Up 2 s",
    }
    assert main(["list", "containers"]) == 0
    assert re.search("abc123 +safe-py-runner-1 +img +running", capsys.readouterr().out)
    assert all("label=safe_py_runner.managed=true" in call for call in script.calls("container ls"))


def test_list_images(script: Script, capsys: Output) -> None:
    script.write(image_ls=IMAGES)
    assert main(["--json", "list", "images"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["repository"], row["created_since"]) == ("safe-py-runner-env", "2 days ago")


@pytest.mark.parametrize("wanted", ["abc", "abc123456789", "safe-py-runner-1"])
def test_one_container(wanted: str, script: Script, capsys: Output) -> None:
    script.write(container_ls=ROWS)
    assert main(["container", wanted]) == 0
    assert "safe-py-runner-1" in capsys.readouterr().out


def test_no_such_container(script: Script, capsys: Output) -> None:
    script.write(container_ls=ROWS)
    assert main(["container", "x"]) == 1
    assert "No managed container matched 'x'" in capsys.readouterr().err


def test_stop_and_kill(script: Script, capsys: Output) -> None:
    script.write(container_inspect=OURS)
    assert main(["stop", "container", "abc123", "--timeout-seconds", "3"]) == 0
    assert "Stopped container abc123" in capsys.readouterr().out
    assert main(["kill", "container", "abc123", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"killed": ["abc123"]}
    assert script.calls("stop") == ["stop -t 3 abc123456"]
    assert script.calls("kill") == ["kill abc123456"]


@pytest.mark.parametrize("verb", ["stop", "kill"])
@pytest.mark.parametrize("id", ["abc123", "-f", "a b", ""])
def test_only_what_is_ours(verb: str, id: str, script: Script, capsys: Output) -> None:
    script.write(container_inspect=FOREIGN)
    assert main([verb, "container", "--", id]) == 1
    assert f"'{id}' is not managed by safe-py-runner" in capsys.readouterr().err
    assert not script.calls(verb)


def test_stop_all(script: Script, capsys: Output) -> None:
    script.write(container_ls=ROWS, container_inspect=OURS)
    assert main(["stop", "all", "--timeout-seconds", "7"]) == 0
    assert "Stopped 1 managed container(s) with timeout 7s" in capsys.readouterr().out
    script.write()
    assert main(["stop", "all"]) == 0
    assert "No running managed containers to stop." in capsys.readouterr().out


def test_cleanup(script: Script, capsys: Output) -> None:
    """what does not run, and images that nothing uses; what is about to start stays"""
    rows = r"""printf 'a1\tUp 1 hour\t1 hour ago\na2\tExited (0) 1 hour ago\t2 hours ago\n'
        printf 'a3\tCreated\t2 hours ago\na4\tCreated\t3 seconds ago\n'"""
    used = "echo 'conflict: image is being used' >&2; exit 1"
    script.write(container_ls=rows, image_ls=IMAGES, image_rm=used)
    assert main(["cleanup", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"removed_containers": 2, "removed_images": 0}
    assert script.calls("container rm") == ["container rm a2", "container rm a3"]


def test_a_daemon_that_is_down(script: Script, capsys: Output) -> None:
    script.write(container_ls=DOWN)
    assert main(["list", "containers"]) == 125
    assert capsys.readouterr().err.startswith("spr: Docker: the daemon does not answer")


def test_python_m_spr(script: Script) -> None:
    script.write(container_ls=ROWS)
    for module in ("spr", "safe_py_runner"):
        command = [sys.executable, "-m", module, "list", "containers", "--json"]
        assert json.loads(subprocess.check_output(command))[0]["id"] == "abc123"


LINES = [
    (["list", "images"], True),
    (["--docker-host", "h", "cleanup"], True),
    (["--ssh-host=h", "--ssh-port", "22", "--json", "stop", "all"], True),
    (["run", "list"], False),
    (["--help"], False),
    (["--docker-host"], False),
    ([], False),
]


@pytest.mark.parametrize(("words", "ours"), LINES)
def test_which_verbs_are_ours(words: list[str], ours: bool) -> None:
    assert is_container_verb(words) == ours


def test_contradictory_options(capsys: Output) -> None:
    assert main(["--docker-context", "c", "--ssh-host", "h", "list", "images"]) == 1
    assert "Use either docker_context or" in capsys.readouterr().err


def test_tables_fit() -> None:
    rows = [{"id": "a" * 12, "name": "n" * 40, "status": "Up 3 minutes"}]
    assert max(map(len, table_lines(rows, 50))) == 50
    assert "…" in table_lines(rows, 50)[1]
    assert "n" * 40 in table_lines(rows, 0)[1]
    assert max(map(len, table_lines(rows, 5))) == 3 * 8 + 2 * 2  # no narrower
