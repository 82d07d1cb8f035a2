# SPDX-License-Identifier: MIT
"""A system call of the set-up is made to fail: what a run that took place claims, and what is true.

Each case is one `spr run` of code that attacks the layers one by one, with an agent that starts
under tests/tools/failing_calls.py. It ends well in one of two ways: a refusal with words, or a
result each of whose claimed layers is found to hold, from inside and, where code cannot look, from
outside. Anything else is a gap.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from processes import children, stats

HERE = Path(__file__).resolve().parent
TOOL = HERE / "tools/failing_calls.py"
PYTHON = "/usr/bin/python3"
SECONDS = 10.0  # a run that takes longer hangs
GONE_SECONDS = 3.0  # nothing of it is left after that
MARK = 13  # the nice value by which a run is found from outside
ERRNOS = ("EPERM", "ENOSYS", "ENOMEM", "EINTR")
LEVELS = ("none", "process", "kernel", "full")
PR_SET_CHILD_SUBREAPER = 36

# By hand, like base/layers.c: the test must not learn from the code what a level is.
PROCESS = {"no_new_privs", "rlimits", "undumpable"}
KERNEL = PROCESS | {"landlock", "seccomp"}
FULL = KERNEL | {
    *("capabilities", "pid_namespace", "mount_namespace", "net_namespace", "ipc_namespace"),
}

# What the set-up of a run calls; those that a machine lacks are left out by the tool's table.
CALLS = (
    *("capset", "chdir", "clone", "close_range", "dup2", "fchdir", "fcntl", "fork", "ftruncate"),
    *("landlock_add_rule", "landlock_create_ruleset", "landlock_restrict_self", "memfd_create"),
    *("mkdir", "mount", "mount_setattr", "openat", "pidfd_open", "pipe2", "pivot_root", "prctl"),
    *("prlimit64", "seccomp", "sethostname", "setgroups", "setns", "setresgid", "setresuid"),
    *("setsid", "signalfd4", "socketpair", "symlink", "umount2", "unshare", "write"),
    # prctl(2) by its option: what it is for differs as calls do
    *("prctl:1", "prctl:4", "prctl:22", "prctl:24", "prctl:36", "prctl:38", "prctl:47"),
)

PROBE = """
import ctypes, errno, os, resource, socket, time
libc = ctypes.CDLL(None, use_errno=True)
header, sets = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()

def readable(path):
    try:
        open(path, 'rb').close()
        return True
    except OSError:
        return False

def writable(path):
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
        return True
    except OSError:
        return False

def connects(port):
    try:
        with socket.socket() as s:
            s.settimeout(1)
            s.connect(('127.0.0.1', port))
            return True
    except OSError:
        return False

def interfaces():
    try:
        return [name for _, name in socket.if_nameindex()]
    except OSError:
        return []

def see(look, else_):
    try:
        return look()
    except OSError:
        return else_

def parent_signalled():
    try:
        os.kill(os.getppid(), 0)
        return os.getppid() != 0
    except OSError:
        return False

try:
    os.nice({mark})
except OSError:
    pass
libc.capget(header, sets)
result = {{
    'no_new_privs': libc.prctl(39, 0, 0, 0, 0),
    'dumpable': libc.prctl(3, 0, 0, 0, 0),
    'capabilities': list(sets),
    'uids': [os.getuid(), os.geteuid(), os.getgid(), os.getegid()],
    'groups': see(os.getgroups, []),
    'pid': os.getpid(),
    'ppid': os.getppid(),
    'parent_signalled': parent_signalled(),
    'limits': [see(lambda: resource.getrlimit(r), [0, 0]) for r in (resource.RLIMIT_CORE, resource.RLIMIT_MEMLOCK,
               resource.RLIMIT_FSIZE, resource.RLIMIT_NOFILE)],
    'canary': readable({canary!r}),
    'shadow': readable('/etc/shadow'),
    'beside': writable({beside!r}),
    'proc': os.path.exists('/proc/self'),
    'root': see(lambda: sorted(os.listdir('/')), []),
    'cwd': see(os.getcwd, ''),
    'connects': connects({port}),
    'interfaces': interfaces(),
    'shm': libc.shmget({key}, 0, 0),
    'host': os.uname().nodename,
    # allowed to anybody, unless a filter forbids it
    'traced': libc.syscall({vm_readv}, os.getpid(), None, 0, None, 0, 0),
}}
time.sleep({linger})
"""


@dataclass
class World:
    """What the attacks aim at, and a copy of spr whose agent can be replaced."""

    place: Path
    build: Path
    port: int
    key: int

    def code(self, linger: float) -> str:
        return PROBE.format(
            mark=MARK,
            canary=str(self.place / "canary"),
            beside=str(self.place / "beside"),
            port=self.port,
            key=self.key,
            vm_readv={"x86_64": 310, "aarch64": 270}[os.uname().machine],
            linger=linger,
        )


@contextmanager
def world(build: Path, place: Path) -> Iterator[World]:
    libc = ctypes.CDLL(None, use_errno=True)
    key = 0x5B000000 | os.getpid()
    segment = libc.shmget(key, 4096, 0o1666)
    listener = socket.create_server(("127.0.0.1", 0))
    shutil.copy2(build / "spr", place / "spr")
    (place / "canary").write_text("a file of the host\n")
    for path, mode in ((place, 0o777), (place / "canary", 0o644)):
        path.chmod(mode)  # open to all: what keeps code away are the layers alone
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        yield World(place, build, listener.getsockname()[1], key)
    finally:
        libc.prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
        listener.close()
        libc.shmctl(segment, 0, None)


@dataclass
class Outcome:
    answer: dict[str, Any] | None
    status: int
    words: str
    seconds: float
    outside: dict[str, str] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)

    @property
    def ran(self) -> bool:
        return self.answer is not None and bool(self.answer["ok"])


def _install_agent(world: World, options: list[str]) -> None:
    agent = world.place / "spr-agent"
    command = [sys.executable, str(TOOL), *options, "--", str(world.build / "spr-agent")]
    text = "#!/bin/sh\nexec " + " ".join(f"'{word}'" for word in command) + ' "$@"\n'
    fresh = agent.with_suffix(".new")  # the old one may be about to run
    fresh.write_text(text)
    fresh.chmod(0o755)
    fresh.replace(agent)


def _look(pid: int) -> dict[str, str]:
    found = {}
    for name in ("ns/user", "ns/cgroup"):
        try:
            found[name] = os.readlink(f"/proc/{pid}/{name}")
        except OSError:
            continue
    with suppress(OSError):
        found["cgroup"] = Path(f"/proc/{pid}/cgroup").read_text()
    return found


def _ours(host: int) -> list[int]:
    """The marked process of a run of ours: other tests may have theirs."""
    table = {pid: (int(fields[1]), int(fields[16])) for pid, _, fields in stats()}

    def descends(pid: int) -> bool:
        while pid in table and pid != host:
            pid = table[pid][0]
        return pid == host

    return [pid for pid, (_, nice) in table.items() if nice == MARK and descends(pid)]


def _leftovers(before: set[int]) -> list[str]:
    """What the case has left, once it had time to go: all that it starts becomes our child."""
    deadline = time.monotonic() + GONE_SECONDS
    while True:
        for child in set(children(os.getpid())) - before:
            with suppress(ChildProcessError):
                os.waitpid(child, os.WNOHANG)
        left = set(children(os.getpid())) - before
        if not left or time.monotonic() > deadline:
            break
        time.sleep(0.01)
    names = {pid: comm for pid, comm, _ in stats()}
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    return [f"{names.get(pid, '?')} ({pid})" for pid in sorted(left)]


def run(world: World, options: list[str], demanded: str, looks: bool = False) -> Outcome:
    """One case: the tool's options, and the level that the policy demands."""
    _install_agent(world, options)
    policy = world.place / "policy.toml"
    policy.write_text(f'min_isolation = "{demanded}"\ntimeout_seconds = 4\n')
    before = set(children(os.getpid()))
    begin = time.monotonic()
    process = subprocess.Popen(
        [
            str(world.place / "spr"),
            "run",
            "--json",
            "--python",
            PYTHON,
            "--policy",
            str(policy),
            "-c",
            world.code(0.3 if looks else 0),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    outside: dict[str, str] = {}
    while looks and not outside and process.poll() is None and time.monotonic() < begin + SECONDS:
        for pid in _ours(process.pid):
            outside = outside or _look(pid)
        time.sleep(0.01)
    try:
        out, err = process.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
    seconds = time.monotonic() - begin
    try:
        answer = json.loads(out)
    except ValueError:
        answer = None
    left = _leftovers(before)
    (world.place / "beside").unlink(missing_ok=True)
    return Outcome(answer, process.returncode, err, seconds, outside, left)


def holds(layer: str, seen: dict[str, Any], outside: dict[str, str]) -> bool:
    """Whether a claimed layer is there, by what the code saw of it."""
    inside = {
        "no_new_privs": lambda: seen["no_new_privs"] == 1,
        "undumpable": lambda: seen["dumpable"] == 0,
        "capabilities": lambda: not any(seen["capabilities"]),
        "rlimits": lambda: (
            seen["limits"][:2] == [[0, 0], [0, 0]]
            and all(0 < hard < 1 << 40 for _, hard in seen["limits"][2:])
        ),
        "uid": lambda: min(seen["uids"]) >= 1_900_000_000 and not seen["groups"],
        "pid_namespace": lambda: (seen["pid"], seen["ppid"]) == (2, 0),
        "mount_namespace": lambda: (
            seen["cwd"] == "/tmp"
            and not (seen["canary"] or seen["shadow"] or seen["beside"] or seen["proc"])
            and not {"home", "sys", "var", "root"} & set(seen["root"])
        ),
        "net_namespace": lambda: not seen["connects"] and seen["interfaces"] in ([], ["lo"]),
        "ipc_namespace": lambda: seen["shm"] < 0,
        "uts_namespace": lambda: seen["host"] == "sandbox",
        "landlock": lambda: not (seen["canary"] or seen["shadow"] or seen["beside"]),
        "seccomp": lambda: seen["traced"] < 0 and not seen["connects"],
        # what code cannot see; nothing, where we may not look either
        "user_namespace": lambda: differs("ns/user", outside),
        "cgroup": lambda: "cgroup" not in outside or "spr-" in outside["cgroup"],
        "cgroup_namespace": lambda: differs("ns/cgroup", outside),
    }
    return bool(inside[layer]())


def differs(name: str, outside: dict[str, str]) -> bool:
    return name not in outside or outside[name] != os.readlink(f"/proc/self/{name}")


def level_of(layers: set[str]) -> str:
    for level, wanted in (("full", FULL), ("kernel", KERNEL), ("process", PROCESS)):
        if wanted <= layers:
            return level
    return "none"


def gap(outcome: Outcome, demanded: str) -> str | None:
    """What is wrong with it; None where it is a refusal with words, or all claims hold."""
    if outcome.seconds >= SECONDS:
        return f"took {outcome.seconds:.1f} s"
    if outcome.left:
        return f"left behind: {', '.join(outcome.left)}"
    if outcome.answer is None:
        return f"status {outcome.status} without an answer: {outcome.words}"
    if not outcome.ran:
        return refusal_gap(outcome)
    isolation = outcome.answer["isolation"]
    claimed = set(isolation["layers"])
    if isolation["level"] != level_of(claimed):
        return f"level {isolation['level']} claimed with {sorted(claimed)}"
    if LEVELS.index(isolation["level"]) < LEVELS.index(demanded):
        return f"ran at level {isolation['level']}, demanded was {demanded}"
    seen = outcome.answer["result"]
    for layer in sorted(claimed):
        if not holds(layer, seen, outcome.outside):
            return f"silent gap: {layer} is claimed, and this was seen: {seen} {outcome.outside}"
    return None


def refusal_gap(outcome: Outcome) -> str | None:
    assert outcome.answer is not None
    error = outcome.answer["error"]
    if outcome.status not in (125, 126, 127):
        return f"no refusal: status {outcome.status}, outcome {outcome.answer['outcome']}: {error}"
    if not error or error.startswith("libspr failed"):
        return f"a refusal without words: {error}"
    return None
