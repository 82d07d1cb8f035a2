# SPDX-License-Identifier: MIT
"""CommandEngine: any command that ends in a Python on a pipe."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from processes import stats
from safe_py_runner import CommandEngine, RunnerPolicy, RunnerResult, run_code
from sshd import sshd

TOOLS = Path(__file__).resolve().parents[1] / "tools"
OLD_PYTHON = Path.home() / ".pyenv/versions"
ANSWER = "result = 6 * 7"
SLEEP = "import time\ntime.sleep(60)"
GRACE_S = 2
MARKS = ("/.dockerenv", "/run/.containerenv")
WHERE = "container" if any(map(os.path.exists, MARKS)) else "remote"


def agents() -> set[int]:
    """Of remote engines: their command line says so."""
    found = set()
    for pid, comm, _ in stats():
        if comm == "spr-agent":
            try:
                words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if b"--remote" in words:
                found.add(pid)
    return found


def await_no_more_than(before: set[int], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while agents() - before:
        assert time.monotonic() < deadline, agents() - before
        time.sleep(0.02)


@pytest.fixture(scope="module")
def ssh() -> Iterator[list[str]]:
    with sshd("This system is for authorised use only.\n") as command:
        yield command


def test_a_command(interpreter: str) -> None:
    before = agents()
    with CommandEngine([interpreter]) as engine:
        for _ in range(3):
            answer = run_code("print('hi')\nresult = input_data", engine, {"x": [1, 2.5, "é"]})
            assert (answer.ok, answer.error, answer.result) == (True, None, {"x": [1, 2.5, "é"]})
            assert answer.stdout == "hi\n"
            assert answer.isolation is not None
            assert answer.isolation.where == WHERE
        assert len(agents() - before) >= 1
    await_no_more_than(before)


def test_the_interpreter_is_that_of_the_command(interpreter: str) -> None:
    policy = RunnerPolicy(blocked_imports=[])
    with CommandEngine([interpreter, "-B"]) as engine:
        there = run_code("import sys\nresult = sys.version", engine, policy=policy).result
    here = subprocess.run(
        [interpreter, "-c", "import sys; print(sys.version, end='')"],
        capture_output=True,
        text=True,
    )
    assert there == here.stdout


def test_over_ssh(ssh: list[str], interpreter: str) -> None:
    before = agents()
    with CommandEngine([*ssh, interpreter], shell_hop=True) as engine:
        answer = run_code(ANSWER, engine)
        assert (answer.error, answer.result) == (None, 42)
        large = "x" * (4 << 20)
        assert run_code("result = input_data", engine, large).result == large
        with ThreadPoolExecutor(8) as pool:
            codes = [f"import time\ntime.sleep(0.05)\nresult = {n}" for n in range(40)]
            answers = list(pool.map(lambda code: run_code(code, engine), codes))
        assert [each.result for each in answers] == list(range(40))
    await_no_more_than(before)


def test_without_the_quotes_of_a_shell(ssh: list[str], interpreter: str) -> None:
    """It does not work, and says why."""
    with CommandEngine([*ssh, interpreter]) as engine:
        answer = run_code(ANSWER, engine)
    assert (answer.ok, answer.exit_code, answer.outcome) == (False, 125, "infra")
    assert "ended before a Python answered" in str(answer.error)
    assert "yntax error" in str(answer.error)  # the shell's words


def test_a_host_that_is_not_there(ssh: list[str]) -> None:
    command = [word for word in ssh if not word.endswith("@127.0.0.1")]
    command[command.index("-p") + 1] = "1"
    with CommandEngine([*command, "127.0.0.1", "python3"], shell_hop=True) as engine:
        answer = run_code(ANSWER, engine)
    assert (answer.ok, answer.exit_code, answer.outcome) == (False, 125, "infra")
    assert "Connection refused" in str(answer.error)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["no-such-program"], "cannot run 'no-such-program': No such file or directory"),
        (["false"], "'false' ended before a Python answered"),
        (["sh", "-c", "echo >&2 it is closed; exit 3", "-"], "answered: it is closed"),
        (["sh", "-c", "echo sh: python3: not found", "-"], "answered: sh: python3: not found"),
        (["sh", "-c", "yes", "-"], "no Python answers 'sh -c yes -', only: "),
    ],
)
def test_commands_that_lead_nowhere(command: list[str], words: str) -> None:
    with CommandEngine(command) as engine:
        for _ in range(2):
            answer = run_code(ANSWER, engine)
            assert (answer.ok, answer.exit_code, answer.outcome) == (False, 125, "infra")
            assert words in str(answer.error)


def test_a_command_that_never_answers() -> None:
    with CommandEngine(["sleep", "60"], startup_timeout=0.5) as engine:
        begin = time.monotonic()
        answer = run_code(ANSWER, engine)
        # "sleep: invalid option" where it looks at what is appended
        assert answer.outcome == "infra"
        assert time.monotonic() - begin < 5
    with CommandEngine(["sh", "-c", "exec sleep 60", "-"], startup_timeout=0.5) as engine:
        begin = time.monotonic()
        answer = run_code(ANSWER, engine)
        assert "no agent has answered for 0.5 s" in str(answer.error)
        assert 0.4 < time.monotonic() - begin < 5


def test_a_python_that_is_too_old() -> None:
    found = sorted(OLD_PYTHON.glob("3.8.*/bin/python3"))
    script = (
        "T=$4; printf '\\n%s x86_64 3080100 cpython 2f\\n' $(echo \"$T\" | cut -d'\"' -f2); cat"
    )
    command = [str(found[0])] if found else ["sh", "-c", script, "-"]  # what such a one would say
    with CommandEngine(command) as engine:
        answer = run_code(ANSWER, engine)
    assert "CPython 3.9 or later is needed" in str(answer.error)
    assert "Python 3.8" in str(answer.error)


def test_where_nothing_may_be_executed_from_memory(interpreter: str) -> None:
    """Then the agent comes from a directory, and nothing is left there."""
    places = ["/run/spr", "/dev/shm", "/tmp", "/var/tmp"]

    def files() -> set[str]:
        return {
            f"{place}/{name}"
            for place in places
            if os.path.isdir(place)
            for name in os.listdir(place)
            if name.startswith("spr-agent")
        }

    before = files()
    tool = [sys.executable, str(TOOLS / "failing_calls.py")]
    for failing in (["--nth", "1"], []):  # the agent itself wants some, later
        command = [*tool, *failing, "memfd_create=EPERM", "--", interpreter]
        with CommandEngine(command) as engine:
            answer = run_code(ANSWER, engine)
        assert files() == before
        if failing:
            assert (answer.error, answer.result) == (None, 42)
        else:
            assert answer.outcome == "infra"
            assert "Operation not permitted" in str(answer.error)


def test_killed_in_mid_run(interpreter: str) -> None:
    before = agents()
    with CommandEngine([interpreter]) as engine:
        assert run_code(ANSWER, engine).result == 42
        with ThreadPoolExecutor(1) as pool:
            policy = RunnerPolicy(timeout_seconds=60)
            answer = pool.submit(run_code, SLEEP, engine, None, policy)
            time.sleep(0.3)
            for pid in agents() - before:
                os.kill(pid, signal.SIGKILL)
            ended = answer.result(timeout=5)
        assert (ended.outcome, ended.exit_code) == ("infra", 125)
        assert run_code(ANSWER, engine).result == 42
    await_no_more_than(before)


def breakable(cut: Path, interpreter: str) -> list[str]:
    return [sys.executable, str(TOOLS / "breakable.py"), str(cut), interpreter]


def timed(code: str, engine: CommandEngine, seconds: float) -> tuple[RunnerResult, float]:
    begin = time.monotonic()
    answer = run_code(code, engine, policy=RunnerPolicy(timeout_seconds=seconds))
    return answer, time.monotonic() - begin


def test_cut_for_good(tmp_path: Path, interpreter: str) -> None:
    """Every caller is answered, two seconds after the deadline at the latest; so is the next one,
    and the other side ends as well."""
    cut, before = tmp_path / "cut", agents()
    with CommandEngine(breakable(cut, interpreter)) as engine:
        assert run_code(ANSWER, engine).result == 42
        with ThreadPoolExecutor(4) as pool:
            runs = [pool.submit(timed, SLEEP, engine, 1 + n / 4) for n in range(4)]
            time.sleep(0.2)
            cut.touch()
            for n, run in enumerate(runs):
                answer, seconds = run.result(timeout=60)
                assert answer.outcome in ("infra", "timeout")
                assert seconds < 1 + n / 4 + GRACE_S
        cut.unlink()
        assert run_code(ANSWER, engine).result == 42
        cut.touch()
    await_no_more_than(before, 30)  # a lease is 15 s


def test_cut_for_a_while(tmp_path: Path, interpreter: str) -> None:
    """Nothing is lost where the way is open again before anybody would have been answered."""
    cut = tmp_path / "cut"
    with CommandEngine(breakable(cut, interpreter)) as engine:
        assert run_code(ANSWER, engine).result == 42
        with ThreadPoolExecutor(1) as pool:
            code = "import time\ntime.sleep(1)\nresult = 42"
            run = pool.submit(timed, code, engine, 20)
            time.sleep(0.3)
            cut.touch()
            time.sleep(3)
            cut.unlink()
            answer, _ = run.result(timeout=60)
        assert (answer.error, answer.result) == (None, 42)


def test_the_host_is_killed(interpreter: str) -> None:
    before = agents()
    code = (
        "import sys, time\n"
        "from safe_py_runner import CommandEngine, run_code\n"
        f"engine = CommandEngine([{interpreter!r}])\n"
        f"print(run_code({ANSWER!r}, engine).result, flush=True)\n"
        "time.sleep(600)\n"
    )
    host = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert host.stdout is not None
    assert host.stdout.readline() == "42\n"
    assert agents() - before
    host.kill()
    host.wait()
    host.stdout.close()
    await_no_more_than(before)


def test_after_fork(interpreter: str) -> None:
    """A forked child has a connection of its own, and ends without the parent's."""
    with CommandEngine([interpreter]) as engine:
        assert run_code(ANSWER, engine).result == 42
        pid = os.fork()
        if pid == 0:
            os._exit(run_code(ANSWER, engine).result or 1)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 42
        assert run_code(ANSWER, engine).result == 42


def test_all_of_tmp(interpreter: str) -> None:
    """One at a time, and nothing of a run is there for the next one. Where each run has a /tmp of
    its own it is so anyway."""
    code = (
        "import os\n"
        "found = os.path.exists('/tmp/spr-test-mark')\n"
        "os.makedirs('/tmp/spr-test-mark/deep')\n"
        "open('/tmp/spr-test-mark/deep/file', 'w').write('x')\n"
        "result = found\n"
    )
    policy = RunnerPolicy(blocked_imports=[], blocked_builtins=[])
    with CommandEngine([interpreter], exclusive_tmp=True) as engine:
        for _ in range(5):
            answer = run_code(code, engine, policy=policy)
            assert (answer.error, answer.result) == (None, False)


def test_a_tmp_that_is_somebody_elses(interpreter: str) -> None:
    """It would be emptied: where runs have no /tmp of their own they are refused, and it stays."""
    mark = Path(tempfile.mkstemp(prefix="spr-test-", dir="/tmp")[1])
    without = [sys.executable, str(TOOLS / "without_namespaces.py")]
    try:
        with CommandEngine([*without, interpreter], exclusive_tmp=True) as engine:
            answer = run_code(ANSWER, engine)
        assert (answer.outcome, answer.exit_code) == ("infra", 125)
        assert "'/tmp' is not there for runs alone" in str(answer.error)
        assert mark.exists()
        with CommandEngine([*without, interpreter]) as engine:
            assert run_code(ANSWER, engine).result == 42
    finally:
        mark.unlink()


@pytest.mark.parametrize(
    ("argv", "error"),
    [
        ("python3", TypeError),
        (b"python3", TypeError),
        ([], ValueError),
        ([""], ValueError),
        ([3], TypeError),
        (["python3", "a\0b"], ValueError),
    ],
)
def test_no_commands(argv: list[str], error: type[Exception]) -> None:
    with pytest.raises(error):
        CommandEngine(argv)


def test_repr_names_the_command() -> None:
    engine = CommandEngine(["ssh", "host", "python3"])
    assert repr(engine) == "<CommandEngine argv=['ssh', 'host', 'python3']>"
    engine.close()
    assert repr(engine) == "<CommandEngine argv=['ssh', 'host', 'python3'], closed>"
