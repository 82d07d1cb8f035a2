# SPDX-License-Identifier: MIT
"""docs/benchmarks.md: a section per program that measures, written from what it measured."""

from __future__ import annotations

import os
import platform
import time
from pathlib import Path

PLACE = Path(__file__).resolve().parent.parent / "docs/benchmarks.md"
QUIET_LOAD = 2  # of others; the measurement itself is one more
BUSY = "\n**The machine was busy with other work: these figures say only that all of it runs.**\n"
SECTIONS = {"judge": "Targets", "layers": "What each layer costs", "peers": "Against the rest"}
HEAD = """# Benchmarks

Written by `./dev bench judge --write` and `./dev bench peers --write`; not by hand. Medians unless
said otherwise. Figures of two machines, or of one at two times, do not compare: what counts are
ratios within one run, whose rows were measured in turn.
"""


def _marks(name: str) -> tuple[str, str]:
    return f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->\n"


def _section(text: str, name: str) -> str:
    begin, end = _marks(name)
    return text.partition(begin)[2].partition(end)[0]


def write(name: str, body: str) -> None:
    """Replaces one section, keeps the others."""
    old = PLACE.read_text() if PLACE.exists() else ""
    parts = [HEAD]
    for each, title in SECTIONS.items():
        content = f"## {title}\n\n{body}" if each == name else _section(old, each)
        if content:
            begin, end = _marks(each)
            parts.append(f"{begin}{content.rstrip()}\n{end}")
    PLACE.write_text("\n".join(parts))


def setting(n: str, load: float) -> str:
    """Where and when, in one paragraph."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    when = time.strftime("%Y-%m-%d", time.gmtime())
    machine = f"{os.cpu_count()} x {model}, {memory:.0f} GiB, Linux {platform.release()}"
    loads = f"load {load:.2f} when it began and {os.getloadavg()[0]:.2f} at the end"
    busy = BUSY if max(load, os.getloadavg()[0] - QUIET_LOAD) > QUIET_LOAD else ""
    return f"{when}, {machine}, uid {os.geteuid()}; {loads}; {n}.\n{busy}"


def table(head: list[str], rows: list[list[str]]) -> str:
    """Markdown; the first column is text, the others are numbers up to the last that is text."""
    marks = ["---", *("--:" for _ in head[1:])]
    lines = [head, marks, *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
