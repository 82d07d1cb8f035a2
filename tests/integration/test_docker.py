# SPDX-License-Identifier: MIT
"""DockerEngine against a real daemon, started here if none answers."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import dockerd
import pytest
from safe_py_runner import (
    DockerEngine,
    DockerError,
    Job,
    RunnerPolicy,
    RunnerResult,
    arun_code,
    run_code,
    run_many,
)
from safe_py_runner.execution.config import CleanupSummary

PATIENCE = 60 * float(os.environ.get("SPR_TEST_PATIENCE", "1"))
MANAGED = "label=safe_py_runner.managed=true"
FREE = RunnerPolicy(blocked_imports=[], blocked_builtins=[], timeout_seconds=20)
# A container slow to start is no fault here.
TIMES = {"acquire_timeout_seconds": PATIENCE}


class Docker:
    """The daemon, and what images of ours it has."""

    def __init__(self, command: list[str]) -> None:
        self.command = command
        self.target = {"docker_host": command[2]} if len(command) > 2 else {}

    def __call__(self, *arguments: str) -> str:
        done = subprocess.run([*self.command, *arguments], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def containers(self, *filters: str) -> list[str]:
        words = [word for each in (MANAGED, *filters) for word in ("--filter", each)]
        return self("ps", "--all", "--quiet", *words).split()

    def engine(self, **options: Any) -> DockerEngine:
        defaults = {"container_registry": "spr-test-python", "image_pull": "never", "pool_size": 1}
        return DockerEngine(**{**defaults, **TIMES, **self.target, **options})


@pytest.fixture(scope="session")
def docker() -> Iterator[Docker]:
    if os.geteuid() != 0:
        pytest.skip("only root starts a docker daemon")
    dockerd.need_docker()
    with dockerd.daemon() as command:
        dockerd.make_image(command, "spr-test-python")
        dockerd.make_image(command, "spr-test-without-python", python=False)
        docker = Docker(command)
        yield docker
        until(lambda: not docker.containers())


@pytest.fixture(scope="session")
def engine(docker: Docker) -> Iterator[DockerEngine]:
    with docker.engine() as engine:
        yield engine


def until(condition: Callable[[], bool]) -> None:
    give_up = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.02)


def good(answer: RunnerResult) -> Any:
    assert answer.ok, f"{answer.error}\n{answer.stderr}"
    return answer.result


# --- what code finds ---


def test_a_run(engine: DockerEngine) -> None:
    answer = run_code("result = sum(numbers)", engine, {"numbers": [1, 2, 3]})
    assert good(answer) == 6
    assert (answer.isolation.level, answer.isolation.where) == ("kernel", "container")


OUTCOMES = [
    ("1 / 0", "error", 1),
    ("while True: pass", "timeout", 124),
    ("x = bytearray(400 << 20)", "memory", 2),
    ("import os; os._exit(3)", None, 3),
    ("import os; os.abort()", "crash", 134),
]


@pytest.mark.parametrize(("code", "outcome", "exit_code"), OUTCOMES)
def test_outcomes(code: str, outcome: str | None, exit_code: int, engine: DockerEngine) -> None:
    policy = RunnerPolicy(blocked_imports=[], timeout_seconds=1)
    answer = run_code(code, engine, policy=policy)
    assert answer.exit_code == exit_code
    assert outcome in (None, answer.outcome)
    assert good(run_code("result = 1", engine)) == 1


def test_files_are_gone_in_the_next_run(engine: DockerEngine) -> None:
    write = "open('/tmp/x', 'w').write('secret'); import os; os.mkdir('/tmp/d')"
    good(run_code(write, engine, policy=FREE))
    answer = run_code("import os; result = os.listdir('/tmp')", engine, policy=FREE)
    assert good(answer) == []


def test_what_a_run_cannot_do(engine: DockerEngine) -> None:
    code = """
import os, socket
result = {}
for name, attempt in {
    "root": lambda: open("/x", "w"),
    "etc": lambda: open("/etc/passwd", "a"),
    "socket": lambda: socket.create_connection(("127.0.0.1", 1)),
    "kill": lambda: os.kill(1, 9),
    "exec": lambda: os.execv("/usr/bin/sh", ["sh"]),
}.items():
    try:
        attempt()
        result[name] = "done"
    except OSError as error:
        result[name] = "refused"
result["uid"] = os.getuid()
"""
    answer = good(run_code(code, engine, policy=FREE))
    assert answer == {
        **dict.fromkeys(["root", "etc", "socket", "kill", "exec"], "refused"),
        "uid": 65534,
    }


def test_the_container_is_closed(docker: Docker) -> None:
    with docker.engine(cpus=1.5, env={"HELLO": "there"}) as engine:
        run_code("", engine)
        ids = docker.containers("status=running")
        found = [json.loads(docker("inspect", each))[0] for each in ids]
    (shown,) = [each for each in found if "HELLO=there" in (each["Config"]["Env"] or [])]
    host = shown["HostConfig"]
    assert shown["Name"].startswith("/safe-py-runner-")
    assert shown["Config"]["User"] == "65534:65534"
    assert host["NetworkMode"] == "none"
    assert host["ReadonlyRootfs"] and host["AutoRemove"]
    assert host["CapDrop"] == ["ALL"]
    assert host["SecurityOpt"] == ["no-new-privileges"]
    assert host["Memory"] == host["MemorySwap"] >= 512 << 20
    assert (host["PidsLimit"], host["IpcMode"], host["NanoCpus"]) == (256, "none", 1_500_000_000)
    assert host["LogConfig"]["Type"] == "none"


def test_asyncio_and_many(docker: Docker) -> None:
    with docker.engine(pool_size=2) as engine:

        async def main() -> list[RunnerResult]:
            return await asyncio.gather(*(arun_code(f"result = {i}", engine) for i in range(20)))

        assert [good(answer) for answer in asyncio.run(main())] == list(range(20))
        jobs = [Job(f"result = {i}", key=i) for i in range(20)]
        assert {key: good(answer) for key, answer in run_many(jobs, engine)} == {
            i: i for i in range(20)
        }
        assert engine._pool.n_containers() <= 2


# --- the pool ---


def names(engine: DockerEngine) -> set[str]:
    mine = f"label=safe_py_runner.engine_id={engine._plan.engine_id}"
    return set(Docker([*engine._client.target.argv()]).containers(mine))


def test_max_runs(docker: Docker) -> None:
    with docker.engine(max_runs=2) as engine:
        seen = []
        for _ in range(4):
            good(run_code("", engine))
            seen.append(names(engine))
        assert seen[0] & seen[1] or len(seen[1]) == 1
        assert not seen[0] & seen[3]


def test_several_runs_in_a_container(docker: Docker) -> None:
    """each in a directory of its own; one that takes all memory ends alone"""
    with docker.engine(runs_per_container=3) as engine, ThreadPoolExecutor(3) as executor:
        engine.start()
        calm = "import time; open('x', 'w').write('1'); time.sleep(1); import os; result = os.listdir('.')"
        bomb = "x = []\nwhile True: x.append(bytearray(1 << 20))"
        codes = [calm, calm, bomb]
        answers = list(executor.map(lambda code: run_code(code, engine, policy=FREE), codes))
        assert [good(answer) for answer in answers[:2]] == [["x"], ["x"]]
        assert answers[2].outcome == "memory"
        assert engine._pool.n_containers() == 1


def test_200_threads(docker: Docker) -> None:
    """no loss, no deadlock, fair within 3x"""
    served: Counter[int] = Counter()
    end = time.monotonic() + 5

    def work(i: int) -> None:
        while time.monotonic() < end or served[i] == 0:
            assert good(run_code(f"result = {i}", engine)) == i
            served[i] += 1

    with docker.engine(pool_size=4, runs_per_container=8) as engine:
        with ThreadPoolExecutor(200) as executor:
            for future in [executor.submit(work, i) for i in range(200)]:
                future.result()
        assert len(served) == 200
        assert max(served.values()) <= 3 * min(served.values()) + 1
        assert engine._pool.n_containers() <= 4


# --- faults ---


def test_docker_kill_in_mid_run(docker: Docker) -> None:
    with docker.engine() as engine, ThreadPoolExecutor(1) as executor:
        engine.start()
        running = executor.submit(run_code, "while True: pass", engine, policy=FREE)
        time.sleep(0.5)
        begun = time.monotonic()
        docker("kill", *names(engine))
        answer = running.result()
        assert time.monotonic() - begun < 5
        assert (answer.exit_code, answer.outcome) == (125, "infra")
        assert answer.error and "the container was killed or stopped from outside" in answer.error
        assert good(run_code("result = 2", engine)) == 2


def test_a_container_that_hangs(docker: Docker) -> None:
    """answered two seconds after the deadline, replaced, and gone"""
    with docker.engine() as engine:
        engine.start()
        docker("pause", *names(engine))
        begun = time.monotonic()
        answer = run_code("result = 1", engine, policy=RunnerPolicy(timeout_seconds=1))
        assert time.monotonic() - begun < 5
        assert (answer.exit_code, answer.outcome) == (125, "infra")
        assert answer.error and "silent" in answer.error
        assert good(run_code("result = 2", engine)) == 2
        until(lambda: len(names(engine)) == 1)


def test_docker_kill_between_runs(docker: Docker) -> None:
    """nobody notices, whether we have been told of it yet or not"""
    with docker.engine() as engine:
        for wait in (True, False):
            engine.start()
            docker("kill", *names(engine))
            if wait:
                until(lambda: not names(engine))
            assert good(run_code("result = 2", engine)) == 2


def test_close_leaves_nothing(docker: Docker) -> None:
    engine = docker.engine(pool_size=2)
    engine.start()
    assert names(engine)
    engine.close()
    assert not names(engine)


PROGRAM = """
import sys, time
from safe_py_runner import DockerEngine, run_code
engine = DockerEngine(**eval(sys.argv[1]))
print(run_code("result = 1", engine).result, engine._plan.engine_id, flush=True)
if sys.argv[2] == "stay":
    time.sleep(600)
"""


@pytest.mark.parametrize("how", ["end", "SIGKILL"])
def test_the_end_of_the_host_leaves_nothing(how: str, docker: Docker) -> None:
    options = {"container_registry": "spr-test-python", **TIMES, **docker.target}
    stay = "stay" if how == "SIGKILL" else "go"
    command = [sys.executable, "-c", PROGRAM, repr(options), stay]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as host:
        assert host.stdout
        result, engine_id = host.stdout.readline().split()
        assert result == "1"
        if how == "SIGKILL":
            host.send_signal(signal.SIGKILL)
    until(lambda: not docker.containers(f"label=safe_py_runner.engine_id={engine_id}"))


WRONG = [
    ({"container_registry": "spr-test-absent"}, "there is no such image"),
    ({"container_registry": "spr-test-without-python"}, "the image has no such Python"),
    ({"docker_host": "unix:///nowhere/docker.sock"}, "the daemon does not answer"),
    ({"docker_host": None, "docker_context": "nowhere"}, "no such context"),
    ({"runtime": "nonesuch"}, "the daemon has no such runtime"),
    ({"seccomp_profile": "/nowhere.json"}, "the seccomp profile does not serve"),
    ({"user": "nobody-of-that-name"}, "the image has no such user"),
]


@pytest.mark.parametrize(("options", "words"), WRONG)
def test_what_is_wrong_is_said(options: dict[str, Any], words: str, docker: Docker) -> None:
    with docker.engine(**options) as engine:
        answer = run_code("result = 1", engine)
        assert (answer.ok, answer.exit_code) == (False, 125)
        assert answer.error and answer.error.startswith("Docker: ") and words in answer.error
        with pytest.raises(DockerError, match=re.escape(words)):
            engine.start()


def test_a_run_that_cannot_be_leaves_the_container(docker: Docker) -> None:
    """a path that is not there is the run's misfortune, in its own words"""
    with docker.engine() as engine:
        engine.start()
        before = names(engine)
        answer = run_code("", engine, policy=RunnerPolicy(read_only_paths=["/nowhere"]))
        assert (answer.exit_code, answer.outcome) == (125, "infra")
        assert answer.error and answer.error.startswith("cannot find read-only path '/nowhere'")
        assert names(engine) == before


# --- packages ---


@pytest.fixture(scope="session")
def with_pip(docker: Docker, tmp_path_factory: pytest.TempPathFactory) -> str:
    """An image with pip and an index of its own: one wheel in a directory."""
    root = tmp_path_factory.mktemp("pip")
    site = root / "usr/local/lib/python3.11/dist-packages"
    import pip

    site.mkdir(parents=True)
    subprocess.run(["cp", "-r", str(Path(pip.__file__).parent), str(site)], check=True)
    wheels = root / "wheels"
    wheels.mkdir()
    info = "spr_sample-1.2.dist-info"
    with zipfile.ZipFile(wheels / "spr_sample-1.2-py3-none-any.whl", "w") as wheel:
        wheel.writestr("spr_sample.py", "VALUE = 12\n")
        wheel.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: spr-sample\nVersion: 1.2\n"
        )
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")
    (root / "etc").mkdir()
    (root / "etc/pip.conf").write_text("[global]\nno-index = true\nfind-links = /wheels\n")
    return dockerd.make_image(docker.command, "spr-test-pip", extra=root)


def test_packages(docker: Docker, with_pip: str) -> None:
    """built once, found again by another engine, cleared away when nothing uses it"""
    options = {"container_registry": with_pip, "packages": ["spr-sample==1.2"]}
    lines: list[str] = []
    for _ in range(2):
        with docker.engine(**options, progress=lines.append) as engine:
            answer = run_code("import spr_sample; result = spr_sample.VALUE", engine)
            assert good(answer) == 12
            (image,) = engine.list_images()
            assert image.repository == "safe-py-runner-env"
    assert sum(line.startswith("building") for line in lines) == 1
    until(lambda: not names(engine))
    assert engine.cleanup_stale() == CleanupSummary(0, 1)


def test_packages_that_are_not_there(docker: Docker, with_pip: str) -> None:
    with docker.engine(container_registry=with_pip, packages=["absent==1"]) as engine:
        answer = run_code("", engine)
    assert answer.exit_code == 125
    assert answer.error and "No matching distribution found for absent==1" in answer.error


# --- what is ours ---


def spr(docker: Docker, *words: str) -> subprocess.CompletedProcess[str]:
    options = [f"--docker-host={host}" for host in docker.target.values()]
    command = [sys.executable, "-m", "spr", *options, *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)


def test_verbs(docker: Docker) -> None:
    with docker.engine() as engine:
        engine.start()
        (mine,) = names(engine)
        listed = json.loads(spr(docker, "list", "containers", "--json").stdout)
        (row,) = [row for row in listed if row["id"] == mine]
        assert (row["state"], row["image"]) == ("running", "spr-test-python")
        assert row["name"] in spr(docker, "container", mine).stdout
        assert mine in [each.id for each in engine.list_containers()]
        begun = time.monotonic()
        done = spr(docker, "stop", "container", mine, "--timeout-seconds", "60")
        assert time.monotonic() - begun < 30  # it ends in order, without --init
        assert (done.returncode, done.stdout) == (0, f"Stopped container {mine}\n")
        until(lambda: not names(engine))
        assert good(run_code("result = 1", engine)) == 1
        (mine,) = names(engine)
        engine.kill_container(mine)
        until(lambda: not names(engine))


def test_others_are_left_alone(docker: Docker) -> None:
    name = "spr-test-foreign"
    docker("run", "--detach", "--rm", "--name", name, "--network", "none",
           "spr-test-without-python", "sleep", "600")  # fmt: skip
    try:
        engine = docker.engine()
        for act in (engine.stop_container, engine.kill_container):
            with pytest.raises(ValueError, match=f"'{name}' is not managed by safe-py-runner"):
                act(name)
        with pytest.raises(ValueError, match="there is no such container"):
            engine.kill_container("spr-test-absent")
        assert spr(docker, "stop", "container", name).returncode == 1
        assert spr(docker, "stop", "all").returncode == 0
        assert docker("inspect", "--format", "{{.State.Running}}", name) == "true\n"
    finally:
        docker("kill", name)


def test_cleanup(docker: Docker) -> None:
    docker("create", "--label", MANAGED.partition("=")[2], "--network", "none",
           "spr-test-without-python", "sleep", "0")  # fmt: skip
    (id,) = docker.containers("status=created")
    docker("start", "--attach", id)
    done = spr(docker, "cleanup", "--json")
    assert json.loads(done.stdout)["removed_containers"] == 1
