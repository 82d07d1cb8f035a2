# SPDX-License-Identifier: MIT
"""Each system call of the set-up is made to fail, always: refused, or a level that is true.

tests/full/injected-faults fails them one at a time, too, in every mode.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from faults import CALLS, Outcome, World, gap, holds, level_of, run, world

BUILD = Path(os.environ.get("SPR_BUILD", Path(__file__).resolve().parents[2] / "build"))
NOTHING = ["prctl:99=EPERM"]  # a fault that nobody meets

# The calls that make or hold a layer, each with the errno that a kernel or filter would give.
ALWAYS = [
    *("capset=EPERM", "clone=EPERM", "close_range=ENOSYS", "dup2=ENOMEM", "fcntl=ENOMEM"),
    *("landlock_add_rule=EPERM", "landlock_create_ruleset=ENOSYS", "landlock_restrict_self=EPERM"),
    *("memfd_create=ENOSYS", "mkdir=EPERM", "mount=EPERM", "openat=EPERM", "pidfd_open=ENOSYS"),
    *("pipe2=ENOMEM", "pivot_root=EPERM", "prctl:24=EPERM", "prctl:38=EPERM", "prctl:4=EPERM"),
    *("prctl:1=EPERM", "prlimit64=EPERM", "seccomp=EPERM", "seccomp=ENOSYS", "setns=EPERM"),
    *("setresuid=EPERM", "setgroups=EPERM", "setsid=EPERM", "socketpair=ENOMEM", "symlink=EPERM"),
    *("umount2=EPERM", "unshare=EPERM", "unshare=ENOMEM", "write=EPERM"),
]
ONCE = [
    *("1 unshare=EPERM", "2 unshare=ENOMEM", "3 unshare=EPERM", "4 unshare=ENOMEM"),
    *("1 clone=ENOMEM", "2 clone=ENOMEM", "3 clone=ENOMEM", "1 mount=EPERM", "9 mount=EPERM"),
    *("1 prlimit64=EPERM", "9 prlimit64=EPERM", "1 setns=EPERM", "2 setns=EPERM", "1 capset=EPERM"),
    *("2 capset=EPERM", "1 prctl:4=EPERM", "3 prctl:4=EPERM", "1 seccomp=ENOMEM"),
    *("1 landlock_restrict_self=ENOMEM", "2 landlock_add_rule=ENOMEM", "1 setresuid=EPERM"),
]


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    place = tmp_path_factory.mktemp("faults")
    with world(BUILD, place) as made:
        yield made


def judge(target: World, options: list[str], demanded: str) -> None:
    assert gap(run(target, options, demanded), demanded) is None


@pytest.mark.parametrize("fault", ALWAYS)
def test_a_call_that_always_fails(fault: str, target: World) -> None:
    """S-21"""
    judge(target, [fault], "none")
    if fault.startswith(("landlock", "seccomp", "prctl", "prlimit64")):
        judge(target, [fault], "kernel")


@pytest.mark.parametrize("fault", ONCE)
def test_a_call_that_fails_once(fault: str, target: World) -> None:
    nth, _, call = fault.partition(" ")
    judge(target, ["--nth", nth, call], "none")


def test_without_a_fault(target: World) -> None:
    """The probing code runs, its layers hold, and from outside the run was seen."""
    for _ in range(10):  # a short run may be over before anybody looks
        outcome = run(target, NOTHING, "none", looks=True)
        assert outcome.ran, outcome.words
        assert gap(outcome, "none") is None
        if outcome.outside:
            break
    assert outcome.outside


def test_the_judge_sees_gaps(target: World) -> None:
    """What a run without layers sees is none of the layers, and claims without truth are gaps."""
    outcome = run(target, NOTHING, "none")
    assert outcome.answer is not None
    bare = {
        **{"no_new_privs": 0, "dumpable": 1, "capabilities": [1] * 6, "uids": [0] * 4},
        **{"groups": [], "pid": 700, "ppid": 600, "limits": [[1 << 63] * 2] * 4, "canary": True},
        **{"shadow": True, "beside": True, "proc": True, "root": ["home"], "cwd": "/home"},
        **{"connects": True, "interfaces": ["lo", "eth0"], "shm": 3, "host": "here", "traced": 0},
    }
    outside = {
        **{name: os.readlink(f"/proc/self/{name}") for name in ("ns/user", "ns/cgroup")},
        "cgroup": Path("/proc/self/cgroup").read_text(),
    }
    for layer in outcome.answer["isolation"]["layers"]:
        assert not holds(layer, bare, outside), layer
    for layer in ("landlock", "seccomp", "cgroup", "user_namespace"):
        assert not holds(layer, bare, outside), layer
    outcome.answer["isolation"]["level"] = "full" if level_of(set()) != "full" else "none"
    outcome.answer["isolation"]["layers"] = ["rlimits"]
    assert "claimed" in (gap(outcome, "none") or "")
    assert "left behind" in (gap(Outcome(None, 0, "", 0, {}, ["spr-agent (1)"]), "none") or "")
    assert "without an answer" in (gap(Outcome(None, -9, "", 0), "none") or "")
    assert "took" in (gap(Outcome(None, 0, "", 99), "none") or "")


def test_every_call_is_known() -> None:
    known = {call.partition(":")[0] for call in CALLS}
    for fault in [*ALWAYS, *(fault.partition(" ")[2] for fault in ONCE)]:
        assert fault.partition("=")[0].partition(":")[0] in known
