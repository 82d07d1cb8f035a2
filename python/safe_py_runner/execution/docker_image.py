# SPDX-License-Identifier: MIT
"""The image that containers are made from: named, pulled where need be, or built with packages.

A built image is found again by its tag, which is a hash of all that goes into it: the base image's
id, the packages, the engine's name. Processes that want the same one take turns.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .docker_client import DockerClient, DockerError
from .docker_faults import explain, explain_as, last_words
from .docker_process import Line
from .docker_run import LABEL_ENV_HASH, LABELS

__all__ = ["Image", "ImageRecipe", "default_image"]

_PULL_POLICIES = ("missing", "never", "always")

_PULL_SECONDS = 900.0
_BUILD_SECONDS = 1800.0
_INSPECT_SECONDS = 15.0
_REPOSITORY = "safe-py-runner-env"
_RECIPE_VERSION = 1  # goes up with every change of _dockerfile()
_HASH_DIGITS = 16
_LINES_MAX = 1200  # characters of the builder's last lines

_REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@+-]*")


def default_image() -> str:
    """The slim image of Docker's official Python, in the version that runs here."""
    return f"python:{sys.version_info[0]}.{sys.version_info[1]}-slim"


@dataclass(frozen=True, slots=True)
class ImageRecipe:
    """What an engine's image is made of.

    Attributes:
        base: the image as it was named.
        packages: ``name==version``, sorted; empty: the base serves as it is.
        name: keeps images apart that hold the same.
        python: the interpreter that installs the packages.
        pull: ``missing``, ``never`` or ``always``.

    Raises:
        ValueError: the client could take the base for something else than an image; another word
            for ``pull``.
    """

    base: str
    packages: tuple[str, ...] = ()
    name: str = ""
    python: str = "python3"
    pull: str = "missing"

    def __post_init__(self) -> None:
        if not _REFERENCE.fullmatch(self.base):
            raise ValueError(f"container_registry must name an image, not {self.base!r}")
        if self.pull not in _PULL_POLICIES:
            known = ", ".join(_PULL_POLICIES)
            raise ValueError(f"image_pull must be one of {known}, not {self.pull!r}")

    def digest(self, base_id: str = "") -> str:
        """Names the environment; with ``base_id`` to the byte."""
        parts = [_RECIPE_VERSION, self.base, base_id, self.python, self.name, self.packages]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:_HASH_DIGITS]


class Image:
    """The image of one engine, brought about when it is first needed. Any number of threads.

    Args:
        progress: gets a line per step.
    """

    def __init__(self, client: DockerClient, recipe: ImageRecipe, progress: Line) -> None:
        self._client = client
        self._recipe = recipe
        self._progress = progress
        self._lock = threading.Lock()
        self._reference: str | None = None

    def forget(self) -> None:
        """In a forked child: whoever was at it is not here."""
        self._lock = threading.Lock()

    @property
    def env_hash(self) -> str:
        """For labels and names."""
        return self._recipe.digest()

    @property
    def ready(self) -> bool:
        """Whether :meth:`get` has nothing to do."""
        return self._reference is not None or self._serves_at_once

    @property
    def _serves_at_once(self) -> bool:
        """It is tried before anybody asks whether the daemon has it: it mostly does."""
        return not self._recipe.packages and self._recipe.pull != "always"

    def get(self) -> str:
        """A reference to the image. Blocks while it is pulled or built.

        Raises:
            DockerError: it is absent, and could not be pulled or built.
        """
        with self._lock:
            if self._reference is None:
                self._reference = self._make()
            return self._reference

    def absent(self, reference: str) -> str:
        """The daemon has no image of that name (any more): pull or build it.

        Raises:
            DockerError: as for :meth:`get`.
        """
        with self._lock:
            if self._recipe.packages:
                self._reference = self._make()
            elif self._recipe.pull != "never":
                self._pull(reference)
            else:
                raise DockerError(explain(self._title, f"No such image: {reference}"))
        return reference if self._reference is None else self._reference

    @property
    def _title(self) -> str:
        return self._client.target.client

    def _make(self) -> str:
        recipe = self._recipe
        if recipe.pull == "always":
            self._pull(recipe.base)
        if not recipe.packages:
            return recipe.base
        tag = f"{_REPOSITORY}:{recipe.digest(self._base_id())}"
        with _turn(tag):
            if self._id(tag) is None:
                self._build(tag)
        return tag

    def _id(self, reference: str) -> str | None:
        """None where the daemon does not have it."""
        arguments = ["image", "inspect", "--format", "{{.Id}}", reference]
        answer = self._client.run(arguments, _INSPECT_SECONDS)
        if answer.status == 0:
            return answer.stdout.strip()
        error = self._client.error(answer, arguments)
        if error.cause == "image-absent":
            return None
        raise error

    def _base_id(self) -> str:
        base = self._recipe.base
        found = self._id(base)
        if found is None and self._recipe.pull != "never":
            self._pull(base)
            found = self._id(base)
        if found is None:
            raise DockerError(explain(self._title, f"No such image: {base}"))
        return found

    def _pull(self, reference: str) -> None:
        self._progress(f"pulling {reference}")
        arguments = ["pull", reference]
        answer = self._client.run(arguments, _PULL_SECONDS, line=self._progress)
        if answer.status == 0:
            return
        error = self._client.error(answer, arguments)
        if error.cause == "failed":
            error = DockerError(explain(self._title, f"error pulling image: {answer.stderr}"))
        raise error

    def _build(self, tag: str) -> None:
        self._progress(f"building {tag} with {', '.join(self._recipe.packages)}")
        arguments = ["build", "--tag", tag]
        for label in (*LABELS, f"{LABEL_ENV_HASH}={self.env_hash}"):
            arguments += ["--label", label]
        lines: list[str] = []

        def line(text: str) -> None:
            lines[:] = [*lines[-30:], text]
            self._progress(text)

        dockerfile = _dockerfile(self._recipe).encode()
        answer = self._client.run([*arguments, "-"], _BUILD_SECONDS, dockerfile, line)
        if answer.status == 0:
            return
        error = self._client.error(answer, arguments)
        if error.cause in ("failed", "no-python", "image-absent", "hangs"):
            said = last_words("\n".join(lines), _LINES_MAX) or str(error)
            error = DockerError(explain_as(self._title, "build-failed", said))
        raise error


def _dockerfile(recipe: ImageRecipe) -> str:
    """Wheels only, as in a local venv: nothing of a package runs before it is confined. The names
    of packages and images hold nothing that a Dockerfile or JSON takes for more than a word."""
    install = [recipe.python, "-m", "pip", "install", "--no-cache-dir", "--no-input"]
    install += ["--disable-pip-version-check", "--only-binary=:all:", *recipe.packages]
    lines = [
        f"FROM {recipe.base}",
        "USER 0",
        # Debian marks its own Python; in an image of its own nobody else is disturbed.
        "ARG PIP_BREAK_SYSTEM_PACKAGES=1",
        "ARG PIP_ROOT_USER_ACTION=ignore",
        f"RUN {json.dumps(install)}",
        "",
    ]
    return "\n".join(lines)


@contextlib.contextmanager
def _turn(tag: str) -> Iterator[None]:
    """One process of this user at a time builds an image."""
    with open(_lock_path(tag), "wb", opener=_open_lock) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _open_lock(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


def _lock_path(tag: str) -> Path:
    name = f"{tag.replace(':', '-')}.lock"
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    directory = Path(cache) / "safe-py-runner"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        if os.access(directory, os.W_OK):
            return directory / name
    except OSError:
        pass
    return Path(tempfile.gettempdir()) / f"safe-py-runner-{os.getuid()}-{name}"
