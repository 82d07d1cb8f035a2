# SPDX-License-Identifier: MIT
"""DockerEngine: runs in containers that are warm, hardened and thrown away."""

from __future__ import annotations

import asyncio
import logging
import os
import time
import weakref
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import fields
from typing import TypeVar

from ..errors import AgentError, InterpreterError
from ..result import RunnerResult
from . import docker_managed
from .config import (
    CleanupSummary,
    ContainerInfo,
    ImageInfo,
    default_pool_settings,
    validate_pinned_packages,
)
from .docker_client import DockerClient, DockerError, Target
from .docker_container import ContainerPlan, DockerContainer, Verdict
from .docker_faults import Fault, explain, explain_as
from .docker_image import Image, ImageRecipe, default_image
from .docker_pool import AcquireTimeout, Pool, PoolLimits
from .docker_run import NOBODY, ContainerSettings, RunLimits
from .docker_stream import stream
from .native_engine import check_count, native_policy, preloads
from .owner import Owner
from .types import ExecutionOutcome, ExecutionRequest

__all__ = ["DockerEngine"]

_logger = logging.getLogger("safe_py_runner")

_START_MARGIN_SECONDS = 10.0  # of start(), beyond the startup timeout
_FIELD_MAX = 1 << 20  # of a policy: no container for what cannot be meant
_TIMEOUT_MAX = 86400.0

_NO_CONTAINER = (AcquireTimeout, AgentError, InterpreterError, OSError)

Key = TypeVar("Key")

_instances: weakref.WeakSet[DockerEngine] = weakref.WeakSet()


class DockerEngine(Owner):
    """Run code in containers: with a network of none, a read-only root, no capability, an
    unprivileged user, and limits; under an agent and a warm interpreter as :class:`LocalEngine`
    has them, so that a run costs about a millisecond. Any image with CPython 3.9 or later serves.

    Containers are started by the docker client when runs need them, kept, and removed by
    :meth:`close`, with the process, and if it is killed. Each has one run at a time, which finds
    ``/tmp`` empty. Runs with other limits (memory, disk, processes) get other containers. May be
    used from any number of threads and event loops.

    What goes wrong with docker is a result with exit code 125, which says what and what to do.
    Nothing ever runs elsewhere instead.

    Args:
        packages: ``name==version`` or ``name[extra]==version``; an image with them is built once,
            from wheels, and found again by other processes.
        container_registry: the image, or with ``packages`` the one to build on; default:
            ``python:3.X-slim`` of the version that runs here.
        name: keeps the built images of several engines apart.
        pool_size: containers at a time; default: the number of processors, at most 4.
        max_runs: runs in the life of a container. Default 25, after which it is replaced as soon as
            nobody would have to wait for it.
        ttl_seconds: age at which a container is replaced; default 600.
        acquire_timeout_seconds: how long a run may wait for a container, besides the time in which
            the image is pulled or built; default: its timeout and 2 s.
        docker_host: address of the daemon, ``unix://``, ``tcp://``, ``ssh://``.
        docker_context: a context of the client.
        ssh_host, ssh_user, ssh_port, ssh_key_path: a machine whose docker client is called, by ssh,
            which must need no password. Default of all of these: as the client by itself.
        client: ``docker``, ``podman`` or ``nerdctl``.
        runtime: a runtime that the daemon knows: ``runsc``, ``kata-runtime``.
        image_pull: ``missing``, ``never`` or ``always`` (when the engine needs its first
            container).
        cpus: processors for each container, fractions count; default: all.
        env: environment of the interpreter. A policy's ``env`` is the code's.
        user: ``UID:GID``; default 65534:65534.
        python: the interpreter in the image; default: ``python3``, else ``python``.
        runs_per_container: runs at a time in a container. Above 1 each has a directory of its own
            instead of ``/tmp``.
        preload, standbys: as for :class:`LocalEngine`.
        memory_reserve_mb: memory of a container beyond that of its runs, in MiB; more with large
            preloads.
        seccomp_profile: path of a seccomp profile, where the client runs; default: the daemon's.
        startup_timeout: seconds until a new container must have answered.
        progress: receives a line per step of a pull or a build; default: the logger
            ``safe_py_runner``, level INFO.

    Raises:
        TypeError: an argument of a wrong type.
        ValueError: contradictory ways to reach a daemon, packages that are not pinned, a value out
            of range.
    """

    _owns = "running containers"

    def __init__(
        self,
        *,
        packages: Sequence[str] | None = None,
        container_registry: str | None = None,
        name: str | None = None,
        pool_size: int | None = None,
        max_runs: int | None = None,
        ttl_seconds: int | None = None,
        acquire_timeout_seconds: float | None = None,
        docker_host: str | None = None,
        docker_context: str | None = None,
        ssh_host: str | None = None,
        ssh_user: str | None = None,
        ssh_port: int | None = None,
        ssh_key_path: str | None = None,
        client: str = "docker",
        runtime: str | None = None,
        image_pull: str = "missing",
        cpus: float | None = None,
        env: Mapping[str, str] | None = None,
        user: str = NOBODY,
        python: str | None = None,
        runs_per_container: int = 1,
        preload: Iterable[str] = (),
        standbys: int | None = None,
        memory_reserve_mb: int = 256,
        seccomp_profile: str | None = None,
        startup_timeout: float = 30.0,
        progress: Callable[[str], object] | None = None,
    ) -> None:
        checked_counts = {
            "pool_size": pool_size,
            "max_runs": max_runs,
            "ttl_seconds": ttl_seconds,
            "runs_per_container": runs_per_container,
            "memory_reserve_mb": memory_reserve_mb,
        }
        for argument, count in checked_counts.items():
            check_count(argument, count, 1)
        check_count("standbys", standbys, 0)
        _check_positive("acquire_timeout_seconds", acquire_timeout_seconds)
        _check_positive("cpus", cpus)
        _check_positive("startup_timeout", startup_timeout)
        pinned = validate_pinned_packages(packages)
        self._client = DockerClient(
            Target(client, docker_host, docker_context, ssh_host, ssh_user, ssh_port, ssh_key_path)
        )
        recipe = ImageRecipe(
            base=container_registry or default_image(),
            packages=tuple(pinned),
            name=name or "",
            python=_check_word("python", python or "python3"),
            pull=image_pull,
        )
        self._plan = ContainerPlan(
            client=self._client,
            image=Image(self._client, recipe, progress or _logger.info),
            settings=ContainerSettings(
                slots=runs_per_container,
                memory_reserve_mb=memory_reserve_mb,
                user=_check_word("user", user),
                cpus=cpus,
                env=_check_env(env),
                runtime=None if runtime is None else _check_word("runtime", runtime),
                seccomp_profile=seccomp_profile,
            ),
            python=python,
            preload=preloads(preload),
            standbys=standbys,
            startup_timeout=startup_timeout,
        )

        defaults = default_pool_settings(0)
        self._name = f"image={recipe.base!r}"
        self._acquire_timeout = acquire_timeout_seconds
        self._size = pool_size or defaults.pool_size
        self._most = self._size * runs_per_container
        limits = PoolLimits(
            size=self._size,
            slots=runs_per_container,
            max_runs=max_runs or defaults.max_runs,
            strict=max_runs is not None,
            ttl_seconds=ttl_seconds or defaults.ttl_seconds,
        )
        self._pool = Pool(self._plan.container, limits)
        self._plan.preparing = self._pool.preparing
        self._finalizer = weakref.finalize(self, _close, self._pool, self._plan)
        _instances.add(self)

    # --- runs ---

    def execute(self, request: ExecutionRequest) -> ExecutionOutcome:
        """Run one request; blocks, other threads go on.

        Returns an outcome whose ``reply`` is the result; what goes wrong with docker or with a
        container is a reply with exit code 125. Raises as :func:`~safe_py_runner.run_code` does.
        """
        key, patience = self._terms(request)
        if (refusal := _refusal(request)) is not None:
            return refusal
        for last in (False, True):
            verdict: Verdict | None = None
            try:
                lease = self._pool.acquire(key, patience)
            except _NO_CONTAINER as error:
                return self._failure_of(error, patience)
            begun_ns = time.time_ns()
            try:
                outcome = lease.container.engine.execute(request)
                if words := _infra_words(outcome):
                    verdict = lease.container.explain(words, begun_ns)
            finally:
                self._pool.release(lease, broken=verdict is not None and verdict.broken)
            if verdict is None:
                return outcome
            if last or not verdict.unstarted:
                return _failure(verdict.text)
        raise AssertionError("the last one returns")

    async def aexecute(self, request: ExecutionRequest) -> ExecutionOutcome:
        """The same for asyncio. Where the task that waits is cancelled, the run is killed."""
        key, patience = self._terms(request)
        if (refusal := _refusal(request)) is not None:
            return refusal
        for last in (False, True):
            verdict: Verdict | None = None
            try:
                lease = await self._pool.aacquire(key, patience)
            except _NO_CONTAINER as error:
                return self._failure_of(error, patience)
            begun_ns = time.time_ns()
            try:
                outcome = await lease.container.engine.aexecute(request)
                if words := _infra_words(outcome):
                    explain_it = lease.container.explain
                    verdict = await asyncio.to_thread(explain_it, words, begun_ns)
            finally:
                self._pool.release(lease, broken=verdict is not None and verdict.broken)
            if verdict is None:
                return outcome
            if last or not verdict.unstarted:
                return _failure(verdict.text)
        raise AssertionError("the last one returns")

    def execute_many(
        self,
        requests: Iterable[tuple[Key, ExecutionRequest]],
        max_concurrency: int | None = None,
    ) -> Generator[tuple[Key, ExecutionOutcome], None, None]:
        """Run pairs of a key and a request, several at a time, and yield the keys with their
        outcomes as they complete. See :func:`~safe_py_runner.run_many`."""
        return stream(self.aexecute, requests, min(max_concurrency or self._most, self._most))

    def start(self) -> None:
        """Start a container for runs with the default limits now instead of with the first run;
        blocks until it is warm, also while the image is pulled or built.

        Raises:
            DockerError: (an AgentError) it does not start, with the cause and the next step.
            InterpreterError: its Python does not.
            ClosedError: the engine was closed.
        """
        patience = self._plan.startup_timeout + _START_MARGIN_SECONDS
        try:
            lease = self._pool.acquire(RunLimits(), patience)
        except AcquireTimeout:
            raise DockerError(self._no_container(patience)) from None
        self._pool.release(lease, unused=True)

    def _terms(self, request: ExecutionRequest) -> tuple[RunLimits, float]:
        """Which container serves it, and how many seconds it waits for one."""
        policy = request.policy
        limits = [policy.get(f.name, f.default) for f in fields(RunLimits)]
        timeout = request.timeout_seconds
        if not (all(map(_is_ordinary, limits)) and 0 < timeout <= _TIMEOUT_MAX):
            native_policy(request)  # says what is wrong
        if self._acquire_timeout is not None:
            return RunLimits(*limits), self._acquire_timeout
        return RunLimits(*limits), default_pool_settings(timeout).acquire_timeout

    def _failure_of(self, error: Exception, patience: float) -> ExecutionOutcome:
        if isinstance(error, AcquireTimeout):
            return _failure(self._no_container(patience).text)
        if isinstance(error, DockerError):
            return _failure(str(error))
        return _failure(explain(self._client.target.client, str(error)).text)

    def _no_container(self, patience: float) -> Fault:
        said = f"none of {self._size} within {patience:g}s"
        return explain_as(self._client.target.client, "no-container", said)

    # --- what the daemon has of ours ---

    def list_containers(self, all_states: bool = False) -> list[ContainerInfo]:
        """The containers of safe-py-runner that run, of whichever engine and process; or all.

        Raises:
            DockerError: the daemon does not say.
        """
        return docker_managed.list_containers(self._manager(), all_states)

    def list_images(self) -> list[ImageInfo]:
        """The images that were built for packages. Raises as :meth:`list_containers`."""
        return docker_managed.list_images(self._manager())

    def stop_container(self, container_id: str, timeout_seconds: int = 10) -> None:
        """End a container in order; after ``timeout_seconds`` it is killed.

        Raises:
            ValueError: it is not managed by safe-py-runner, or is not there.
            DockerError: the daemon does not do it.
        """
        docker_managed.stop_container(self._manager(), container_id, timeout_seconds)

    def kill_container(self, container_id: str) -> None:
        """End a container at once. Raises as :meth:`stop_container`."""
        docker_managed.kill_container(self._manager(), container_id)

    def cleanup_stale(self) -> CleanupSummary:
        """Remove the containers of safe-py-runner that do not run any more, and its images that no
        container uses. Raises as :meth:`list_containers`."""
        return docker_managed.clean_up(self._manager())

    def _manager(self) -> DockerClient:
        """Serves a closed engine, too."""
        return DockerClient(self._client.target)

    def _after_fork_in_child(self) -> None:
        """The containers are the parent's."""
        self._client.forget()
        self._plan.forget()
        self._pool.forget()


def _close(pool: Pool[RunLimits, DockerContainer], plan: ContainerPlan) -> None:
    plan.client.interrupt()  # a pull, a build
    pool.close()
    if plan.n_started > 0:  # what did not end with its stream
        docker_managed.remove_containers_of(DockerClient(plan.client.target), plan.engine_id)


def _refusal(request: ExecutionRequest) -> ExecutionOutcome | None:
    if request.policy.get("network") != "host":
        return None
    return _failure(
        "Docker: the containers of a DockerEngine have no network: network='host' "
        "cannot be had; use another engine, or leave it out of the policy"
    )


def _infra_words(outcome: ExecutionOutcome) -> str | None:
    reply = outcome.reply
    if reply is None or reply.outcome != "infra":
        return None
    return reply.error or "no reason given"


def _failure(text: str) -> ExecutionOutcome:
    return ExecutionOutcome.from_result(
        RunnerResult(ok=False, exit_code=125, error=text, outcome="infra")
    )


def _is_ordinary(value: object) -> bool:
    return isinstance(value, int) and 0 < value <= _FIELD_MAX


def _check_positive(argument: str, value: float | None) -> None:
    if value is None:
        return
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise TypeError(f"{argument} must be a number, not {type(value).__name__}")
    if not 0 < value < float("inf"):
        raise ValueError(f"{argument} must be more than 0, not {value}")


def _check_word(argument: str, value: str) -> str:
    """Not empty, and nothing that a client would take for an option."""
    if not isinstance(value, str):
        raise TypeError(f"{argument} must be a str, not {type(value).__name__}")
    if not value or value.startswith("-") or not value.isprintable() or " " in value:
        raise ValueError(f"{argument} cannot be {value!r}")
    return value


def _check_env(env: Mapping[str, str] | None) -> tuple[tuple[str, str], ...]:
    pairs = tuple(sorted((env or {}).items()))
    for name, value in pairs:
        if not isinstance(name, str) or not isinstance(value, str):
            raise TypeError("env must map strings to strings")
        if not name or "=" in name or "\0" in name + value:
            raise ValueError(f"env: {name!r} is not the name of a variable")
    return pairs


def _after_fork_in_child() -> None:
    for engine in list(_instances):
        engine._after_fork_in_child()


os.register_at_fork(after_in_child=_after_fork_in_child)
