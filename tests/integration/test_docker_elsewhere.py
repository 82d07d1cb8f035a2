# SPDX-License-Identifier: MIT
"""DockerEngine on daemons that are reached by ssh and by TLS, on one that goes, and with podman."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dockerd
import guest
import pytest
import sshd
from safe_py_runner import DockerEngine, RunnerPolicy, RunnerResult, run_code

PATIENCE = 60 * float(os.environ.get("SPR_TEST_PATIENCE", "1"))
IMAGE = "spr-test-python"
LONG = RunnerPolicy(blocked_imports=[], timeout_seconds=PATIENCE)


def engine_for(**options: Any) -> DockerEngine:
    defaults = {
        "container_registry": IMAGE,
        "image_pull": "never",
        "pool_size": 1,
        "acquire_timeout_seconds": PATIENCE,
    }
    return DockerEngine(**{**defaults, **options})


def good(answer: RunnerResult) -> Any:
    assert answer.ok, f"{answer.error}\n{answer.stderr}"
    return answer.result


def until(condition: Callable[[], bool]) -> None:
    give_up = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.02)


@pytest.fixture(scope="module", autouse=True)
def root() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root starts a docker daemon")
    dockerd.need_docker()


@pytest.fixture(scope="module")
def host(root: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a daemon with the image."""
    place = tmp_path_factory.mktemp("dockerd")
    with dockerd.started(place, place / "data") as command:
        dockerd.make_image(command, IMAGE)
        yield command[2]


# --- ssh ---

WRAPPER = """#!/bin/sh
exec /usr/bin/ssh -F none -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \\
        -o LogLevel=ERROR "$@"
"""


@pytest.fixture
def ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """ssh_… for an sshd on loopback, whose key nobody has to know beforehand."""
    wrapper = tmp_path / "ssh"
    wrapper.write_text(WRAPPER)
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with sshd.sshd() as command:
        user, _, name = command[-1].partition("@")
        yield {
            "ssh_host": name,
            "ssh_user": user,
            "ssh_port": int(command[command.index("-p") + 1]),
            "ssh_key_path": command[command.index("-i") + 1],
        }


def test_ssh(host: str, ssh: dict[str, Any]) -> None:
    """port and key have their effect, and words survive the remote shell"""
    awkward = "two words; $HOME 'and' \"more\""
    with engine_for(docker_host=host, **ssh, env={"AWKWARD": awkward}) as engine:
        assert good(run_code("result = 6 * 7", engine)) == 42
        (container,) = engine.list_containers()
        shown = engine._client.ask(
            "inspect", "--format", "{{range .Config.Env}}{{println .}}{{end}}", container.id
        )
        assert f"AWKWARD={awkward}\n" in shown
        engine.kill_container(container.name)
        until(lambda: not engine.list_containers(all_states=True))
        assert good(run_code("result = 1", engine)) == 1
    assert not engine.list_containers(all_states=True)


def test_ssh_that_fails(host: str, ssh: dict[str, Any], tmp_path: Path) -> None:
    other = tmp_path / "other"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", other], check=True)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        cases = [
            ({"ssh_key_path": str(other)}, "the host refuses this ssh login"),
            ({"ssh_port": closed.getsockname()[1]}, "ssh does not reach the host"),
            ({"docker_host": "unix:///nowhere"}, "the daemon does not answer"),
        ]
        for options, words in cases:
            with engine_for(**{"docker_host": host, **ssh, **options}) as engine:
                answer = run_code("", engine)
            assert answer.exit_code == 125
            assert answer.error and words in answer.error


# --- TLS ---

OPENSSL = """
set -e
openssl req -quiet -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=ca -keyout ca-key.pem -out ca.pem
for who in server client; do
        openssl req -quiet -newkey rsa:2048 -nodes -subj /CN=$who -keyout $who-key.pem -out $who.csr
        printf 'subjectAltName=IP:127.0.0.1\\nextendedKeyUsage=serverAuth,clientAuth\\n' >$who.ext
        openssl x509 -req -days 2 -in $who.csr -CA ca.pem -CAkey ca-key.pem -CAcreateserial \\
                -extfile $who.ext -out $who.pem
done
openssl req -quiet -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=o -keyout o-key.pem -out other.pem
"""


def test_tls_context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """a context with certificates of its own; with the wrong authority it is said"""
    guest.need_programs({"openssl": "openssl"})
    script = OPENSSL.replace("-quiet ", "")
    subprocess.run(["sh", "-c", script], cwd=tmp_path, check=True, capture_output=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{probe.getsockname()[1]}"
    options = ["--host", address, "--tlsverify", "--tlscacert", f"{tmp_path}/ca.pem"]
    options += ["--tlscert", f"{tmp_path}/server.pem", "--tlskey", f"{tmp_path}/server-key.pem"]
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "config"))
    for name, authority in (("far", "ca"), ("wrong", "other")):
        endpoint = f"host={address},ca={tmp_path}/{authority}.pem"
        endpoint += f",cert={tmp_path}/client.pem,key={tmp_path}/client-key.pem"
        create = ["docker", "context", "create", name, "--docker", endpoint]
        subprocess.run(create, check=True, capture_output=True)
    with dockerd.started(tmp_path, tmp_path / "data", *options) as command:
        dockerd.make_image(command, IMAGE)
        with engine_for(docker_context="far") as engine:
            assert good(run_code("result = 1", engine)) == 1
        with engine_for(docker_context="wrong") as engine:
            answer = run_code("", engine)
        assert answer.error and "no trusted connection (TLS) to the daemon" in answer.error


# --- a daemon that goes ---


@contextmanager
def in_mid_run(engine: DockerEngine) -> Iterator[list[RunnerResult]]:
    """Gets the answer of a run that goes on until something ends it."""
    answers: list[RunnerResult] = []
    with ThreadPoolExecutor(1) as executor:
        engine.start()
        code = "import time\nwhile True: time.sleep(1)"
        running = executor.submit(run_code, code, engine, policy=LONG)
        time.sleep(0.5)
        yield answers
        answers.append(running.result())


def test_a_daemon_is_restarted(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with dockerd.started(tmp_path, data) as command:
        dockerd.make_image(command, IMAGE)
        engine = engine_for(docker_host=command[2])
        with in_mid_run(engine) as answers:
            begun = time.monotonic()
            pid = int((tmp_path / "pid").read_text())
            os.kill(pid, signal.SIGTERM)
        assert time.monotonic() - begun < PATIENCE / 2
        assert (answers[0].exit_code, answers[0].outcome) == (125, "infra")
        until(lambda: not dockerd.answers(command))
        answer = run_code("", engine)
        assert answer.error and "the daemon does not answer" in answer.error
    with engine, dockerd.started(tmp_path, data):
        assert good(run_code("result = 1", engine)) == 1


def test_a_daemon_hangs(tmp_path: Path) -> None:
    """who waits for a container is told in time; what comes after works"""
    with dockerd.started(tmp_path, tmp_path / "data") as command:
        dockerd.make_image(command, IMAGE)
        pid = int((tmp_path / "pid").read_text())
        with engine_for(docker_host=command[2], acquire_timeout_seconds=None) as engine:
            os.kill(pid, signal.SIGSTOP)
            try:
                begun = time.monotonic()
                answer = run_code("", engine, policy=RunnerPolicy(timeout_seconds=1))
                assert 3 <= time.monotonic() - begun < 5
            finally:
                os.kill(pid, signal.SIGCONT)
            assert answer.error and "no container became free in time" in answer.error
            until(lambda: run_code("result = 1", engine).ok)


# --- podman ---


@pytest.fixture
def podman(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A podman whose storage is its own. Debian's crun does not take to every host's groups."""
    guest.need_programs({"podman": "podman", "runc": "runc"})
    for name, text in {
        "storage": f'driver = "overlay"\ngraphroot = "{tmp_path}/root"\nrunroot = "{tmp_path}/run"',
        "engine": 'cgroup_manager = "cgroupfs"\nevents_logger = "file"',
    }.items():
        (tmp_path / name).write_text(f"[{name}]\n{text}\n")
    monkeypatch.setenv("CONTAINERS_STORAGE_CONF", str(tmp_path / "storage"))
    monkeypatch.setenv("CONTAINERS_CONF", str(tmp_path / "engine"))
    yield ["podman"]
    subprocess.run(["podman", "system", "reset", "--force"], check=True, capture_output=True)


def test_podman(podman: list[str]) -> None:
    image = dockerd.make_image(podman, f"localhost/{IMAGE}")
    options = {"client": "podman", "runtime": "runc", "container_registry": image}
    with engine_for(**options) as engine:
        code = "import os; result = [os.getuid(), os.listdir('/tmp')]; open('/tmp/x', 'w')"
        free = RunnerPolicy(blocked_imports=[], blocked_builtins=[], timeout_seconds=PATIENCE)
        for _ in range(2):
            answer = run_code(code, engine, policy=free)
            assert good(answer) == [65534, []]
        assert answer.isolation.level in ("kernel", "full")  # its filter may grant namespaces
        assert answer.isolation.where == "container"
        (container,) = engine.list_containers()
        assert (container.state, container.name[:15]) == ("running", "safe-py-runner-")
        engine.stop_container(container.id)
        until(lambda: not engine.list_containers(all_states=True))
        assert good(run_code("result = 1", engine)) == 1
    assert not engine.list_containers(all_states=True)
    with engine_for(**{**options, "container_registry": "localhost/absent"}) as engine:
        answer = run_code("", engine)
    assert answer.error and answer.error.startswith("Podman: there is no such image")
