# SPDX-License-Identifier: MIT
"""What bench/peers and bench/judge share: jobs, an environment with pandas, hosts to give orders.

A host is a process that runs the job when it is told: bench/runner.c through the C API of this
project, bench/contestant.py in all other ways. Orders are lines, so that hosts can be measured in
turn, while the others wait.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
BUILD = Path(os.environ.get("SPR_BUILD", ROOT / "build")).resolve()
HOST_PYTHON = os.environ.get("SPR_HOST_PYTHON", str(ROOT / ".venv/bin/python"))
DEBIAN_PYTHON = "/usr/bin/python3"
PATIENCE_S = 120
PROGRAMS = {"bwrap": "bubblewrap", "firejail": "firejail", "runsc": "runsc"}

sys.path.insert(0, str(ROOT / "tests"))

import guest  # noqa: E402


class Job(NamedTuple):
    code: str
    input: Any
    expected: Any
    preload: list[str]


SQRT = Job('result = input_data["x"] ** 0.5', {"x": 81}, 9.0, [])
GROUPBY = Job(
    "import pandas\n"
    "frame = pandas.DataFrame({'who': input_data['who'], 'what': input_data['what']})\n"
    "sums = frame.groupby('who')['what'].sum()\n"
    "result = {who: int(what) for who, what in sums.items()}",
    {"who": ["a", "b", "c", "d"] * 25, "what": list(range(100))},
    {"a": 1200, "b": 1225, "c": 1250, "d": 1275},
    ["numpy", "pandas"],
)
JOBS = {"sqrt": SQRT, "groupby": GROUPBY}


def say(text: str) -> None:
    print(f"bench: {text}", file=sys.stderr, flush=True)


def _install(place: Path) -> None:
    """The environment, and beside it why a package is not in it."""
    say(f"making an environment in {place}: once")
    subprocess.run([DEBIAN_PYTHON, "-m", "venv", "--clear", str(place / "venv")], check=True)
    pip = [str(place / "venv/bin/python"), "-m", "pip", "--disable-pip-version-check", "--quiet"]
    lines = HERE.joinpath("packages.txt").read_text().splitlines()
    for line in lines:
        if line.startswith("#"):
            continue
        done = subprocess.run(
            [*pip, "install", "--only-binary", ":all:", *line.split()],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if done.returncode:
            say(f"{line}: {done.stdout.strip().splitlines()[-1]}")
    place.joinpath("stamp").write_text("\n".join(lines))


def environment() -> str:
    """The interpreter of an environment that holds packages.txt, as far as it can be installed."""
    place = guest.CACHE / "bench"
    place.mkdir(parents=True, exist_ok=True)
    with open(place / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp = place / "stamp"
        pins = "\n".join(HERE.joinpath("packages.txt").read_text().splitlines())
        if not stamp.exists() or stamp.read_text() != pins:
            _install(place)
    return str(place / "venv/bin/python")


def install_programs() -> None:
    """Those that Debian packages; without root, what there is."""
    if os.geteuid() == 0:
        for program, package in PROGRAMS.items():
            with suppress(subprocess.CalledProcessError):  # then its row says so
                guest.need_programs({program: package})


def build_runner(directory: str) -> str:
    program = f"{directory}/runner"
    source = [str(HERE / "runner.c"), f"-I{ROOT}/include", str(BUILD / "libspr.so")]
    command = [os.environ.get("CC", "cc"), "-O2", "-o", program, *source, "-pthread"]
    subprocess.run([*command, f"-Wl,-rpath,{BUILD}"], check=True)
    return program


def agent_with(directory: str, options: str) -> str:
    """An agent that is started with options, and beside it an spr that uses it."""
    place = Path(directory) / options.replace(" ", "")
    place.mkdir(exist_ok=True)
    script = place / "spr-agent"
    script.write_text(f'#!/bin/sh\nexec {BUILD}/spr-agent {options} "$@"\n')
    script.chmod(0o755)
    shutil.copy2(BUILD / "spr", place)
    return str(script)


class LackError(Exception):
    """A host that cannot do the job, and why."""


class Host:
    """A process that takes orders. A `with` block ends it."""

    def __init__(self, command: list[str], first: str = "", **environ: str) -> None:
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **environ},
            start_new_session=True,
        )
        if first:
            self._write(first)
        verdict, _, reason = self._read().partition(" ")
        if verdict != "ready":
            self.close()
            raise LackError(reason)

    @property
    def pid(self) -> int:
        return self._process.pid

    def _write(self, line: str) -> None:
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            print(line, file=self._process.stdin, flush=True)

    def _read(self) -> str:
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        if not select.select([self._process.stdout], [], [], PATIENCE_S)[0]:
            self._process.kill()
            return f"lack no answer in {PATIENCE_S} s"
        line = self._process.stdout.readline().rstrip("\n")
        if not line:
            words = self._process.stderr.read().strip().splitlines()
            return f"lack {words[-1] if words else 'it ended'}"
        return line

    def order(self, *words: object) -> float:
        self._write(" ".join(map(str, words)))
        answer = self._read().removeprefix("lack ")
        try:
            return float(answer)
        except ValueError:
            raise LackError(answer) from None

    def close(self) -> None:
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Host:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def runner(program: str, python: str, job: Job, standbys: int = 0) -> Host:
    """This project through the C API."""
    command = [program, python, str(BUILD / "spr-agent"), str(standbys)]
    return Host([*command, job.code, json.dumps(job.input), *job.preload])


class Docker(NamedTuple):
    run: list[str]
    exec: list[str]
    lack: str


def contestant(name: str, python: str, job: Job, docker: Docker | None = None) -> Host:
    """Any other way."""
    task = job._asdict() | {"python": python, "spr": str(BUILD / "spr")}
    task["docker_run"] = docker.run if docker else []
    task["docker_exec"] = docker.exec if docker else []
    task["docker_lack"] = docker.lack if docker else "not asked for"
    interpreter = HOST_PYTHON if name == "run_code" else python
    return Host(
        [interpreter, str(HERE / "contestant.py"), name], json.dumps(task), PYTHONPATH=str(HERE)
    )


def _docker_module() -> Any:
    loader = SourceFileLoader("docker_run", str(ROOT / "tests/docker/run"))
    spec = spec_from_loader(loader.name, loader)
    assert spec is not None
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module


@contextmanager
def docker(python: str) -> Iterator[Docker]:
    """A daemon, an image with the same Debian and a container that waits, as far as there are."""
    if os.geteuid() != 0:
        yield Docker([], [], "no root to start a daemon")
        return
    module = _docker_module()
    name = f"spr-bench-{time.monotonic_ns()}"
    venv = str(Path(python).parent.parent)
    closed = ["--network", "none", "--read-only", "--cap-drop", "ALL", "--user", "65534"]
    closed += ["--security-opt", "no-new-privileges", "--tmpfs", "/tmp", "--memory", "1g"]
    closed += ["--volume", f"{venv}:{venv}:ro"]
    try:
        guest.need_programs(module.PACKAGES)
        daemon = module.daemon()
        client = daemon.__enter__()
    except (SystemExit, OSError, subprocess.CalledProcessError) as error:
        yield Docker([], [], f"no daemon: {error}")
        return
    try:
        image = module.image(client)
        start = [*client, "run", "--detach", "--rm", "--name", name, *closed, image]
        done = subprocess.run([*start, "sleep", "86400"], capture_output=True, text=True)
        lack = done.stderr.strip() if done.returncode else ""
        run = [*client, "run", "--rm", *closed, image]
        yield Docker([] if lack else run, [] if lack else [*client, "exec", name], lack)
    finally:
        subprocess.run([*client, "kill", name], capture_output=True)
        daemon.__exit__(None, None, None)


def in_turn(hosts: dict[str, Host], rounds: int, seconds: float) -> dict[str, list[float]]:
    """Times in nanoseconds, the hosts one after the other in each round, until time is up."""
    times: dict[str, list[float]] = {name: [] for name in hosts}
    until = time.monotonic() + seconds
    for _ in range(rounds):
        for name in list(hosts):
            try:
                times[name].append(hosts[name].order("once"))
            except LackError as lack:
                say(f"{name}: {lack}")
                hosts.pop(name).close()
        if time.monotonic() > until:
            break
    return times


def wait_for_quiet(seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while os.getloadavg()[0] >= 1 and time.monotonic() < deadline:
        time.sleep(5)


def with_directory(work: Callable[[str], int]) -> int:
    """Calls it with a directory that goes when it ends, also by SIGTERM."""
    guest.end_in_order()
    with tempfile.TemporaryDirectory(prefix="spr-bench.") as directory:
        os.chmod(directory, 0o755)
        return work(directory)
