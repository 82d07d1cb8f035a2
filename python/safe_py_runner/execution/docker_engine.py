# SPDX-License-Identifier: MIT
"""DockerEngine: its arguments are checked; this build has no engine behind them yet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from ..result import RunnerResult
from .config import CleanupSummary, ContainerInfo, ImageInfo, validate_pinned_packages
from .types import ExecutionOutcome, ExecutionRequest

__all__ = ["DockerEngine"]

_ABSENT = "this build of safe-py-runner has no Docker engine yet; use LocalEngine"


class DockerEngine:
    """Run code in containers. Not available in this build: :meth:`execute` answers ``ok=False``
    with exit code 125, and never falls back to another engine.

    Raises:
        ValueError: contradictory ways to reach a daemon, or packages that are not pinned.
    """

    def __init__(
        self,
        *,
        packages: Sequence[str] | None = None,
        container_registry: str | None = None,
        name: str | None = None,
        pool_size: int | None = None,
        max_runs: int | None = None,
        ttl_seconds: int | None = None,
        acquire_timeout_seconds: int | None = None,
        docker_host: str | None = None,
        docker_context: str | None = None,
        ssh_host: str | None = None,
        ssh_user: str | None = None,
        ssh_port: int | None = None,
        ssh_key_path: str | None = None,
    ) -> None:
        ssh = {"ssh_user": ssh_user, "ssh_port": ssh_port, "ssh_key_path": ssh_key_path}

        validate_pinned_packages(packages)
        if docker_context and (docker_host or ssh_host or any(ssh.values())):
            raise ValueError("Use either docker_context or docker_host/ssh settings, not both")
        for option, value in ssh.items():
            if value and not ssh_host:
                raise ValueError(f"{option} requires ssh_host")

    def execute(self, request: ExecutionRequest) -> ExecutionOutcome:
        """Answer that there is no Docker engine."""
        return ExecutionOutcome.from_result(
            RunnerResult(ok=False, exit_code=125, error=_ABSENT, outcome="infra")
        )

    def list_containers(self, all_states: bool = False) -> list[ContainerInfo]:
        """Not available in this build: raises NotImplementedError."""
        _refuse()

    def list_images(self) -> list[ImageInfo]:
        """Not available in this build: raises NotImplementedError."""
        _refuse()

    def stop_container(self, container_id: str, timeout_seconds: int = 10) -> None:
        """Not available in this build: raises NotImplementedError."""
        _refuse()

    def kill_container(self, container_id: str) -> None:
        """Not available in this build: raises NotImplementedError."""
        _refuse()

    def cleanup_stale(self) -> CleanupSummary:
        """Not available in this build: raises NotImplementedError."""
        _refuse()


def _refuse() -> NoReturn:
    raise NotImplementedError(_ABSENT)  # a RuntimeError, as the reference raises
