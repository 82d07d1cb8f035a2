# SPDX-License-Identifier: MIT
"""The hostile programs beside this directory, and what their headers say.

A program is a file x00_name.py with a header of `# key: value` lines: goal, expect, marker,
category, severity, policy, limits, runs, harness, unsandboxed. It prints one line, `ESCAPED: …` or
`CONTAINED: …`, or dies where `expect` says so.
"""

from __future__ import annotations

import builtins
import re
import sys
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # tests

from processes import PATIENCE  # noqa: E402

DIRECTORY = Path(__file__).resolve().parents[1]
SEVERITIES = ("boundary", "hardening", "limit", "integrity", "policy", "covert", "assumption")
JUDGED = ("boundary", "hardening", "limit", "integrity")  # the others are reported
# What allow_processes is there for.
ALLOWED_WITH_PROCESSES = {"e27", "h16"}
# A program that never ends by itself says so; the others get time enough on a busy machine.
WALL_SECONDS = 20

Fields = dict[str, object]  # of a RunnerPolicy

POLICY_OFF: Fields = {"blocked_imports": [], "blocked_builtins": []}
_LIMITS = {  # header: (field, its units in the header's unit)
    "wall": ("timeout_seconds", 1),
    "cpu": ("cpu_seconds", 1),
    "tasks": ("max_processes", 1),
    "memory": ("memory_limit_mb", 1),
    "disk": ("disk_mb", 1),
    "output": ("max_output_kb", 1024),
}


@dataclass(frozen=True)
class Program:
    name: str  # g01
    title: str  # g01_tcp_loopback
    source: str
    header: dict[str, str]

    @property
    def severity(self) -> str:
        return self.header["severity"]

    @property
    def expect(self) -> str:
        return self.header["expect"]

    @property
    def harness(self) -> str:
        return self.header.get("harness", "")

    @property
    def escapes_bare(self) -> bool:
        """Whether it gets out where nothing holds it."""
        return self.header.get("unsandboxed", "").startswith("escaped")

    @property
    def has_policy(self) -> bool:
        return self.header.get("policy", "none") != "none"

    @property
    def runs(self) -> int:
        return int(self.header.get("runs", "1").split()[0])

    @property
    def at_the_same_time(self) -> bool:
        return "same time" in self.header.get("runs", "")

    @property
    def wall_seconds(self) -> int:
        return self.limits["timeout_seconds"]

    @property
    def limits(self) -> dict[str, int]:
        found = {"timeout_seconds": WALL_SECONDS * PATIENCE}
        for word in self.header.get("limits", "").split():
            key, _, value = word.partition("=")
            name, unit = _LIMITS[key]
            found[name] = int(value.removesuffix("MiB")) * unit
        # a few seconds are what the program is about; more are time to work
        if found["timeout_seconds"] in range(10, WALL_SECONDS):
            found["timeout_seconds"] *= PATIENCE
        if "disk_mb" in found:
            found["max_file_mb"] = found["disk_mb"]
        return found

    @property
    def policy(self) -> Fields:
        """The lists under which the program means something; what it does not name is free."""
        text = self.header.get("policy", "none")
        fields = dict(POLICY_OFF)
        key = ""
        for part in re.split(r";", text):
            found = re.search(r"((?:allowed|blocked)_(?:imports|builtins))=([\w,]+)", part)
            if found:
                key, names = found.groups()
            elif key:
                names = part.strip()
            else:
                continue
            listed = fields.get(key, [])
            assert isinstance(listed, list)
            fields[key] = [*listed, *names.split(",")]
        if text.startswith("allow mode"):
            names_of_builtins = [name for name in dir(builtins) if name.isidentifier()]
            fields |= {"mode": "allow", "allowed_builtins": names_of_builtins}
        return fields


def load(only: list[str] | None = None) -> list[Program]:
    """By name; with `only`, those whose name or series (`g`) is on the list."""
    found = []
    for path in sorted(DIRECTORY.glob("[a-z][0-9][0-9]_*.py")):
        source = path.read_text("utf-8")
        rows = re.findall(r"^# ([a-z]+): (.*)$", source, re.MULTILINE)
        header: dict[str, str] = {}
        for key, value in rows:
            header.setdefault(key, value)
        name = path.name.split("_")[0]
        if only and name not in only and name[0] not in only:
            continue
        found.append(Program(name, path.stem, source, header))
        assert found[-1].severity in SEVERITIES, path
    return found
