# SPDX-License-Identifier: MIT
"""What a host program, its agent and its zygote hold at one moment, to be compared with another.

The watcher is a process of its own, outside of the host: as root it may also look into an agent
that belongs to somebody else and is not dumpable. What it may not see is left out.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from pathlib import Path

from processes import stats, wait_until

LEASED_UIDS = range(1 << 20, 1 << 31)  # owners of what runs write where there is no private /tmp
SCRATCH = ("/tmp", "/var/tmp", "/dev/shm")


def family(host: int) -> dict[int, str]:
    """Every process that descends from the host, by name, the host too."""
    table = {pid: (int(fields[1]), comm) for pid, comm, fields in stats()}
    found = {host: "host"}
    grown = True
    while grown:
        new = {p: c for p, (parent, c) in table.items() if parent in found and p not in found}
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


def _mount_count(pid: int) -> int | None:
    try:
        return len(Path(f"/proc/{pid}/mountinfo").read_text().splitlines())
    except OSError:
        return None


def _files() -> set[str]:
    found = set()
    for directory in SCRATCH:
        for entry in os.scandir(directory) if os.path.isdir(directory) else ():
            try:
                leased = entry.stat(follow_symlinks=False).st_uid in LEASED_UIDS
            except OSError:
                continue
            if leased or entry.name.startswith(("spr-run-", "left-behind")):
                found.add(entry.path)
    return found


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
    fds: dict[str, int | None]
    mounts: dict[str, int | None]
    memory_kib: dict[str, int | None]
    files: set[str] = field(default_factory=_files)
    ipc: set[str] = field(default_factory=_ipc)


def take(host: int, seconds: float = 0.5) -> Snapshot:
    """Once no run's process is left, or, with those that stay, when the time is over."""
    wait_until(lambda: set(family(host)) == set(roles(host).values()), seconds)
    time.sleep(0.05)  # for what the agent closes with the last answer
    pids = roles(host)
    return Snapshot(
        processes=family(host),
        fds={role: _fd_count(pid) for role, pid in pids.items()},
        mounts={role: _mount_count(pid) for role, pid in pids.items()},
        memory_kib={role: _memory_kib(pid) for role, pid in pids.items()},
    )


def complaints(before: Snapshot, after: Snapshot, max_growth_kib: int) -> list[str]:
    found = []
    if before.processes != after.processes:
        found.append(f"processes: {before.processes} became {after.processes}")
    for name in ("fds", "mounts"):
        was, now = getattr(before, name), getattr(after, name)
        if was != now:
            found.append(f"{name}: {was} became {now}")
    for name in ("files", "ipc"):
        new = getattr(after, name) - getattr(before, name)
        if new:
            found.append(f"{name}: left behind {sorted(new)[:10]} ({len(new)})")
    for role in ("host", "agent"):
        was, now = before.memory_kib.get(role), after.memory_kib.get(role)
        if was is not None and now is not None and now - was > max_growth_kib:
            found.append(f"memory of {role}: {was} KiB became {now} KiB")
    return found
