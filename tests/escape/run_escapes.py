#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Every hostile program of this directory, run in the sandbox and judged.

usage: run_escapes.py [--pass NAME[,NAME…]] [--only PROGRAM[,…]] [--except PROGRAM[,…]] [--json]
                      [--agent PATH] [--command COMMAND] [--python INTERPRETER] [--brief]

Passes: all, default, policy-off, processes, minus-one, control (harness/passes.py says what each
is). A line per program as soon as it is done; with --brief, the sums alone. Exit status 1 where one
fails. Needs safe_py_runner and the standard library, nothing else; runs as whoever calls it, on
whatever the host grants.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from harness.judge import Row
from harness.passes import PASSES, Options, Report, perform
from harness.programs import SEVERITIES


def names(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, usage=argparse.SUPPRESS)
    parser.add_argument("--pass", dest="passes", type=names, default=("all", "policy-off"))
    parser.add_argument("--only", type=names, default=())
    parser.add_argument("--except", dest="excepted", type=names, default=())
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--brief", action="store_true")
    parser.add_argument("--agent")
    parser.add_argument("--command", type=lambda text: tuple(shlex.split(text)), default=())
    parser.add_argument("--python", default="/usr/bin/python3")
    chosen = parser.parse_args()
    if unknown := set(chosen.passes) - set(PASSES):
        parser.error(f"no such pass: {', '.join(sorted(unknown))}")
    return chosen


def as_json(report: Report, seconds: float) -> dict[str, object]:
    return {
        "pass": report.title,
        "seconds": round(seconds, 1),
        "level": report.level,
        "layers": report.layers,
        "failures": report.failures,
        "notes": report.notes,
        "rows": [
            {
                "program": row.program.title,
                "severity": row.program.severity,
                "verdict": row.verdict,
                "line": row.line,
                "seconds": round(row.seconds, 3),
                "complaints": row.complaints,
            }
            for row in report.rows
        ],
    }


def show_row(title: str, row: Row) -> None:
    line = row.line.removeprefix("CONTAINED: ").removeprefix("ESCAPED: ")[:110]
    words = f"{row.verdict:8} {row.program.severity:10} {row.program.title}: {line}"
    print(f"    {title}: {words}", *(f"!! {each}" for each in row.complaints), flush=True)


def show(report: Report, seconds: float) -> None:
    for severity in SEVERITIES:
        rows = [row for row in report.rows if row.program.severity == severity]
        if rows:
            counts = Counter(row.verdict for row in rows)
            words = ", ".join(f"{n} {word}" for word, n in sorted(counts.items()))
            print(f"    {severity:10} {len(rows):3}: {words}")
    for note in report.notes:
        print(f"    note: {note}")
    for failure in report.failures:
        print(f"    FAILED {failure}")
    verdict = "FAIL" if report.failures else "ok"
    print(f"{verdict} escape {report.title}: level {report.level or 'none'}, {seconds:.0f} s")
    sys.stdout.flush()


def main() -> int:
    chosen = options()
    settings = Options(
        chosen.agent,
        chosen.python,
        chosen.command,
        chosen.only,
        chosen.excepted,
        on_row=None if chosen.json or chosen.brief else show_row,
    )
    found = []
    fine = True
    for name in chosen.passes:
        begin = time.monotonic()
        for report in perform(name, settings):
            seconds = time.monotonic() - begin
            fine = fine and not report.failures
            found.append(as_json(report, seconds))
            if not chosen.json:
                show(report, seconds)
            begin = time.monotonic()
    if chosen.json:
        json.dump(found, sys.stdout, indent=1)
        print()
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
