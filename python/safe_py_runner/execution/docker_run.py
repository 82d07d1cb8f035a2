# SPDX-License-Identifier: MIT
"""The command line of `docker run`, from settings. No process, no state."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "LABELS",
    "LABEL_ENGINE_ID",
    "LABEL_ENV_HASH",
    "MANAGED",
    "NAME_PREFIX",
    "NOBODY",
    "ContainerSettings",
    "RunLimits",
    "memory_mb",
    "pids",
    "run_arguments",
]

NAME_PREFIX = "safe-py-runner-"
NOBODY = "65534:65534"

MANAGED = "safe_py_runner.managed=true"
LABELS = (MANAGED, "safe_py_runner.engine=docker", "safe_py_runner.project=safe-py-runner")
LABEL_ENV_HASH = "safe_py_runner.env_hash"
LABEL_ENGINE_ID = "safe_py_runner.engine_id"

_PIDS_MIN = 256
_PIDS_OF_OURS = 64  # the agent, the zygotes and their standbys
_TMP_MIN_MB = 128
# Where memory cannot hold the agent's program, it goes here; nothing else may be executed.
_AGENT_TMPFS = "/run/spr:rw,exec,nosuid,nodev,size=8m,mode=0700"


@dataclass(frozen=True, slots=True)
class RunLimits:
    """What a policy says that a container is made for, named as there.

    Attributes:
        memory_limit_mb: memory of a run, in MiB.
        disk_mb: what it may have in files, in MiB.
        max_processes: its processes and threads.
    """

    memory_limit_mb: int = 256
    disk_mb: int = 128
    max_processes: int = 64


@dataclass(frozen=True, slots=True)
class ContainerSettings:
    """What a container is made of; equal ones may stand in for each other.

    Attributes:
        image: a reference that the daemon has.
        env_hash: which environment it is, for the label.
        python: the interpreter: a name on the image's PATH, or a path.
        slots: how many runs it has at a time.
        limits: of each of them.
        memory_reserve_mb: what the agent and the warm interpreter may use, in MiB.
        user: ``UID:GID``, or names that the image knows.
        cpus: processors, fractions count; None: all.
        env: of the interpreter, on top of the image's own.
        runtime: the daemon's runtime: ``runsc``, ``kata``; None: its default.
        seccomp_profile: path of a profile, where the client runs; None: the daemon's default.
        executable_tmpfs: with a small tmpfs for the agent's program.
    """

    image: str = ""
    env_hash: str = ""
    python: str = "python3"
    slots: int = 1
    limits: RunLimits = RunLimits()
    memory_reserve_mb: int = 256
    user: str = NOBODY
    cpus: float | None = None
    env: tuple[tuple[str, str], ...] = ()
    runtime: str | None = None
    seccomp_profile: str | None = None
    executable_tmpfs: bool = False


def memory_mb(settings: ContainerSettings) -> int:
    """The container's limit: ours, and for each run its memory and its files, which are memory
    here. So a run that takes all it can get ends alone."""
    run = settings.limits.memory_limit_mb + settings.limits.disk_mb
    return settings.memory_reserve_mb + settings.slots * max(run, _TMP_MIN_MB)


def pids(settings: ContainerSettings) -> int:
    """How many processes and threads the container may have."""
    return max(_PIDS_MIN, _PIDS_OF_OURS + settings.slots * settings.limits.max_processes)


def _tmp_mb(settings: ContainerSettings) -> int:
    """The size of /tmp."""
    return max(_TMP_MIN_MB, settings.slots * settings.limits.disk_mb)


def run_arguments(
    client: str, name: str, settings: ContainerSettings, engine_id: str = ""
) -> list[str]:
    """Arguments of the client that run ``settings.python`` on a pipe; words for the interpreter may
    be appended.

    The image is never pulled by it: that takes its time and is done before.
    """
    words = [*_global_options(client, settings), "run", "--rm", "--interactive", "--name", name]
    words += ["--pull", "never"]
    for label in _labels(settings, engine_id):
        words += ["--label", label]
    words += _isolation(client, settings)
    words += _limits(client, settings)
    words += _surroundings(client, settings)
    return [*words, "--entrypoint", settings.python, settings.image]


def _global_options(client: str, settings: ContainerSettings) -> list[str]:
    """podman takes its runtime before the verb."""
    if client == "podman" and settings.runtime:
        return ["--runtime", settings.runtime]
    return []


def _labels(settings: ContainerSettings, engine_id: str) -> list[str]:
    labels = [*LABELS, f"{LABEL_ENV_HASH}={settings.env_hash}"]
    return [*labels, f"{LABEL_ENGINE_ID}={engine_id}"] if engine_id else labels


def _isolation(client: str, settings: ContainerSettings) -> list[str]:
    words = ["--network", "none", "--read-only", "--user", settings.user]
    words += ["--cap-drop", "ALL", "--security-opt", "no-new-privileges"]
    if settings.seccomp_profile:
        words += ["--security-opt", f"seccomp={settings.seccomp_profile}"]
    words += ["--ipc", "private" if client == "nerdctl" else "none"]
    if client == "podman":
        words.append("--read-only-tmpfs=false")  # else /run and /var/tmp can be written to
    if settings.runtime and client != "podman":
        words += ["--runtime", settings.runtime]
    return words


def _limits(client: str, settings: ContainerSettings) -> list[str]:
    memory = f"{memory_mb(settings)}m"
    words = ["--memory", memory, "--memory-swap", memory]  # equal: no swap
    words += ["--pids-limit", str(pids(settings)), "--ulimit", "core=0"]
    if client == "podman":  # wants a million of each by default, which not every root may have
        words += ["--ulimit", "nofile=4096:4096", "--ulimit", "nproc=4096:4096"]
    if settings.cpus is not None:
        words += ["--cpus", f"{settings.cpus:g}"]
    return words


def _surroundings(client: str, settings: ContainerSettings) -> list[str]:
    keep_empty = ",notmpcopyup" if client == "podman" else ""  # not the image's own /tmp
    tmp = f"/tmp:rw,noexec,nosuid,nodev,size={_tmp_mb(settings)}m,mode=1777{keep_empty}"
    # The image's own directory may be closed to the user, and its health is not our business.
    words = ["--tmpfs", tmp, "--workdir", "/", "--log-driver", "none"]
    if settings.executable_tmpfs:
        words += ["--tmpfs", f"{_AGENT_TMPFS}{_owner(settings.user)}{keep_empty}"]
    if client != "nerdctl":
        words.append("--no-healthcheck")
    for name, value in settings.env:
        words += ["--env", f"{name}={value}"]
    return words


def _owner(user: str) -> str:
    uid, _, gid = user.partition(":")
    if not uid.isdecimal():
        return ",mode=1777"  # the kernel knows numbers only
    return f",uid={uid},gid={gid if gid.isdecimal() else uid}"
