# SPDX-License-Identifier: MIT
"""What the tests see of other processes: /proc, and waiting for an event."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

# For a machine that is so many times slower than usual, as one without KVM is.
PATIENCE = int(os.environ.get("SPR_TEST_PATIENCE", "1"))


def wait_until(happened: Callable[[], object], seconds: float) -> bool:
    """Whether it happened in time; looks every few milliseconds."""
    deadline = time.monotonic() + seconds * PATIENCE
    while not happened():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


def stats() -> Iterator[tuple[int, str, list[str]]]:
    """(pid, comm, the fields of /proc/PID/stat from the state on) of all that live."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            text = (entry / "stat").read_text()
        except OSError:
            continue
        comm, _, rest = text.partition("(")[2].rpartition(")")
        fields = rest.split()
        if fields[0] not in "ZX":
            yield int(entry.name), comm, fields


def agents() -> set[int]:
    """Every spr-agent on this machine, with the processes that it forked of itself."""
    return {pid for pid, comm, _ in stats() if comm == "spr-agent"}


def parent(pid: int) -> int:
    return next(int(fields[1]) for found, _, fields in stats() if found == pid)


def children(pid: int) -> list[int]:
    """Oldest first."""
    found = [(int(f[19]), child) for child, _, f in stats() if int(f[1]) == pid]
    return [child for _, child in sorted(found)]


def niced(value: int) -> set[int]:
    """Processes of that nice value: a mark that code in a sandbox can give itself."""
    return {pid for pid, _, fields in stats() if int(fields[16]) == value}


def alive(pid: int) -> bool:
    return os.path.exists(f"/proc/{pid}") and pid in {p for p, _, _ in stats()}
