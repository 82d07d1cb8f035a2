# SPDX-License-Identifier: MIT
"""A Docker daemon for tests, and small images made of this machine's own files.

Nothing is fetched but docker itself, where it is not installed: the images hold this Debian's
Python and what it needs, and go in through `docker import`.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import guest

DAEMON_PATIENCE_S = 60
PACKAGES = {"docker": "docker.io", "dockerd": "docker.io", "iptables": "iptables"}
PYTHON = Path("/usr/bin/python3")
LINKS = ["bin", "lib", "lib64", "sbin"]  # into /usr, where that is how it is
PROGRAMS = [f"/usr/bin/{name}" for name in ("sh", "cat", "echo", "env", "sleep")]


def answers(docker: list[str]) -> bool:
    return subprocess.run([*docker, "version"], capture_output=True).returncode == 0


@contextmanager
def daemon(data: Path | None = None) -> Iterator[list[str]]:
    """`docker` with what it takes to reach a daemon; one of ours ends with the block.

    @data keeps its images; without, they go with it.
    """
    if answers(["docker"]):
        yield ["docker"]
        return
    with (
        tempfile.TemporaryDirectory(prefix="spr-docker-") as name,
        started(Path(name), data or Path(name) / "data") as docker,
    ):
        yield docker


@contextmanager
def started(place: Path, data: Path, *options: str) -> Iterator[list[str]]:
    """A daemon of our own, whatever else there is; its socket and its log are in @place."""
    docker = ["docker", "--host", f"unix://{place}/docker.sock"]
    command = ["dockerd", *docker[1:], "--data-root", str(data), *options]
    command += ["--exec-root", f"{place}/exec", "--pidfile", f"{place}/pid", "--group", "root"]
    command += ["--bridge", "none", "--iptables=false"]  # nothing here needs a network
    with open(place / "log", "w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    try:
        give_up = time.monotonic() + DAEMON_PATIENCE_S
        while not answers(docker):
            if process.poll() is not None or time.monotonic() > give_up:
                last = (place / "log").read_text().splitlines()[-5:]
                raise RuntimeError("no docker daemon: " + " | ".join(last))
            time.sleep(0.2)
        yield docker
    finally:
        process.terminate()
        process.wait()


# --- images ---


def _needed_libraries(programs: list[Path]) -> set[Path]:
    """By what the dynamic loader finds."""
    found = set()
    for program in programs:
        shown = subprocess.run(["ldd", program], capture_output=True, text=True).stdout
        found |= {Path(path) for path in re.findall(r"(/\S+) \(0x", shown)}
    return found


def _with_targets(paths: set[Path]) -> set[Path]:
    """Links, and what they lead to, each by a path without links among its directories."""
    whole = set()
    for path in paths:
        while True:
            path = Path(os.path.realpath(path.parent)) / path.name
            whole.add(path)
            if not path.is_symlink():
                break
            path = path.parent / os.readlink(path)
    return whole


def root_files(*, python: bool) -> list[str]:
    """Paths, relative to /, of a root file system with a shell and, maybe, a Python."""
    programs = [Path(program) for program in PROGRAMS]
    trees = []
    if python:
        library = _stdlib()
        programs.append(PYTHON)
        trees = [library]
        programs += library.glob("lib-dynload/*.so")
    paths = _with_targets({*programs, *_needed_libraries(programs)})
    paths = {path for path in paths if not any(path.is_relative_to(tree) for tree in trees)}
    links = [name for name in LINKS if Path("/", name).is_symlink()]
    return [*links, *sorted(str(path.relative_to("/")) for path in {*paths, *trees})]


def _stdlib() -> Path:
    code = "import os; print(os.path.dirname(os.__file__))"
    return Path(subprocess.check_output([PYTHON, "-I", "-c", code], text=True).strip())


def make_image(
    docker: list[str], name: str, *, python: bool = True, extra: Path | None = None
) -> str:
    """Imports an image; @extra is a directory whose contents are laid over its root."""
    tar = ["tar", "-cf", "-", "--exclude=__pycache__", "--exclude=python3.*/test"]
    tar += ["-C", "/", *root_files(python=python)]
    if extra is not None:
        tar += ["-C", str(extra), "."]
    with subprocess.Popen(tar, stdout=subprocess.PIPE) as archive:
        command = [*docker, "import", "-", name]
        subprocess.run(command, stdin=archive.stdout, stdout=subprocess.DEVNULL, check=True)
    if archive.returncode:
        raise RuntimeError("tar failed")
    return name


def need_docker() -> None:
    """Installs it where it is missing."""
    guest.need_programs(PACKAGES)
