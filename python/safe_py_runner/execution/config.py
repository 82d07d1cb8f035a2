# SPDX-License-Identifier: MIT
"""Settings that engines share."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = [
    "CleanupSummary",
    "ContainerInfo",
    "DockerPoolSettings",
    "ImageInfo",
    "default_pool_settings",
    "validate_pinned_packages",
]

# NAME==VERSION or NAME[EXTRA,…]==VERSION (PEP 508 names, PEP 440 versions, nothing else: the text
# becomes an argument of the installer).
_PINNED = re.compile(
    r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
    r"(?:\[[A-Za-z0-9._-]+(?:\s*,\s*[A-Za-z0-9._-]+)*\])?"
    r"==[A-Za-z0-9][A-Za-z0-9.!+_-]*"
)


@dataclass(frozen=True, slots=True)
class DockerPoolSettings:
    """Limits of the pool of containers; times in seconds."""

    pool_size: int
    max_runs: int
    ttl_seconds: int
    acquire_timeout: float


@dataclass(frozen=True, slots=True)
class ContainerInfo:
    """A container of ours, as docker describes it."""

    id: str
    name: str
    image: str
    state: str
    status: str


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """An image of ours, as docker describes it."""

    id: str
    repository: str
    tag: str
    created_since: str
    size: str


@dataclass(frozen=True, slots=True)
class CleanupSummary:
    """How much a cleanup removed."""

    removed_containers: int
    removed_images: int


def default_pool_settings(timeout_seconds: float) -> DockerPoolSettings:
    """Pool settings for runs of at most ``timeout_seconds``: min(cpus, 4) containers, each for 25
    runs and 600 s; waiting for one may take 2 s longer than the run."""
    return DockerPoolSettings(
        pool_size=min(os.cpu_count() or 1, 4),
        max_runs=25,
        ttl_seconds=600,
        acquire_timeout=timeout_seconds + 2,
    )


def validate_pinned_packages(packages: Iterable[str] | None) -> list[str]:
    """Strip, deduplicate and sort package specs.

    Raises:
        TypeError: ``packages`` is a string, or holds something else than strings.
        ValueError: a spec is not ``name==version`` or ``name[extra]==version``.
    """
    if packages is None:
        return []
    if isinstance(packages, (str, bytes)):
        raise TypeError("packages must be a list of 'name==version', not a string")

    specs = list(packages)
    for spec in specs:
        if not isinstance(spec, str):
            raise TypeError(f"packages must hold strings, not {type(spec).__name__}")
    pinned = sorted({spec.strip() for spec in specs} - {""})
    for spec in pinned:
        if not _PINNED.fullmatch(spec):
            raise ValueError(f"packages must be pinned as 'name==version': {spec!r} is not")
    return pinned
