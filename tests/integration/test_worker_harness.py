# SPDX-License-Identifier: MIT
"""The worker alone, without agent and sandbox: tests/worker/ plays both sides."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "worker"))

from cases_code import GLOBALS, GUARD, OUTCOMES
from cases_output import ENDING, HOSTILE, OUTPUT, RESULT
from expect import OK, check, error

import agent
from agent import DEFAULT_POLICY, FREE_POLICY, MIB, Zygote


@pytest.fixture(scope="session")
def so(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return agent.build(tmp_path_factory.mktemp("worker"))


@pytest.fixture(scope="module")
def zygote(interpreter: str, so: Path) -> Iterator[Zygote]:
    zygote = Zygote(interpreter, so)
    yield zygote
    zygote.close()


@pytest.fixture(scope="module")
def cold(interpreter: str, so: Path) -> Iterator[Zygote]:
    zygote = Zygote(interpreter, so, warm=False)
    yield zygote
    zygote.close()


@pytest.mark.parametrize(("code", "expected"), OUTCOMES, ids=lambda value: str(value)[:40])
def test_outcome(zygote: Zygote, code: str, expected: dict[str, Any]) -> None:
    check(zygote.run(code), **expected)


def test_environment(zygote: Zygote) -> None:
    """The policy's variables are the code's, os.environ's and the C library's; of one run only."""
    code = (
        "import ctypes, os\n"
        "getenv = ctypes.CDLL(None).getenv\n"
        "getenv.restype = ctypes.c_char_p\n"
        "result = [os.environ.get('A'), os.getenv('HOME'), str(getenv(b'A'))]"
    )
    variables = {"A": "ü=\n", "HOME": "/nowhere"}
    answer = zygote.run(code, policy={**FREE_POLICY, "env": variables})
    assert answer.result == ["ü=\n", "/nowhere", str("ü=\n".encode())], answer
    assert zygote.run("import os\nresult = os.environ.get('A')").json is None


def test_error_is_bounded(zygote: Zygote) -> None:
    answer = zygote.run("raise ValueError('é' * 10**6)")
    assert answer.error is not None and 65534 <= len(answer.error.encode()) <= 65536


@pytest.mark.parametrize(
    "source", ["-" * 200000 + "1", "lambda:" * 20000 + "0", "a" + ".b" * 200000]
)
def test_deep_source(zygote: Zygote, source: str) -> None:
    answer = zygote.run(source)
    assert answer.verdict == "error" or answer.status == 11  # CPython's own crash is the agent's


def test_a_cold_worker_shows_source_lines(cold: Zygote) -> None:
    check(
        cold.run("def f():\n    1 / 0\nf()"),
        **error("ZeroDivisionError: division by zero", stderr={"    1 / 0\n", "    f()\n"}),
    )
    check(
        cold.run("import traceback\ntry:\n    1 / 0\nexcept Exception:\n    traceback.print_exc()"),
        **OK,
        stderr={"    1 / 0\n"},
    )


@pytest.mark.parametrize(("code", "rules", "expected"), GUARD, ids=lambda value: str(value)[:40])
def test_guard(
    zygote: Zygote, code: str, rules: dict[str, Any] | None, expected: dict[str, Any]
) -> None:
    check(zygote.run(code, policy=rules or DEFAULT_POLICY), **expected)


@pytest.mark.parametrize(
    ("code", "text", "rules", "expected"), GLOBALS, ids=lambda value: str(value)[:40]
)
def test_globals(
    zygote: Zygote,
    code: str,
    text: str,
    rules: dict[str, Any] | None,
    expected: dict[str, Any],
) -> None:
    if text == "1" * 100000 and zygote.run("import sys; result = 1").verdict == "ok":
        digits = zygote.run("import sys; result = hasattr(sys, 'set_int_max_str_digits')").result
        expected = error("input cannot be read: …") if digits else OK
    check(zygote.run(code, text, policy=rules or FREE_POLICY), **expected)


@pytest.mark.parametrize(("code", "expected"), OUTPUT, ids=lambda value: str(value)[:40])
def test_output(zygote: Zygote, code: str, expected: dict[str, Any]) -> None:
    check(zygote.run(code), **expected)


@pytest.mark.parametrize(("code", "expected"), RESULT, ids=lambda value: str(value)[:40])
def test_result(zygote: Zygote, code: str, expected: dict[str, Any]) -> None:
    if expected.get("error") == {"deep", "recursion"}:
        answer = zygote.run(code)
        assert answer.verdict == "error" and answer.error
        assert "nested too deeply" in answer.error or "RecursionError" in answer.error
        return
    check(zygote.run(code), **expected)


@pytest.mark.parametrize(("code", "expected"), ENDING, ids=lambda value: str(value)[:40])
def test_ending(zygote: Zygote, code: str, expected: dict[str, Any]) -> None:
    check(zygote.run(code), **expected)


@pytest.mark.parametrize(("code", "expected"), HOSTILE, ids=lambda value: str(value)[:40])
@pytest.mark.parametrize("warm", [True, False], ids=["warm", "cold"])
def test_hostile(
    zygote: Zygote, cold: Zygote, warm: bool, code: str, expected: dict[str, Any]
) -> None:
    answer = (zygote if warm else cold).run(code)
    assert answer.verdict is not None, answer
    assert answer.status == 0, answer
    if not warm and isinstance(expected.get("stderr"), set):
        expected = {**expected, "stderr": {"ZeroDivisionError"}}  # source lines want traceback
    check(answer, **expected)


def test_no_memory_left(zygote: Zygote) -> None:
    code = """
import resource
now = int(open('/proc/self/statm').read().split()[5]) * 4096
resource.setrlimit(resource.RLIMIT_DATA, (now + (64 << 20), now + (64 << 20)))
keep = []
n = 16 << 20
while n > 10:
    try:
        keep.append(bytearray(n))
    except MemoryError:
        n //= 2
"""
    check(zygote.run(code + "result = 'full'"), **OK, result="full")
    check(zygote.run(code + "1 / 0"), verdict="error", error="ZeroDivisionError: division by zero")
    check(zygote.run(code + "while True: keep.append(bytearray(100))"), verdict="memory")
    check(zygote.run(code + "result = list(range(3000000))"), verdict="memory")


def test_closed_descriptors(zygote: Zygote) -> None:
    answer = zygote.run("import os; print('kept'); os.closerange(0, 1024)")
    assert (answer.verdict, answer.stdout) == (None, "kept\n")
    assert os.WIFEXITED(answer.status) and answer.status != 0


@pytest.mark.parametrize(
    ("code", "signal"), [("os.abort()", 6), ("os.kill(os.getpid(), 9)", 9), ("os._exit(0)", 0)]
)
def test_death(zygote: Zygote, code: str, signal: int) -> None:
    answer = zygote.run(f"import os; print('kept'); {code}")
    assert (answer.verdict, answer.stdout, answer.status & 127) == (None, "kept\n", signal)


def test_large_input(zygote: Zygote) -> None:
    text = json.dumps({"x": "y" * (64 * MIB)})
    check(zygote.run("result = len(x)", text), **OK, result=64 * MIB)


def test_large_code(zygote: Zygote) -> None:
    check(zygote.run("x = 1\n" * 200000 + "result = x"), **OK, result=1)


def test_large_result(zygote: Zygote) -> None:
    answer = zygote.run("result = 'x' * (64 * 1024 * 1024 - 2)", result_bytes=64 * MIB)
    assert answer.json is not None and len(answer.json) == 64 * MIB


def test_name(zygote: Zygote) -> None:
    for given, shown in (("", "<code>"), ("<agent>", "<agent>"), ("a\0b", "<code>")):
        check(zygote.run("1 / 0", name=given), stderr={f'File "{shown}", line 1', "    1 / 0"})


def test_unfit_policy(zygote: Zygote) -> None:
    check(zygote.run("", policy="["), **error("policy is not JSON: …"))
    check(zygote.run("", policy="{}"), **error("policy has no mode"))


def test_hang_up_before_the_request(zygote: Zygote) -> None:
    ours, region = zygote.start()
    ours.close()
    os.close(region)
    assert zygote.control.recv(64) == b"0"


@pytest.mark.parametrize(
    "message",
    [
        agent.HEADER.pack(agent.RUN_TYPE, 0, 0, 0, 0, 0, 0),
        agent.HEADER.pack(agent.RESULT_TYPE, 0, 0, agent.RESULT.size, 0, 0, 0)
        + bytes(agent.RESULT.size),
        agent.HEADER.pack(agent.RUN_TYPE, 0, 0, agent.RUN.size, 99999999, 0, 0)
        + bytes(agent.RUN.size),
        b"x",
        bytes(9000),
    ],
)
def test_broken_request(zygote: Zygote, message: bytes) -> None:
    ours, region = zygote.start()
    ours.send(message)
    kind, _ = agent.receive(ours, zygote.run_id)
    assert kind == agent.FAILURE
    ours.close()
    os.close(region)
    assert os.WEXITSTATUS(int(zygote.control.recv(64))) == 1


def test_sizes_beyond_the_region(zygote: Zygote) -> None:
    answer = zygote.run("", output_bytes=65 * MIB)
    assert answer.failure == "cannot take the request: a size is beyond the region's"


def test_many_prints(zygote: Zygote) -> None:
    lines = "".join(f"line {i}\n" for i in range(200000))
    answer = zygote.run("for i in range(200000): print('line', i)")
    assert answer.stdout_total == len(lines)
    assert answer.stdout == lines[: 128 * 1024]


def test_a_rehearsed_worker_faults_less(zygote: Zygote, cold: Zygote) -> None:
    """What a rehearsal is for: the pages that a run writes to are the worker's own already."""
    code = (
        "import resource\n"
        "def faults():\n"
        "    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt\n"
        "before = faults()\n"
        "names = sorted(f'name {i}' for i in range(4))\n"
        "try:\n"
        "    {}['missing']\n"
        "except KeyError as error:\n"
        "    print('text', str(error), 2 ** 0.5)\n"
        "result = faults() - before"
    )
    rehearsed, fresh = zygote.run(code).result, cold.run(code).result
    assert rehearsed * 3 < fresh, (rehearsed, fresh)
