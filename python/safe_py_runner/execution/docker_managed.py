# SPDX-License-Identifier: MIT
"""What of a daemon is ours, by its labels: it is listed, stopped, cleared away; nothing else is."""

from __future__ import annotations

import contextlib
import re
import time

from .config import CleanupSummary, ContainerInfo, ImageInfo
from .docker_client import DockerClient, DockerError
from .docker_run import LABEL_ENGINE_ID, MANAGED

__all__ = [
    "clean_up",
    "kill_container",
    "list_containers",
    "list_images",
    "remove_containers_of",
    "stop_container",
]

_IMAGE = ("ID", "Repository", "Tag", "CreatedSince", "Size")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_STOP_MARGIN_SECONDS = 30.0
_REMOVE_SECONDS = 3.0


def list_containers(client: DockerClient, all_states: bool = False) -> list[ContainerInfo]:
    """The running ones, or all."""
    every = ["--all"] if all_states else []
    rows = _table(client, "container", ("ID", "Names", "Image", "Status"), every)
    return [
        ContainerInfo(id, name, image, _state(status), status) for id, name, image, status in rows
    ]


def _state(status: str) -> str:
    """Of "Up 2 minutes", "Exited (0) 3 hours ago"; what clients call the state is not the same."""
    word = status.partition(" ")[0].lower()
    return ("paused" if "(Paused)" in status else "running") if word == "up" else word


def list_images(client: DockerClient) -> list[ImageInfo]:
    """Those that were built for packages."""
    return [ImageInfo(*row) for row in _table(client, "image", _IMAGE, [])]


def _table(
    client: DockerClient, noun: str, columns: tuple[str, ...], options: list[str]
) -> list[list[str]]:
    template = "\t".join(f"{{{{.{column}}}}}" for column in columns)
    words = [noun, "ls", *options, "--filter", f"label={MANAGED}", "--format", template]
    rows = [line.split("\t") for line in client.ask(*words).splitlines() if line]
    return [row for row in rows if len(row) == len(columns)]


def stop_container(client: DockerClient, container_id: str, timeout_seconds: int = 10) -> None:
    """End a container of ours in order; after ``timeout_seconds`` it is killed.

    Raises:
        ValueError: it is not ours, or is not there.
        DockerError: the daemon does not do it.
    """
    found = _managed_id(client, container_id)
    seconds = max(0, int(timeout_seconds))
    words = ["stop", "-t", str(seconds), found]
    _unless_gone(client, words, seconds + _STOP_MARGIN_SECONDS)


def kill_container(client: DockerClient, container_id: str) -> None:
    """End a container of ours at once. Raises as :func:`stop_container`."""
    _unless_gone(client, ["kill", _managed_id(client, container_id)], _STOP_MARGIN_SECONDS)


def _managed_id(client: DockerClient, container_id: str) -> str:
    """The full id, which nothing else can be taken for meanwhile."""
    refusal = f"Container '{container_id}' is not managed by safe-py-runner"
    if not _ID.fullmatch(container_id):
        raise ValueError(f"{refusal}: that is no id")
    label = MANAGED.partition("=")[0]
    template = f'{{{{.Id}}}}\t{{{{index .Config.Labels "{label}"}}}}'
    words = ["container", "inspect", "--format", template, container_id]
    answer = client.run(words, _STOP_MARGIN_SECONDS)
    if answer.status != 0:
        if re.search(r"[Nn]o such container|no container with", answer.stderr):
            raise ValueError(f"{refusal}: there is no such container")
        raise client.error(answer, words)
    full_id, _, managed = answer.stdout.strip().partition("\t")
    if managed != "true":
        raise ValueError(f"{refusal}: it lacks the label {MANAGED}")
    return full_id


def _unless_gone(client: DockerClient, words: list[str], timeout: float) -> None:
    """Ours are removed as they end, which may be just now."""
    answer = client.run(words, timeout)
    gone = r"[Nn]o such container|no container with|is not running|removal of container"
    if answer.status != 0 and not re.search(gone, answer.stderr):
        raise client.error(answer, words)


def clean_up(client: DockerClient) -> CleanupSummary:
    """Remove the containers of ours that do not run any more, and the images that none uses.

    One that was created just now is about to start and stays.
    """
    rows = _table(client, "container", ("ID", "Status", "RunningFor"), ["--all"])
    stale = [id for id, status, age in rows if _is_stale(_state(status), age)]
    n_containers = sum(_removed(client, "container", each) for each in stale)
    images = dict.fromkeys(image.id for image in list_images(client))
    n_images = sum(_removed(client, "image", each) for each in images)
    return CleanupSummary(n_containers, n_images)


def _is_stale(state: str, age: str) -> bool:
    return state in ("exited", "dead", "stopped") or (state == "created" and "second" not in age)


def _removed(client: DockerClient, noun: str, id: str) -> bool:
    """An image that something uses, or a container that somebody else just removed, is none."""
    return client.run([noun, "rm", id], _STOP_MARGIN_SECONDS).status == 0


def remove_containers_of(client: DockerClient, engine_id: str) -> None:
    """Whatever is left of an engine that has been closed. Where the daemon does not answer, it is
    left to the containers themselves: they end with their stream, or when nobody speaks on it."""
    give_up = time.monotonic() + _REMOVE_SECONDS
    label = f"label={LABEL_ENGINE_ID}={engine_id}"
    words = ["container", "ls", "--all", "--quiet", "--filter", label]
    with contextlib.suppress(DockerError):
        while listed := client.ask(*words, timeout=_REMOVE_SECONDS).split():
            client.run(["container", "rm", "--force", *listed], _REMOVE_SECONDS)
            if time.monotonic() > give_up:
                return
