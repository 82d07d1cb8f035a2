# SPDX-License-Identifier: MIT
"""The worker alone: printing against a file, and a run from RUN to RESULT in an unrehearsed child.

usage: bench/worker.py PYTHON …
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "worker"))

from agent import DEFAULT_POLICY, Zygote, build

ROUNDS = 9
PRINTS = "for i in range(200000): print('line', i)"
TIMED = f"import sys, time\ns = time.process_time()\n{PRINTS}\nresult = time.process_time() - s"
MAX_RATIO = 1.3


def print_to_file(python: str, path: Path) -> float:
    with path.open("wb") as out:
        done = subprocess.run(
            [python, "-I", "-c", f"{TIMED}\nprint(result, file=sys.stderr)"],
            stdout=out,
            stderr=subprocess.PIPE,
            check=True,
        )
    return float(done.stderr)


def prints(zygote: Zygote, path: Path) -> bool:
    ours, theirs = [], []
    for _ in range(ROUNDS):
        ours.append(float(zygote.run(TIMED).result))
        theirs.append(print_to_file(zygote.python, path))
    ratio = min(ours) / min(theirs)
    print(
        f"  200 000 prints: region {min(ours) * 1e3:.0f} ms, file {min(theirs) * 1e3:.0f} ms,",
        end=" ",
    )
    print(f"ratio {ratio:.2f}")
    return ratio <= MAX_RATIO


def round_trip(zygote: Zygote, title: str, code: str) -> None:
    times = sorted(zygote.run(code, '{"x": 81}', DEFAULT_POLICY).seconds * 1e3 for _ in range(200))
    print(f"  {title}: p50 {times[100]:.2f} ms, p90 {times[180]:.2f} ms, min {times[0]:.2f} ms")


def main() -> int:
    fine = True
    with tempfile.TemporaryDirectory() as directory:
        so = build(Path(directory))
        for python in sys.argv[1:]:
            zygote = Zygote(python, so)
            tools, warm = zygote.import_us
            print(f"{python}: tools {tools / 1e3:.1f} ms, warm {warm / 1e3:.1f} ms")
            fine &= prints(zygote, Path(directory) / "out")
            round_trip(zygote, "RUN to RESULT", "result = input_data['x'] ** 0.5")
            round_trip(zygote, "RUN to RESULT, exception", "1 / 0")
            zygote.close()
    return 0 if fine else 1


sys.exit(main())
