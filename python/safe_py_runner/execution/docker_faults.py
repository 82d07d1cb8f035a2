# SPDX-License-Identifier: MIT
"""What goes wrong with a docker client, its daemon or a container: the cause and the next step.

The client has hardly any exit statuses of its own, so its words are what there is to go by. They
are quoted, too: a row that is wrong misleads less then. The first row that fits counts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = [
    "Fault",
    "explain",
    "explain_as",
    "explain_hang",
    "explain_missing",
    "last_words",
]

_QUOTE_MAX = 300  # characters

_TITLES = {"docker": "Docker", "podman": "Podman", "nerdctl": "nerdctl", "ssh": "ssh"}

_INSTALL = {
    "docker": "install it (https://docs.docker.com/engine/install/), or name another with client=",
    "podman": "install it (https://podman.io/docs/installation), or name another with client=",
    "nerdctl": "install it (https://github.com/containerd/nerdctl), or name another with client=",
    "ssh": "install an ssh client",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """A failure in words.

    Attributes:
        cause: one of the rows below.
        text: the whole message, with the next step.
    """

    cause: str
    text: str


@dataclass(frozen=True, slots=True)
class _Row:
    cause: str
    pattern: str
    words: str
    next_step: str


_ROWS = (
    _Row(
        "ssh-host-key",
        r"Host key verification failed|REMOTE HOST IDENTIFICATION HAS CHANGED",
        "ssh does not trust the host's key",
        "connect once by hand, or put the key into ~/.ssh/known_hosts",
    ),
    _Row(
        "ssh-refused",
        r"Permission denied \([a-z,-]+\)",
        "the host refuses this ssh login",
        "check ssh_user and ssh_key_path; passwords are not asked for",
    ),
    _Row(
        "ssh-unreachable",
        r"ssh: (connect to host|Could not resolve hostname)|kex_exchange_identification"
        r"|Connection (closed|reset) by .* port|Connection to .* (closed|timed out)",
        "ssh does not reach the host",
        "check ssh_host and ssh_port",
    ),
    _Row(
        "client-missing",
        r"\b(docker|podman|nerdctl): ((command )?not found|No such file or directory)",
        "the client is not installed on that machine",
        "install it there, or name another with client=",
    ),
    _Row(
        "permission-denied",
        r"permission denied while trying to connect"
        r"|dial unix \S+: connect: permission denied|\.sock: permission denied",
        "this user may not use the daemon's socket",
        "add the user to the group 'docker' and log in again, or use a rootless daemon",
    ),
    _Row(
        "no-such-context",
        r"context \S+: context not found|context not found|current context \S+ is not found"
        r"|connection \S+ not found|no such connection",
        "no such context",
        "see `docker context ls` (`podman system connection list`)",
    ),
    _Row(
        "name-conflict",
        r"name \S+ is already in use|name-store error",
        "the container's name is taken",
        "run it again: a new name is made each time",
    ),
    _Row(
        "disk-full",
        r"no space left on device|disk quota exceeded",
        "the daemon's disk is full",
        "make room there: `docker system df` shows what takes it",
    ),
    _Row(
        "wrong-architecture",
        r"no matching manifest for|exec format error|image's platform .* does not match"
        r"|no image found in (manifest list|image index)",
        "the image is for another architecture",
        "name an image for the daemon's machine",
    ),
    _Row(
        "pull-failed",
        r"Error response from daemon: (Get|Head|Post) \"?https?://|toomanyrequests|rate limit"
        r"|failed to resolve reference|failed to do request|error pulling image"
        r"|pinging container registry|unauthorized: |no basic auth credentials"
        r"|failed to copy: httpReadSeeker|unable to retrieve auth token",
        "the image could not be pulled",
        "check the network and the login of the daemon's machine, or pull the image by hand",
    ),
    _Row(
        "image-absent",
        r"No such image|no such image|image not known|Unable to find image|pull access denied"
        r"|repository does not exist|manifest unknown|manifest for \S+ not found"
        r"|requested access to the resource is denied|image \S+ not found",
        "there is no such image",
        "check the name, or pull it; image_pull='never' takes only what is there",
    ),
    _Row(
        "tls",
        r"x509: |\btls: |HTTP request to an HTTPS server|HTTP response to HTTPS client"
        r"|unable to resolve docker endpoint: .*\.pem|could not (read|load) .*(certificate|key)",
        "no trusted connection (TLS) to the daemon",
        "check the certificates of the context, or DOCKER_CERT_PATH and DOCKER_TLS_VERIFY",
    ),
    _Row(
        "no-python",
        r"exec: \"?[^\"]*\"?: (executable file not found|stat |permission denied|no such file)"
        r"|executable file .* not found in \$PATH|exec: .*: not found",
        "the image has no such Python",
        "name an image with Python 3.9 or later, or the program's path with python=",
    ),
    _Row(
        "no-exec",
        r"nothing lets .* execute the agent",
        "the container lets nobody execute a program of ours",
        "leave runtime= and seccomp_profile= out, or allow exec of memfds",
    ),
    _Row(
        "no-such-runtime",
        r"(unknown or )?invalid runtime( name)?|Unknown runtime specified"
        r"|runtime \S+ (is )?not found"
        r"|default OCI runtime .* not found|no runtime for",
        "the daemon has no such runtime",
        "see `docker info`, or leave runtime= out",
    ),
    _Row(
        "seccomp-profile",
        r"opening seccomp profile|seccomp profile|seccomp.*(decod|unmarshal|invalid)",
        "the seccomp profile does not serve",
        "check the path of seccomp_profile= and its JSON",
    ),
    _Row(
        "no-such-user",
        r"unable to find (user|group)|no matching entries in (passwd|group) file",
        "the image has no such user",
        "name a number with user=",
    ),
    _Row(
        "memory-too-small",
        r"Minimum memory limit allowed|cannot start a container that has .*memory",
        "the container's memory is too small",
        "raise memory_limit_mb of the policy",
    ),
    _Row(
        "daemon-down",
        r"Cannot connect to the Docker daemon|failed to connect to the docker API"
        r"|Is the docker daemon running|error during connect|Cannot connect to Podman"
        r"|unable to connect to Podman|cannot access containerd socket"
        r"|dial (unix|tcp) .*(refused|no such file|timeout|no route|unreachable)",
        "the daemon does not answer",
        "start it (`sudo systemctl start docker`), or check docker_host and docker_context",
    ),
)

_COMPILED = [(re.compile(row.pattern), row) for row in _ROWS]

# What the words of the client do not tell.
_OTHERS = {
    "out-of-memory": (
        "the whole container ran out of memory",
        "raise memory_reserve_mb, or lower runs_per_container",
    ),
    "killed": (
        "the container was killed or stopped from outside",
        "run it again: the next run gets a new container",
    ),
    "died": ("the container ended by itself", "run it again: the next run gets a new container"),
    "no-container": (
        "no container became free in time",
        "raise pool_size= or acquire_timeout_seconds=",
    ),
    "hangs": ("the daemon does not answer in time", "check the daemon, and the network to it"),
    "build-failed": ("the image with the packages could not be built", "see the builder's lines"),
}


# What clients say beside the point.
_NOISE = re.compile(
    r"(See|Run) '(docker|podman|nerdctl)[^']*'( for more information)?\.?|^DEPRECATED: .*"
)
# How an engine begins that quotes a command.
_COMMAND = re.compile(r"^'.*?' (ended( before a Python answered)?)(?:: |$)")


def last_words(text: str, length: int = _QUOTE_MAX) -> str:
    """The last lines that say something, joined by ``; ``, cut at their beginning."""
    lines = [" ".join(_NOISE.sub("", line).split()) for line in text.splitlines()]
    said = "; ".join(filter(None, lines))
    return said if len(said) <= length else f"…{said[1 - length :]}"


def explain(client: str, said: str) -> Fault:
    """What a client, or an engine that quotes it, means by its words."""
    said = _COMMAND.sub(lambda match: "" if match.end() < len(said) else f"it {match[1]}", said)
    for pattern, row in _COMPILED:
        if pattern.search(said):
            return _fault(client, row.cause, row.words, said, row.next_step)
    return _fault(client, "failed", "", said, "")


def explain_as(client: str, cause: str, said: str) -> Fault:
    """The same where the cause, one of those above, is known from elsewhere."""
    words, next_step = _OTHERS[cause]
    return _fault(client, cause, words, said, next_step)


def explain_hang(client: str, command: str) -> Fault:
    """A command of the client was killed at its timeout."""
    return explain_as(client, "hangs", f"'{client} {command}'")


def explain_missing(program: str, error: OSError) -> Fault:
    """The client, or ssh, could not be started."""
    if not isinstance(error, FileNotFoundError):
        return _fault(program, "failed", f"'{program}' cannot be started", f"{error.strerror}", "")
    words = f"no program '{program}' on PATH"
    return _fault(program, "client-missing", words, "", _INSTALL[program])


def _fault(client: str, cause: str, words: str, said: str, next_step: str) -> Fault:
    parts = [_TITLES[client], words, last_words(said)]
    text = ": ".join(part for part in parts if part)
    return Fault(cause, f"{text}; {next_step}" if next_step else text)
