# SPDX-License-Identifier: MIT
"""What a host program, its agent and its zygote hold at one moment, to be compared with another.

The watcher is a process of its own, outside of the host: as root it may also look into an agent
that belongs to somebody else and is not dumpable. What it may not see is left out.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from processes import stats

LEASED_UIDS = range(1 << 20, 1 << 31)  # owners of what runs write where there is no private /tmp
SCRATCH = ("/tmp", "/var/tmp", "/dev/shm")
CGROUPS = Path("/sys/fs/cgroup")
SETTLED_SECONDS = (
    0.15  # standbys are made and go; a family that stays as it is for so long is quiet
)


def family(host: int, but: Collection[int] = ()) -> dict[int, str]:
    """Every process that descends from the host, by name, the host too; not by way of @but."""
    table = {pid: (int(fields[1]), comm) for pid, comm, fields in stats()}
    found = {host: "host"}
    grown = True
    while grown:
        new = {
            p: c
            for p, (parent, c) in table.items()
            if parent in found and p not in found and p not in but
        }
        found |= new
        grown = bool(new)
    return found


def roles(host: int) -> dict[str, int]:
    """The processes that stay: host, stub, agent, zygote."""
    names = family(host)
    found = {"host": host}
    for role, name, above in (
        ("stub", "spr-agent", "host"),
        ("agent", "spr-agent", "stub"),
        ("zygote", "spr-zygote", "agent"),
    ):
        for pid, comm, fields in stats():
            if comm == name and pid in names and int(fields[1]) == found.get(above):
                found[role] = pid
    return found


def _fd_count(pid: int) -> int | None:
    try:
        return len(os.listdir(f"/proc/{pid}/fd"))
    except OSError:
        return None


def _memory_kib(pid: int) -> int | None:
    """Proportional set size where it may be read, else resident size."""
    for name, key in (("smaps_rollup", "Pss:"), ("status", "VmRSS:")):
        try:
            lines = Path(f"/proc/{pid}/{name}").read_text().splitlines()
        except OSError:
            continue
        for line in lines:
            if line.startswith(key):
                return int(line.split()[1])
    return None


def _mount_namespace(pid: int) -> str | None:
    try:
        return os.readlink(f"/proc/{pid}/ns/mnt")
    except OSError:
        return None


def _mount_count(pid: int) -> int | None:
    """Of what everybody mounts here, only that which bears our name."""
    try:
        lines = Path(f"/proc/{pid}/mountinfo").read_text().splitlines()
    except OSError:
        return None
    if _mount_namespace(pid) in (None, _mount_namespace(os.getpid())):
        lines = [line for line in lines if "spr" in line]
    return len(lines)


WORK_DIRECTORY = "spr-run-"


def _files() -> set[str]:
    """What runs have left in shared directories; work directories belong to standbys, too."""
    found = set()
    for directory in SCRATCH:
        for entry in os.scandir(directory) if os.path.isdir(directory) else ():
            try:
                leased = entry.stat(follow_symlinks=False).st_uid in LEASED_UIDS
            except OSError:
                continue
            if entry.name.startswith(WORK_DIRECTORY):
                continue
            if leased or entry.name.startswith("left-behind"):
                found.add(entry.path)
    return found


def _work_directories() -> int:
    return sum(len(list(Path(each).glob(f"{WORK_DIRECTORY}*"))) for each in SCRATCH)


def _is_alive(pid: int) -> bool:
    return os.path.exists(f"/proc/{pid}")


def _cgroups() -> set[str]:
    """Trees of agents that are dead, in every hierarchy."""
    found = set()
    for path, directories, _ in os.walk(CGROUPS):
        for name in directories:
            pid = name.removeprefix("spr-")
            if pid != name and not (pid.isdigit() and _is_alive(int(pid))):
                found.add(os.path.join(path, name))
    return found


def _groups(host: int) -> int:
    """Control groups that the agent of this host has, in every hierarchy, with somebody in them: an
    empty one, left by a process that died slowly, goes with the next run."""
    trees = {f"spr-{pid}" for pid in family(host)}
    paths = [path for path, _, _ in os.walk(CGROUPS)]
    return sum(
        any(part in trees for part in path.split("/")) and _is_populated(path) for path in paths
    )


def _is_populated(group: str) -> bool:
    try:
        return Path(group, "cgroup.procs").read_text() != ""
    except OSError:
        return False


def _namespaces(host: int) -> dict[str, int]:
    """How many namespaces of each type its processes live in, as far as they may be seen."""
    found = set()
    for pid in family(host):
        for kind in ("user", "pid", "mnt", "net", "ipc", "uts", "cgroup"):
            try:
                found.add((kind, os.readlink(f"/proc/{pid}/ns/{kind}")))
            except OSError:
                continue
    return dict(Counter(kind for kind, _ in found))


def _ipc() -> set[str]:
    """SysV objects, by kind and id."""
    found = set()
    for kind in ("shm", "msg", "sem"):
        lines = Path(f"/proc/sysvipc/{kind}").read_text().splitlines()[1:]
        found |= {f"{kind} {line.split()[1]}" for line in lines}
    return found


@dataclass
class Snapshot:
    processes: dict[int, str]
    roles: dict[str, int]
    fds: dict[str, int | None]
    mounts: dict[str, int | None]
    memory_kib: dict[str, int | None]
    groups: int
    namespaces: dict[str, int]
    files: set[str] = field(default_factory=_files)
    ipc: set[str] = field(default_factory=_ipc)
    cgroups: set[str] = field(default_factory=_cgroups)
    work_directories: int = field(default_factory=_work_directories)

    @property
    def names(self) -> dict[str, int]:
        """How many processes of each name: a standby may be another one than before."""
        return dict(Counter(self.processes.values()))


def _settle(host: int, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    family_now, since = family(host), time.monotonic()
    while time.monotonic() < deadline and time.monotonic() - since < SETTLED_SECONDS:
        time.sleep(0.01)
        if family(host) != family_now:
            family_now, since = family(host), time.monotonic()


def take(host: int, seconds: float = 3) -> Snapshot:
    """Once no process comes or goes any more, or when the time is over."""
    _settle(host, seconds)
    pids = roles(host)
    return Snapshot(
        processes=family(host),
        roles=pids,
        fds={role: _fd_count(pid) for role, pid in pids.items()},
        mounts={role: _mount_count(pid) for role, pid in pids.items()},
        memory_kib={role: _memory_kib(pid) for role, pid in pids.items()},
        groups=_groups(host),
        namespaces=_namespaces(host),
    )


def _but_the_zygote(snapshot: Snapshot) -> dict[str, int]:
    """It is renewed now and then: how many there are is told by their names."""
    return {role: pid for role, pid in snapshot.roles.items() if role != "zygote"}


def complaints(before: Snapshot, after: Snapshot, max_growth_kib: int) -> list[str]:
    found = []
    if _but_the_zygote(before) != _but_the_zygote(after):
        found.append(f"roles: {before.roles} became {after.roles}")
    for name in ("names", "fds", "mounts", "groups", "namespaces", "work_directories"):
        was, now = getattr(before, name), getattr(after, name)
        if was != now:
            found.append(f"{name}: {was} became {now}")
    for name in ("files", "ipc", "cgroups"):
        new = getattr(after, name) - getattr(before, name)
        if new:
            found.append(f"{name}: left behind {sorted(new)[:10]} ({len(new)})")
    for role in ("host", "agent"):
        was, now = before.memory_kib.get(role), after.memory_kib.get(role)
        if was is not None and now is not None and now - was > max_growth_kib:
            found.append(f"memory of {role}: {was} KiB became {now} KiB")
    return found


def take_again(host: int, before: Snapshot, max_growth_kib: int, seconds: float) -> Snapshot:
    """As soon as there is nothing to complain of; the last one when the time is over."""
    deadline = time.monotonic() + seconds
    while True:
        after = take(host)
        if not complaints(before, after, max_growth_kib) or time.monotonic() > deadline:
            return after
        time.sleep(1)
