# SPDX-License-Identifier: MIT
"""The passes: which programs run under which policy and layers, and what they must show.

all         every layer, the policy of the header
default     every layer, the policy that a caller has who names none, for all programs
policy-off  every layer, imports free
processes   policy-off with allow_processes
network     policy-off with the host's network
networked-processes  both
proc        policy-off with a /proc
minus-one   policy-off, each layer off in turn: boundary programs hold, or, where the host grants no
            namespaces, nothing is run below the usual minimum
control     no layer and no limit: whoever escapes a bare machine escapes, or the harness is blind
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from . import judge, outside
from .judge import ESCAPED, HELD, REFUSED, UNCLEAR, Row, Shot
from .programs import (
    ALLOWED_WITH_PROCESSES,
    JUDGED,
    PATIENCE,
    POLICY_OFF,
    Fields,
    Program,
    load,
)
from .stand import Stand, Supervisors, agent_of

PASSES = (
    "all",
    "default",
    "policy-off",
    "processes",
    "network",
    "networked-processes",
    "proc",
    "minus-one",
    "control",
)
LAYERS = (  # src/base/layers.c
    "user_namespace",
    "pid_namespace",
    "mount_namespace",
    "net_namespace",
    "ipc_namespace",
    "uts_namespace",
    "cgroup",
    "uid",
    "capabilities",
    "no_new_privs",
    "rlimits",
    "undumpable",
    "landlock",
    "seccomp",
)
AT_A_TIME = 2

# Their time, memory or kernel log is measured: they run alone.
ALONE = {"e06", "e10", "e11", "e13", "o05", "o07", "r22", "x03", "x04", "x05", "x08", "x09", "x16"}
# Without this layer, where nothing else can hold them: g12 asks for the numbers of namespaces in
# /proc, h42 wants a file system that is mounted noexec; k13 tells which layers are there; of vsock
# no layer but the filter knows.
EXCEPTED_WITHOUT = {
    "mount_namespace": {"g12", "h42"},
    "capabilities": {"k13"},
    "seccomp": {"g07", "k13"},
}
# The same where programs may be started: h05 has the loader run a file that it may read.
EXCEPTED_WITHOUT_BUT_PROCESSES = {"mount_namespace": {"h05"}}
UNLIMITED: Fields = {
    "timeout_seconds": 60,
    "memory_limit_mb": 8192,
    "max_output_kb": 1024,
    "disk_mb": 4096,
    "max_file_mb": 4096,
    "max_processes": 4096,
}
PROCESSES: Fields = {"allow_processes": True}
NETWORK: Fields = {"network": "host"}
ALLOWED_WITH_NETWORK = {"g01", "g02", "g10", "g11", "g13"}
# A /proc shows the shared memory in which a worker answers: its own, made for it, and no other's.
SEES_ITS_OWN_REGION = {"s09"}
ANY_LEVEL: Fields = {"min_isolation": "none"}

# Of the programs that escape a bare machine, those that something else than a layer holds.
SILENT_IN_CONTROL = {
    "a06": "the collector of a zygote is frozen, and shows nothing from before the run",
    "a17": "a zygote starts without site and its printers",
    "e04": "the agent sweeps what a run has left, by whatever means there are",
    "h11": "the agent counts files where no tmpfs does",
    "h36": "zygotes have an environment of their own",
    "h38": "as e04",
    "x08": "the agent gives atexit functions half a second once the answer stands",
    "x09": "a worker leaves without finalisation",
}
# Those that need root's privileges to escape (the README's column for nobody has C).
NEED_ROOT = {
    "b18", "b19", "e09", "e14", "e22", "f06", "f08", "f09", "g06", "k02", "k15", "k21", "r08",
}  # fmt: skip


@dataclass
class Report:
    """A pass, or one layer's turn of minus-one."""

    title: str
    level: str = ""
    layers: tuple[str, ...] = ()
    rows: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Options:
    agent: str | None = None
    interpreter: str = "/usr/bin/python3"
    command: tuple[str, ...] = ()  # that leads to it; none: on this machine
    only: tuple[str, ...] = ()
    excepted: tuple[str, ...] = ()
    brief: bool = False  # policy-off without the programs that `all` has run under the same policy
    on_row: Callable[[str, Row], None] | None = None  # told of each program when it is done


Pass = Callable[[Options, list[Program]], Iterator[Report]]


def _batches(programs: list[Program]) -> Iterator[list[Program]]:
    yield from ([each] for each in programs if each.name in ALONE or each.at_the_same_time)
    rest = [each for each in programs if each.name not in ALONE and not each.at_the_same_time]
    # those that wait for their limit come together
    rest.sort(key=lambda each: (each.wall_seconds, each.name))
    for start in range(0, len(rest), AT_A_TIME):
        yield rest[start : start + AT_A_TIME]


def _cost(before: Supervisors, after: Supervisors, names: list[str]) -> list[str]:
    found = []
    for role, was in before.resident_kib.items():
        growth = after.peak_kib.get(role, 0) - max(was, before.peak_kib[role])
        if growth > judge.GROWTH_MIB * 1024:
            found.append(f"the {role}'s memory grew by {growth >> 10} MiB")
    cpu = after.agent_cpu_seconds - before.agent_cpu_seconds
    if "o05" in names and cpu > 2 * PATIENCE:
        found.append(f"the agent used {cpu:.1f} s of CPU time")
    return found


class _Pass:
    def __init__(self, stand: Stand, report: Report, options: Options) -> None:
        self.stand = stand
        self.report = report
        self._on_row = options.on_row
        self._check_files: list[tuple[float, Row, str]] = []

    def _row(self, program: Program, shot: Shot) -> Row:
        word, line = judge.verdict(program, shot)
        row = Row(program, word, line, shot.seconds, judge.complaints(program, shot))
        if shot.result is not None:
            row.layers = shot.result.isolation.layers
            row.level = shot.result.isolation.level
        marks = dict(each.partition("=")[::2] for each in program.harness.split())
        if "check-file" in marks:
            when = time.monotonic() + int(marks["wait"]) * PATIENCE
            self._check_files.append((when, row, marks["check-file"]))
        if "victim" in marks and not outside.victim_is_whole():
            row.complaints.append("a directory of the host was changed")
        if "artifacts" in program.harness and outside.artifacts():
            row.complaints.append(f"outside of the run: {outside.artifacts()}")
        return row

    def _tell(self, row: Row) -> None:
        if self._on_row is not None:
            self._on_row(self.report.title, row)

    def _batch(self, programs: list[Program], policies: list[Fields]) -> None:
        names = [program.name for program in programs]
        log = outside.KernelLog()
        before = Supervisors.now()
        with ThreadPoolExecutor(len(programs)) as pool:
            shots = list(pool.map(self.stand.run, programs, policies))
        after = Supervisors.now()
        rows = [self._row(program, shot) for program, shot in zip(programs, shots, strict=True)]
        around = _cost(before, after, names)
        lines = log.count()
        log.close()
        if "r22" in names and lines is not None and lines > 10:
            around.append(f"{lines} lines in the kernel's log")
        around += self.stand.canary()[1]
        around += self.stand.orphans()
        for row in rows:
            row.complaints += around
            self._tell(row)
        self.report.rows += rows

    def run(self, programs: list[Program], policies: dict[str, Fields]) -> None:
        for batch in _batches(programs):
            self._batch(batch, [policies[program.name] for program in batch])
        for when, row, path in self._check_files:
            time.sleep(max(0.0, when - time.monotonic()))
            if os.path.exists(path):
                row.verdict, row.line = ESCAPED, f"{path} is on the host"
                self._tell(row)
                os.unlink(path)
        self.report.rows.sort(key=lambda row: row.program.title)


def _perform(
    title: str,
    options: Options,
    programs: list[Program],
    policies: dict[str, Fields],
    without: tuple[str, ...] = (),
    usual: Fields | None = None,
) -> Report:
    report = Report(title)
    with (
        agent_of(options.agent, without),
        Stand(options.interpreter, usual or {}, options.command) as stand,
    ):
        report.level, report.layers = stand.level, stand.layers
        if stand.refusal is not None:
            report.rows = [Row(each, REFUSED, stand.refusal, 0) for each in programs]
            report.notes.append(f"every run is refused: {stand.refusal}")
            return report
        _Pass(stand, report, options).run(programs, policies)
        report.failures += stand.left()
        if stand.unknown_fields:
            report.notes.append(f"no such policy in this build: {sorted(stand.unknown_fields)}")
    still = set(without) & set(report.layers)
    if still:
        report.failures.append(f"the results name layers that are off: {sorted(still)}")
    return report


def _without(excepted: dict[str, set[str]], report: Report) -> set[str]:
    names = [names for layer, names in excepted.items() if layer not in report.layers]
    return set().union(*names)


def _judge(report: Report, judged: tuple[str, ...], excepted: set[str]) -> Report:
    excepted = excepted | _without(EXCEPTED_WITHOUT, report)
    for row in report.rows:
        name, severity = row.program.name, row.program.severity
        if severity not in judged or name in excepted:
            continue
        if row.verdict in (ESCAPED, UNCLEAR, REFUSED):
            report.failures.append(f"{row.program.title}: {row.verdict}: {row.line}")
        report.failures += [f"{row.program.title}: {each}" for each in row.complaints]
    # whatever a program is judged by, the next run must work and nothing may be left
    for row in report.rows:
        if row.program.severity not in judged or row.program.name in excepted:
            around = [each for each in row.complaints if "next run" in each or "processes" in each]
            report.failures += [f"{row.program.title}: {each}" for each in around]
    return report


def _all(options: Options, programs: list[Program]) -> Iterator[Report]:
    policies = {each.name: each.policy | each.limits for each in programs}
    yield _judge(_perform("all", options, programs, policies), JUDGED, set())


def _default(options: Options, programs: list[Program]) -> Iterator[Report]:
    policies: dict[str, Fields] = {each.name: dict(each.limits) for each in programs}
    yield _judge(_perform("default", options, programs, policies), JUDGED, set())


def _policy_off(options: Options, programs: list[Program]) -> Iterator[Report]:
    if options.brief:
        programs = [each for each in programs if each.has_policy]
    policies = {each.name: POLICY_OFF | each.limits for each in programs}
    yield _judge(_perform("policy-off", options, programs, policies), JUDGED, set())


def _with(
    title: str, fields: Fields, allowed: set[str], without: dict[str, set[str]] | None = None
) -> Pass:
    """Policy off, and a field that opens more; of @allowed the field is the very purpose."""

    def perform_it(options: Options, programs: list[Program]) -> Iterator[Report]:
        policies = {each.name: POLICY_OFF | fields | each.limits for each in programs}
        report = _perform(title, options, programs, policies, usual=fields)
        if "proc" in fields and not report.layers:
            report.rows = []  # without a pid namespace every such run is refused, as a note says
        yield _judge(report, JUDGED, allowed | _without(without or {}, report))

    return perform_it


def _minus_one(options: Options, programs: list[Program]) -> Iterator[Report]:
    boundary = [each for each in programs if each.severity == "boundary"]
    policies = {each.name: POLICY_OFF | each.limits for each in boundary}
    with agent_of(options.agent, ()), Stand(options.interpreter, {}, options.command) as stand:
        usual = ANY_LEVEL if stand.level == "full" else {}
    for layer in LAYERS:
        report = _perform(f"minus-one {layer}", options, boundary, policies, (layer,), usual)
        for row in report.rows:
            if row.verdict == REFUSED:
                row.verdict = HELD  # what does not run gets out of nothing
        yield _judge(report, ("boundary",), set())


def _forget_escapes() -> None:
    """What programs leave on a bare machine would be found by the next who looks for it."""
    with contextlib.suppress(OSError):
        os.unlink("/dev/shm/spr-cross-run")
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL("librt.so.1").mq_unlink(b"/spr-cross-run")
    shutil.rmtree(outside.VICTIM, ignore_errors=True)


def _control(options: Options, programs: list[Program]) -> Iterator[Report]:
    _forget_escapes()
    wanted = [each for each in programs if each.escapes_bare and each.name[0] != "o"]
    policies = {each.name: POLICY_OFF | UNLIMITED for each in wanted}
    report = _perform("control", options, wanted, policies, LAYERS, ANY_LEVEL)
    _forget_escapes()
    silent = dict(SILENT_IN_CONTROL)
    if os.geteuid() != 0:
        silent |= dict.fromkeys(NEED_ROOT, "needs root")
    for row in report.rows:
        if row.verdict != ESCAPED and row.program.name not in silent:
            report.failures.append(f"{row.program.title} shows no escape: {row.line}")
    yield report


_RUN: dict[str, Pass] = {
    "all": _all,
    "default": _default,
    "policy-off": _policy_off,
    "processes": _with(
        "processes", PROCESSES, ALLOWED_WITH_PROCESSES, EXCEPTED_WITHOUT_BUT_PROCESSES
    ),
    "network": _with("network", NETWORK, ALLOWED_WITH_NETWORK),
    "networked-processes": _with(
        "networked-processes",
        PROCESSES | NETWORK,
        ALLOWED_WITH_PROCESSES | ALLOWED_WITH_NETWORK,
        EXCEPTED_WITHOUT_BUT_PROCESSES,
    ),
    "proc": _with("proc", {"proc": True}, SEES_ITS_OWN_REGION),
    "minus-one": _minus_one,
    "control": _control,
}


def perform(name: str, options: Options) -> Iterator[Report]:
    programs = [p for p in load(list(options.only) or None) if p.name not in options.excepted]
    with outside.Surroundings():
        yield from _RUN[name](options, programs)
