# SPDX-License-Identifier: MIT
"""How the docker client is called, as a process.

The client brings contexts and TLS with it. Where the caller names an ssh host, ssh is ours, since
the client has no way to take a port or a key: the client of that machine is called, its arguments
quoted for the shell in between.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..errors import AgentError
from .docker_faults import Fault, explain, explain_hang, explain_missing
from .docker_process import Answer, Line, converse

__all__ = ["DockerClient", "DockerError", "Target"]

_SSH_CONNECT_SECONDS = 10
_ASK_SECONDS = 30.0

# What docker has for a daemon and for a context is spelt otherwise elsewhere.
_HOST_OPTIONS = {"docker": "--host", "podman": "--url", "nerdctl": "--address"}
_CONTEXT_OPTIONS = {"docker": "--context", "podman": "--connection"}

# ssh takes what begins with a dash for an option.
_SSH_NAME = re.compile(r"[^-\s\x00-\x1f\x7f][^\s\x00-\x1f\x7f]*")


class DockerError(AgentError):
    """The docker client, its daemon or a container failed; the text is made for people.

    Attributes:
        cause: a word of ``docker_faults``: ``daemon-down``, ``image-absent``, …
    """

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.text)
        self.cause = fault.cause


@dataclass(frozen=True, slots=True)
class Target:
    """Which daemon, and by which client.

    Attributes:
        client: ``docker``, ``podman`` or ``nerdctl``, found on PATH; with ``ssh_host`` that of the
            remote machine.
        docker_host: address of the daemon; with ``ssh_host`` as the remote machine sees it.
        docker_context: a context of docker, a connection of podman.
        ssh_host, ssh_user, ssh_port, ssh_key_path: the machine on which the client runs.

    Raises:
        ValueError: settings that contradict each other, or that ssh would take for options.
    """

    client: str = "docker"
    docker_host: str | None = None
    docker_context: str | None = None
    ssh_host: str | None = None
    ssh_user: str | None = None
    ssh_port: int | None = None
    ssh_key_path: str | None = None

    def __post_init__(self) -> None:
        needs_host = [
            name for name in ("ssh_user", "ssh_port", "ssh_key_path") if getattr(self, name)
        ]
        if self.docker_context and (self.docker_host or self.ssh_host or needs_host):
            raise ValueError("Use either docker_context or docker_host/ssh settings, not both")
        if needs_host and not self.ssh_host:
            raise ValueError(f"{needs_host[0]} requires ssh_host")
        if self.client not in _HOST_OPTIONS:
            known = ", ".join(_HOST_OPTIONS)
            raise ValueError(f"client must be one of {known}, not {self.client!r}")
        if self.docker_context and self.client not in _CONTEXT_OPTIONS:
            raise ValueError(f"docker_context: {self.client} has no contexts")
        self._check_ssh()

    def _check_ssh(self) -> None:
        for name in ("ssh_host", "ssh_user"):
            value = getattr(self, name)
            if value and not _SSH_NAME.fullmatch(value):
                raise ValueError(f"{name} must not begin with '-' nor hold blanks: {value!r}")
        if self.ssh_port and not 0 < int(self.ssh_port) < 65536:
            raise ValueError(f"ssh_port must be 1 to 65535, not {self.ssh_port}")

    @property
    def shell_hop(self) -> bool:
        """Whether a remote shell takes the command line apart once more."""
        return bool(self.ssh_host)

    def argv(self, *arguments: str) -> list[str]:
        """The command line for these arguments of the client. What somebody appends to it must be
        quoted where there is a :attr:`shell_hop`."""
        command = [self.client, *self._daemon(), *arguments]
        return [*self._ssh(), *map(shlex.quote, command)] if self.shell_hop else command

    def _daemon(self) -> list[str]:
        if self.docker_host:
            return [f"{_HOST_OPTIONS[self.client]}={self.docker_host}"]
        if self.docker_context:
            return [f"{_CONTEXT_OPTIONS[self.client]}={self.docker_context}"]
        return []

    def _ssh(self) -> list[str]:
        # Nobody is there to type a password, and a terminal would alter bytes.
        command = ["ssh", "-T", "-o", "BatchMode=yes"]
        command += ["-o", f"ConnectTimeout={_SSH_CONNECT_SECONDS}"]
        if self.ssh_port:
            command += ["-p", str(int(self.ssh_port))]
        if self.ssh_key_path:  # and no other key in its stead
            key = os.path.expanduser(self.ssh_key_path)
            command += ["-i", key, "-o", "IdentitiesOnly=yes"]
        login = f"{self.ssh_user}@" if self.ssh_user else ""
        return [*command, "--", f"{login}{self.ssh_host}"]


class DockerClient:
    """Runs commands of the client. Any number of threads."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.forget()

    def forget(self) -> None:
        """In a forked child: the commands that run are the parent's."""
        self._lock = threading.Lock()
        self._processes: set[subprocess.Popen[bytes]] = set()
        self._interrupted = False

    def ask(self, *arguments: str, timeout: float = _ASK_SECONDS) -> str:
        """What a command prints.

        Args:
            timeout: seconds.

        Raises:
            DockerError: there is no client, or the command failed or took longer.
        """
        answer = self.run(arguments, timeout)
        if answer.status != 0:
            raise self.error(answer, arguments)
        return answer.stdout

    def run(
        self,
        arguments: Sequence[str],
        timeout: float,
        stdin: bytes = b"",
        line: Line | None = None,
    ) -> Answer:
        """Run a command to its end, whatever its exit status. Past ``timeout`` seconds it is
        killed; ``line`` gets each line that it prints.

        Raises:
            DockerError: there is no such program, or no process for it.
        """
        argv = self.target.argv(*arguments)
        deadline = time.monotonic() + timeout
        pipe = subprocess.PIPE
        try:
            process = subprocess.Popen(argv, stdin=pipe, stdout=pipe, stderr=pipe)
        except OSError as error:
            raise DockerError(explain_missing(argv[0], error)) from None
        with process, self._killed_at_the_end(process):
            return converse(process, deadline, stdin, line)

    @contextlib.contextmanager
    def _killed_at_the_end(self, process: subprocess.Popen[bytes]) -> Iterator[None]:
        with self._lock:
            self._processes.add(process)
            if self._interrupted:
                process.kill()
        try:
            yield
        finally:
            with self._lock:
                self._processes.discard(process)
            process.kill()  # nothing where it has ended

    def interrupt(self) -> None:
        """Kill the commands that run; any that somebody starts yet is killed at once, too."""
        with self._lock:
            self._interrupted = True
            for process in self._processes:
                process.kill()

    def error(self, answer: Answer, arguments: Sequence[str]) -> DockerError:
        """What an answer means that is not as it should be."""
        if answer.timed_out:
            return DockerError(explain_hang(self.target.client, " ".join(arguments[:2])))
        said = answer.stderr.strip() or answer.stdout.strip()
        return DockerError(explain(self.target.client, said or f"exit status {answer.status}"))
