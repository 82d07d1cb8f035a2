# SPDX-License-Identifier: MIT
"""How the docker client is called and what its failures mean; a script plays the client."""

from __future__ import annotations

import shlex
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from safe_py_runner.execution.docker_client import DockerClient, DockerError, Target
from safe_py_runner.execution.docker_faults import explain, last_words
from safe_py_runner.execution.docker_process import OUTPUT_MAX, TAIL_MAX

SSH = ["ssh", "-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10"]

ARGV = [
    ({}, ["docker", "ps"]),
    ({"docker_host": "tcp://h:1"}, ["docker", "--host=tcp://h:1", "ps"]),
    ({"docker_context": "far"}, ["docker", "--context=far", "ps"]),
    ({"client": "podman"}, ["podman", "ps"]),
    ({"client": "podman", "docker_host": "unix:///s"}, ["podman", "--url=unix:///s", "ps"]),
    ({"client": "podman", "docker_context": "c"}, ["podman", "--connection=c", "ps"]),
    ({"client": "nerdctl", "docker_host": "/c.sock"}, ["nerdctl", "--address=/c.sock", "ps"]),
    ({"ssh_host": "h"}, [*SSH, "--", "h", "docker", "ps"]),
    (
        {"ssh_host": "h", "ssh_user": "u", "ssh_port": 2222, "ssh_key_path": "/k"},
        [*SSH, "-p", "2222", "-i", "/k", "-o", "IdentitiesOnly=yes", "--", "u@h", "docker", "ps"],
    ),
    (
        {"ssh_host": "h", "docker_host": "unix:///a b"},
        [*SSH, "--", "h", "docker", "'--host=unix:///a b'", "ps"],
    ),
]


@pytest.mark.parametrize(("settings", "expected"), ARGV)
def test_argv(settings: dict[str, object], expected: list[str]) -> None:
    target = Target(**settings)  # type: ignore[arg-type]
    assert target.argv("ps") == expected
    assert target.shell_hop == ("ssh_host" in settings)


AWKWARD = [
    "plain",
    "two words",
    "$HOME",
    "a'b\"c",
    "",
    "; rm -rf x",
    "`id`",
    "\\",
    "new\nline",
    "é",
]


def test_arguments_survive_the_remote_shell() -> None:
    """ssh joins its arguments with blanks and hands them to a shell."""
    argv = Target(ssh_host="h").argv(*AWKWARD)
    line = " ".join(argv[argv.index("h") + 1 :])
    assert shlex.split(line) == ["docker", *AWKWARD]
    shown = subprocess.run(
        ["sh", "-c", f'docker() {{ printf "%s\\0" "$@"; }}; {line}'],
        capture_output=True,
        check=True,
    )
    assert shown.stdout.decode().split("\0")[:-1] == AWKWARD


REFUSED = [
    ({"docker_context": "c", "docker_host": "h"}, "Use either docker_context or docker_host/ssh"),
    ({"docker_context": "c", "ssh_host": "h"}, "Use either docker_context or docker_host/ssh"),
    ({"docker_context": "c", "ssh_port": 1}, "Use either docker_context or docker_host/ssh"),
    ({"ssh_user": "u"}, "^ssh_user requires ssh_host$"),
    ({"ssh_port": 22}, "^ssh_port requires ssh_host$"),
    ({"ssh_key_path": "k"}, "^ssh_key_path requires ssh_host$"),
    ({"ssh_host": "-oProxyCommand=id"}, "ssh_host must not begin with '-'"),
    ({"ssh_host": "h", "ssh_user": "-l"}, "ssh_user must not begin with '-'"),
    ({"ssh_host": "h id"}, "nor hold blanks"),
    ({"ssh_host": "h", "ssh_port": 65536}, "ssh_port must be 1 to 65535"),
    ({"client": "lxc"}, "client must be one of docker, podman, nerdctl"),
    ({"client": "nerdctl", "docker_context": "c"}, "nerdctl has no contexts"),
]


@pytest.mark.parametrize(("settings", "words"), REFUSED)
def test_refused_targets(settings: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Target(**settings)  # type: ignore[arg-type]


# --- what it says ---

UNIX = "unix:///var/run/docker.sock"
SAID = [
    ("daemon-down", f"Cannot connect to the Docker daemon at {UNIX}. Is the docker daemon running?"),
    ("daemon-down", f"failed to connect to the docker API at {UNIX}; check if the path is correct and if the daemon is running: dial unix /var/run/docker.sock: connect: no such file or directory"),
    ("daemon-down", 'error during connect: Get "http://h:2375/v1.50/info": dial tcp 1.2.3.4:2375: connect: connection refused'),
    ("daemon-down", "Error: unable to connect to Podman socket: Get http://d/v4.3.1/libpod/_ping: dial unix /run/podman/podman.sock: connect: no such file or directory"),
    ("daemon-down", 'FATA[0000] cannot access containerd socket "/run/containerd/containerd.sock": no such file or directory'),
    ("permission-denied", f"permission denied while trying to connect to the Docker daemon socket at {UNIX}: Get http://%2Fvar%2Frun%2Fdocker.sock/v1.24/info: dial unix /var/run/docker.sock: connect: permission denied"),
    ("permission-denied", f"docker: permission denied while trying to connect to the docker API at {UNIX}"),
    ("image-absent", "docker: Error response from daemon: No such image: python:3.12-slim.\nSee 'docker run --help'."),
    ("image-absent", "Unable to find image 'x:latest' locally\ndocker: Error response from daemon: pull access denied for x, repository does not exist or may require 'docker login': denied: requested access to the resource is denied."),
    ("image-absent", "Error response from daemon: manifest for python:9 not found: manifest unknown: manifest unknown"),
    ("image-absent", "Error: x: image not known"),
    ("image-absent", "Error: No such image: x"),
    ("pull-failed", 'Error response from daemon: Get "https://registry-1.docker.io/v2/": dial tcp: lookup registry-1.docker.io: no such host'),
    ("pull-failed", 'Error response from daemon: Get "https://r/v2/": tls: failed to verify certificate: x509: certificate signed by unknown authority'),
    ("pull-failed", "toomanyrequests: You have reached your pull rate limit."),
    ("pull-failed", 'initializing source docker://x: pinging container registry registry-1.docker.io: Get "https://registry-1.docker.io/v2/": dial tcp: no route to host'),
    ("no-such-context", 'context "far": context not found: open /root/.docker/contexts/meta/x/meta.json: no such file or directory'),
    ("no-such-context", 'unable to resolve docker endpoint: context "far": context not found: open /x/meta.json: no such file or directory'),
    ("tls", 'error during connect: Get "https://h:2376/v1.50/info": x509: certificate signed by unknown authority'),
    ("tls", "error during connect: remote error: tls: bad certificate"),
    ("tls", "Error response from daemon: Client sent an HTTP request to an HTTPS server."),
    ("name-conflict", 'docker: Error response from daemon: Conflict. The container name "/safe-py-runner-1" is already in use by container "abc".'),
    ("no-python", 'docker: Error response from daemon: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: "python3": executable file not found in $PATH: unknown.'),
    ("no-python", 'Error: crun: executable file `python3` not found in $PATH: No such file or directory: OCI runtime attempted to invoke a command that was not found'),
    ("wrong-architecture", "no matching manifest for linux/arm64/v8 in the manifest list entries"),
    ("wrong-architecture", "exec /usr/local/bin/python3: exec format error"),
    ("no-such-runtime", "docker: Error response from daemon: unknown or invalid runtime name: runsc."),
    ("disk-full", "write /var/lib/docker/tmp/x: no space left on device"),
    ("ssh-unreachable", "ssh: connect to host h port 22: Connection refused"),
    ("ssh-unreachable", "ssh: Could not resolve hostname nowhere: Name or service not known"),
    ("ssh-unreachable", "error during connect: Get x: command [ssh -- h docker system dial-stdio] has exited with exit status 255, stderr=ssh: connect to host h port 22: No route to host"),
    ("ssh-refused", "u@h: Permission denied (publickey,password)."),
    ("ssh-host-key", "Host key verification failed."),
    ("client-missing", "bash: line 1: docker: command not found"),
    ("client-missing", "sh: 1: docker: not found"),
    ("seccomp-profile", "docker: opening seccomp profile (/x.json) failed: open /x.json: no such file or directory"),
    ("no-exec", "nothing lets 'docker' execute the agent: memory: [Errno 13] Permission denied"),
    ("no-such-user", "docker: Error response from daemon: unable to find user nobody2: no matching entries in passwd file."),
    ("failed", "something else"),
]  # fmt: skip


@pytest.mark.parametrize(("cause", "said"), SAID)
def test_causes(cause: str, said: str) -> None:
    fault = explain("docker", said)
    assert fault.cause == cause
    assert fault.text.startswith("Docker: ")
    assert "\n" not in fault.text
    assert cause == "failed" or "; " in fault.text  # the next step


def test_the_quote_is_short_and_without_noise() -> None:
    said = f"{'x' * 900}\n\nerror: that\nSee 'docker run --help'.\n"
    words = last_words(said)
    assert words.endswith("error: that")
    assert words.startswith("…") and len(words) == 300


# --- as a process ---

Fake = Callable[[str], DockerClient]


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fake:
    """A client whose docker is a shell script."""

    def fake(script: str) -> DockerClient:
        program = tmp_path / "docker"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
        return DockerClient(Target())

    return fake


def test_what_a_command_prints(fake: Fake) -> None:
    assert fake('echo "$@"').ask("version", "two words") == "version two words\n"


def test_a_command_that_fails(fake: Fake) -> None:
    client = fake("echo 'Error: No such image: x' >&2; exit 1")
    with pytest.raises(
        DockerError, match=r"no such image.*No such image: x; check the name"
    ) as info:
        client.ask("run")
    assert info.value.cause == "image-absent"


def test_no_client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DockerError, match="no program 'docker' on PATH; install it") as info:
        DockerClient(Target()).ask("version")
    assert info.value.cause == "client-missing"


def test_a_daemon_that_hangs(fake: Fake) -> None:
    """also where the client has left somebody with its pipes"""
    client = fake("sleep 60 & sleep 60")
    begun = time.monotonic()
    with pytest.raises(DockerError, match="'docker system info'; check the daemon") as info:
        client.ask("system", "info", timeout=0.3)
    assert info.value.cause == "hangs"
    assert time.monotonic() - begun < 5


def test_a_client_that_closes_its_outputs_and_stays(fake: Fake) -> None:
    answer = fake("exec >&- 2>&-; sleep 60").run(["x"], timeout=30)
    assert answer.status == 128 + 9


def test_output_is_bounded(fake: Fake) -> None:
    megabytes = "head -c 9000000 /dev/zero | tr '\\0' x"
    answer = fake(f"{megabytes}; {megabytes} >&2; echo end >&2").run(["x"], timeout=60)
    assert len(answer.stdout) == OUTPUT_MAX
    assert len(answer.stderr) == TAIL_MAX
    assert answer.stderr.endswith("end\n")


def test_input_that_is_not_read(fake: Fake) -> None:
    assert fake("exec 0<&-; echo yes").run(["x"], 30, stdin=b"x" * 1_000_000).stdout == "yes\n"


def test_input_and_lines(fake: Fake) -> None:
    lines: list[str] = []
    answer = fake("cat; printf 'one\\rtwo\\nthree'").run(["x"], 30, b"zero\n", lines.append)
    assert answer.status == 0
    assert lines == ["zero", "one", "two", "three"]


def test_interrupt(fake: Fake) -> None:
    """ends what runs, and what comes after"""
    client = fake("echo begun; exec sleep 60")
    begun = threading.Event()
    answers = []

    def run() -> None:
        answers.append(client.run(["x"], 60, line=lambda _: begun.set()))

    thread = threading.Thread(target=run)
    thread.start()
    assert begun.wait(30)
    client.interrupt()
    thread.join(30)
    assert answers[0].status == 128 + 9
    assert client.run(["x"], 60).status == 128 + 9
