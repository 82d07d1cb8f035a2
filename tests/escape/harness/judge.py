# SPDX-License-Identifier: MIT
"""What a run shows: held, escaped, or neither.

A program has held when it printed CONTAINED, or died as its `expect` says; the harness's own marks
(`check-reply` and the like) are complaints on top. Whoever prints neither and dies otherwise is
`unclear`, which counts as a failure: it shows nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from .programs import PATIENCE, Program

HELD, ESCAPED, UNCLEAR, REFUSED = "held", "escaped", "unclear", "refused"

OUTCOMES = {"ok", "error", "timeout", "memory", "output", "denied", "crash", "cancelled", "infra"}
KILLERS = {None, "timeout", "memory", "signal", "cancel", "agent", "cpu", "disk", "processes"}
FORGED = "FORGED-BY-CHILD"
LATE_SECONDS = 0.5 * PATIENCE  # a reply may come so long after the limit
GROWTH_MIB = 64
TAIL_BYTES = 16 * 1024
# They print it behind more filler than may be kept, so that it shows in `stdout` only where the cap
# has failed; that the tail of a stream has it is right.
ESCAPE_AT_THE_END = {"o01", "o03"}


@dataclass
class Shot:
    """One run of a program. `result` is a RunnerResult, `error` what was raised instead."""

    seconds: float
    result: Any = None
    error: str | None = None
    complaints: list[str] = field(default_factory=list)


@dataclass
class Row:
    """A program in a pass."""

    program: Program
    verdict: str
    line: str  # what it printed, or how it ended
    seconds: float
    complaints: list[str] = field(default_factory=list)
    layers: tuple[str, ...] = ()
    level: str = ""


def _said(program: Program, result: Any) -> str:
    if program.name in ESCAPE_AT_THE_END:
        return str(result.stdout)
    return f"{result.stdout}\n{result.stdout_tail}"


def _line(text: str, word: str) -> str | None:
    start = text.find(word)
    return None if start < 0 else text[start:].splitlines()[0][:300]


def _death(result: Any) -> str:
    words = [f"outcome {result.outcome}", f"exit {result.exit_code}"]
    if result.killed_by:
        words.append(f"killed by {result.killed_by}")
    if result.error:
        words.append(str(result.error)[:160])
    return ", ".join(words)


def _died_as_expected(program: Program, result: Any) -> bool:
    expect = program.expect
    if result.timed_out:
        return "wall" in expect or "killed" in expect
    if result.resource_exceeded:
        return any(word in expect for word in ("memory", "killed", "limit", "reserve"))
    if result.outcome == "output":
        return "too large" in expect or "cap" in expect
    if result.outcome == "error":
        return "this run fails" in expect
    if result.outcome == "crash":
        return any(word in expect for word in ("dies", "die ", "crash", "fatal", "without a reply"))
    return False


def was_refused(shot: Shot) -> bool:
    """Whether no code of a run was executed because a layer or a level is missing."""
    result = shot.result
    if result is None or result.exit_code == 126:
        return True
    return bool(result.outcome == "infra" and result.killed_by is None)


def verdict(program: Program, shot: Shot) -> tuple[str, str]:
    """(word, line)"""
    result = shot.result
    if result is None:
        return REFUSED, shot.error or ""
    text = _said(program, result)
    if line := _line(text, "ESCAPED:"):
        return ESCAPED, line
    if line := _line(text, "CONTAINED:"):
        return HELD, line
    if _died_as_expected(program, result):
        return HELD, _death(result)
    if "check-file" in program.harness and result.outcome == "ok":
        return HELD, "ended; judged by what it left behind"
    if "check-reply" in program.harness and result.truncated.stdout:
        return HELD, "its output was cut, what it said at the end with it"
    if "silent" in program.harness:
        return HELD, _death(result)  # it may destroy its own words; the reply counts
    if result.outcome == "denied":
        return HELD, _death(result)
    if "check-reply" in program.harness and result.killed_by == "agent":
        return HELD, _death(result)  # what it wrote to the agent was no reply
    return (REFUSED if was_refused(shot) else UNCLEAR), _death(result)


# --- check-reply ---


def _well_formed(program: Program, result: Any) -> Iterator[str]:
    if result.outcome not in OUTCOMES:
        yield f"outcome {result.outcome!r}"
    if result.killed_by not in KILLERS:
        yield f"killed by {result.killed_by!r}"
    if not 0 <= result.exit_code <= 255:
        yield f"exit code {result.exit_code}"
    if result.ok != (result.outcome == "ok"):
        yield f"ok {result.ok} with outcome {result.outcome}"
    if not result.ok and not result.error:
        yield "not ok, and no error"
    cap = int(program.limits.get("max_output_kb", 128)) * 1024
    for name in ("stdout", "stderr"):
        text = getattr(result, name)
        # bytes that are no text are replaced by a character of three bytes each
        if len(text) > cap or len(getattr(result, f"{name}_tail")) > TAIL_BYTES:
            yield f"{name} is longer than its cap"
        text.encode("utf-8", "surrogatepass")
    if FORGED in (result.result, result.stdout, result.error):
        yield "the reply is the forged one"
    try:
        json.dumps(result.result)
    except (TypeError, ValueError, RecursionError) as error:
        yield f"the result is no JSON: {error}"


def _timed_out(_: Program, shot: Shot) -> Iterator[str]:
    if not shot.result.timed_out:
        yield "no timeout"


def _in_a_second(_: Program, shot: Shot) -> Iterator[str]:
    if shot.seconds > 1.2 * PATIENCE:
        yield f"took {shot.seconds:.1f} s instead of 1 s"


def _after_its_threads(_: Program, shot: Shot) -> Iterator[str]:
    # the threads of an executor are joined, as outside; here they sleep for three seconds
    if not 3 <= shot.seconds < 4 * PATIENCE:
        yield f"took {shot.seconds:.1f} s, and its threads take 3 s"


def _crash(_: Program, shot: Shot) -> Iterator[str]:
    result = shot.result
    if result.outcome != "crash" or result.timed_out or result.resource_exceeded:
        yield f"not told as a crash: {_death(result)}"
    yield from _in_a_second(_, shot)


def _killed_itself(_: Program, shot: Shot) -> Iterator[str]:
    if shot.result.killed_by != "signal":
        yield f"killed by {shot.result.killed_by}"
    yield from _crash(_, shot)


def _ok(_: Program, shot: Shot) -> Iterator[str]:
    if not shot.result.ok:
        yield f"not ok: {_death(shot.result)}"


def _measured_outside(_: Program, shot: Shot) -> Iterator[str]:
    usage = shot.result.usage
    if not 0 < usage.wall_ms <= shot.seconds * 1e3 or not usage.cpu_ms > 0:
        yield f"not measured: {usage}"


_MARKS: dict[str, Callable[[Program, Shot], Iterator[str]]] = {
    "b04": _measured_outside,
    "e06": _timed_out,
    "e10": _timed_out,
    "e11": _timed_out,
    "e13": _timed_out,
    "x03": _crash,
    "x04": _crash,
    "x05": _killed_itself,
    "x08": _in_a_second,
    "x09": _in_a_second,
    "x14": _ok,
    "x15": _ok,
    "x16": _after_its_threads,
}


def complaints(program: Program, shot: Shot) -> list[str]:
    """What is wrong with the reply itself, whatever the program said."""
    if shot.result is None:
        return []
    found = list(shot.complaints)
    late = shot.seconds - program.wall_seconds
    if late > LATE_SECONDS:
        found.append(f"the reply came {late:.2f} s after the limit")
    if "check-reply" in program.harness:
        found += _well_formed(program, shot.result)
    denied = was_refused(shot) or shot.result.outcome == "denied"
    if program.name in _MARKS and not denied:
        found += _MARKS[program.name](program, shot)
    return found
