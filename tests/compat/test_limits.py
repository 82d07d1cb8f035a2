# SPDX-License-Identifier: MIT
"""The keys beyond the reference's: what each grants and holds. Docstrings quote spr-policy(5)."""

from __future__ import annotations

import math
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from safe_py_runner import LocalEngine, PolicyError, RunnerPolicy, RunnerResult, run_code

Run = Callable[..., RunnerResult]
FREE: dict[str, Any] = {"blocked_imports": [], "blocked_builtins": []}

# --- processes ---

START = (
    "import subprocess\nresult = subprocess.run(['/bin/echo', 'hi'], capture_output=True).stdout"
)
FORK = """
import os
pid = os.fork()
if pid == 0:
    os._exit(7)
result = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
"""


@pytest.mark.parametrize("code", [START, FORK], ids=["start", "fork"])
def test_no_processes_by_default(code: str, run: Run) -> None:
    """Default false: an attempt is a PermissionError."""
    answer = run(code, **FREE)
    assert not answer.ok
    assert answer.error is not None
    assert answer.error.startswith(("PermissionError", "FileNotFoundError")), answer.error


def test_allow_processes(run: Run) -> None:
    """Whether the code may start processes"""
    answer = run(
        "import subprocess\n"
        "done = subprocess.run(['/bin/echo', 'hi'], capture_output=True, text=True)\n"
        "result = [done.returncode, done.stdout]",
        allow_processes=True,
        **FREE,
    )
    assert answer.result == [0, "hi\n"], answer.error


def test_fork_where_processes_are_allowed(run: Run) -> None:
    answer = run(FORK, allow_processes=True, **FREE)
    assert answer.result == 7, answer.error


THREADS = """
import threading
release = threading.Event()
started = []
try:
    for _ in range(100):
        thread = threading.Thread(target=release.wait)
        thread.start()
        started.append(thread)
except RuntimeError:
    pass
release.set()
for thread in started:
    thread.join()
result = len(started)
"""


@pytest.mark.parametrize("limit", [2, 64])
def test_max_processes(limit: int, run: Run) -> None:
    """processes and threads that the code may have at a time, its first thread among them;

    where neither a control group nor a uid counts them, the agent does, and ends the run
    """
    answer = run(THREADS, max_processes=limit, **FREE)
    if {"cgroup", "uid"} & set(answer.isolation.layers):
        assert 1 <= answer.result <= limit
        return
    lasting = THREADS.replace("release.set()", "release.wait(60)")
    answer = run(lasting, max_processes=limit, timeout_seconds=60, **FREE)
    assert (answer.outcome, answer.killed_by) == ("crash", "processes"), answer.error


# --- processor time ---


def test_cpu_seconds(run: Run) -> None:
    """The run is killed, timed_out is true and killed_by is cpu"""
    answer = run("while True: pass", cpu_seconds=0.3, timeout_seconds=20)
    assert (answer.ok, answer.timed_out, answer.exit_code) == (False, True, 124), answer.error
    assert (answer.outcome, answer.killed_by) == ("timeout", "cpu")
    assert answer.error == "CPU time limit of 0.3s exceeded"
    assert answer.usage.wall_ms < 10_000


def test_cpu_seconds_of_threads_and_processes(run: Run) -> None:
    """on all cores, threads and processes together"""
    code = "import os\nfor _ in range(3): os.fork()\nwhile True: pass"
    answer = run(code, cpu_seconds=0.5, timeout_seconds=20, allow_processes=True, **FREE)
    assert answer.killed_by == "cpu", answer.error


def test_cpu_seconds_do_not_count_sleep(run: Run) -> None:
    answer = run("import time\ntime.sleep(0.5)\nresult = 1", cpu_seconds=0.3)
    assert answer.result == 1, answer.error


# --- disk ---

FILL = """
import errno
def fill(name, n):
    with open(name, "wb") as f:
        for _ in range(n):
            f.write(bytes(1 << 20))
try:
    {body}
    result = None
except OSError as error:
    result = errno.errorcode[error.errno]
"""


def test_max_file_mb(run: Run) -> None:
    """MiB that one file may hold; writing more is an OSError"""
    code = FILL.format(body="fill('a', 8)")
    assert run(code, max_file_mb=4, **FREE).result == "EFBIG"
    assert run(code, max_file_mb=8, **FREE).result is None


def test_disk_mb(run: Run) -> None:
    """S-24: MiB that fit into the private /tmp; writing more is an OSError, or the end of the run"""
    code = FILL.format(body="[fill(str(i), 1) for i in range(8)]")
    fits = run(code, disk_mb=16, **FREE)
    assert (fits.ok, fits.result) == (True, None), fits.error
    if "mount_namespace" in fits.isolation.layers:
        assert run(code, disk_mb=4, **FREE).result == "ENOSPC"
        return
    answer = run(f"{code}\nimport time\ntime.sleep(60)", disk_mb=4, timeout_seconds=60, **FREE)
    assert (answer.outcome, answer.killed_by) == ("crash", "disk"), answer.error


# --- env ---


def test_env(run: Run) -> None:
    """Environment variables that the code finds"""
    variables = {"GREETING": "hällo=\n", "EMPTY": "", "HOME": "/elsewhere"}
    answer = run("import os\nresult = dict(os.environ)", env=variables, **FREE)
    assert answer.result is not None, answer.error
    assert {name: answer.result[name] for name in variables} == variables
    assert "GREETING" not in run("import os\nresult = dict(os.environ)", **FREE).result


def test_env_of_started_processes(run: Run) -> None:
    """and so do the processes it starts"""
    answer = run(
        "import subprocess\n"
        "result = subprocess.run(['/usr/bin/env'], capture_output=True, text=True).stdout",
        env={"GREETING": "hi"},
        allow_processes=True,
        **FREE,
    )
    assert "GREETING=hi\n" in answer.result, answer.error


def test_env_of_the_host_stays_there(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "s3cret")
    assert run("import os\nresult = os.environ.get('SECRET')", **FREE).result is None


# --- paths ---


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    """A directory of the host that anybody may read; pytest's own are for their user only."""
    (tmp_path / "data.txt").write_text("rows")
    for directory in [tmp_path, *tmp_path.parents][:3]:
        directory.chmod(directory.stat().st_mode | 0o055)
    return tmp_path


READ = "result = open(input_data['path']).read()"


@pytest.fixture
def shares_files(pytestconfig: pytest.Config) -> None:
    """Skips where the code has another machine's files and network."""
    if pytestconfig.getoption("--engine") == "docker":
        pytest.skip("a container has nothing of its host")


@pytest.mark.usefixtures("shares_files")
def test_read_only_paths(shared: Path, run: Run) -> None:
    """Files and directories of the host that the code may read"""
    path = str(shared / "data.txt")
    hidden = run(READ, {"path": path}, **FREE)
    assert not hidden.ok
    for granted in (shared, shared / "data.txt"):
        answer = run(READ, {"path": path}, read_only_paths=[str(granted)], **FREE)
        assert answer.result == "rows", answer.error
    again = run(READ, {"path": path}, **FREE)
    assert not again.ok


@pytest.mark.usefixtures("shares_files")
def test_read_only_paths_cannot_be_written(shared: Path, run: Run) -> None:
    for code in (
        "open(input_data['path'] + '/data.txt', 'w')",
        "open(input_data['path'] + '/new', 'w')",
        "import os\nos.unlink(input_data['path'] + '/data.txt')",
    ):
        answer = run(code, {"path": str(shared)}, read_only_paths=[str(shared)], **FREE)
        assert not answer.ok
        assert answer.error is not None
        assert "Error" in answer.error
    assert (shared / "data.txt").read_text() == "rows"


def test_a_path_that_is_not_there(run: Run) -> None:
    """A path that does not exist fails the run, with the path in the words"""
    answer = run("result = 1", read_only_paths=["/nonexistent/data"])
    assert (answer.ok, answer.exit_code, answer.outcome) == (False, 125, "infra")
    assert answer.error is not None
    assert "/nonexistent/data" in answer.error


def test_more_environments_than_are_kept(shared: Path, interpreter: str) -> None:
    """Different paths by turns: each run has its own, whatever was kept warm."""
    names = [f"{i}.txt" for i in range(20)]
    for name in names:
        (shared / name).write_text(name)
    with LocalEngine(python=interpreter) as engine:
        for name in [*names, names[0], names[-1]]:
            policy = RunnerPolicy(read_only_paths=[str(shared / name)], **FREE)
            answer = run_code(READ, engine, {"path": str(shared / name)}, policy)
            assert answer.result == name, answer.error


# --- network ---

CONNECT = """
import socket
try:
    with socket.create_connection(("127.0.0.1", input_data["port"]), timeout=5) as s:
        result = s.recv(5).decode()
except OSError as error:
    result = type(error).__name__
"""


@pytest.mark.usefixtures("shares_files")
def test_network(run: Run, where: str) -> None:
    """S-23: none, or host; the result says which it was"""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(b"hello")

        port = server.getsockname()[1]
        answer = run(CONNECT, {"port": port}, **FREE)
        assert answer.result != "hello"
        assert answer.isolation.network == "none"

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        answer = run(CONNECT, {"port": port}, network="host", **FREE)
        assert answer.result == "hello", answer.error
        assert (answer.isolation.network, answer.isolation.where) == ("host", where)
        thread.join(5)


# --- /proc ---


def test_proc(run: Run) -> None:
    """a /proc that shows the processes of the run alone"""
    code = "import os\nresult = sorted(n for n in os.listdir('/proc') if n.isdigit())"
    answer = run(code, proc=True, **FREE)
    if "pid_namespace" not in run("result = 1").isolation.layers:
        assert answer.error == "'proc' needs a pid namespace, and this host grants none"
        return
    assert answer.outcome != "infra", answer.error
    if answer.isolation.level != "full":
        return  # no tree of its own there
    assert answer.result is not None, answer.error
    assert 1 <= len(answer.result) <= 2
    assert not run("import os\nresult = os.listdir('/proc/self')", **FREE).ok


# --- values that are refused ---


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"max_processes": 0}, "'max_processes' must be from 1 to 4096"),
        ({"max_processes": 1.5}, "'max_processes' must be an integer"),
        ({"cpu_seconds": -1}, "'cpu_seconds' must be from 0 to 86400"),
        ({"cpu_seconds": math.nan}, "'cpu_seconds' must be from 0 to 86400"),
        ({"disk_mb": 0}, "'disk_mb' must be from 1"),
        ({"max_file_mb": True}, "'max_file_mb' must be an integer, not a boolean"),
        ({"allow_processes": 1}, "'allow_processes' must be true or false"),
        ({"proc": "yes"}, "'proc' must be true or false"),
        ({"network": "full"}, "'network' cannot be 'full'"),
        ({"env": ["A=1"]}, "'env' must be a table, not a list"),
        ({"env": {"A": 1}}, "'env' sets 'A' to what is not a string"),
        ({"env": {"A B": "1"}}, "'A B', which is not the name of a variable"),
        ({"env": {"A": "\0"}}, "'env' sets 'A' to what holds a NUL"),
        ({"env": {"A": "\udc80"}}, "'env' sets 'A' to what is not Unicode"),
        ({"env": {"A": "x" * 200_000}}, "'env' is larger than 131072 bytes"),
        ({"env": {f"A{i}": "" for i in range(257)}}, "'env' sets more than 256 variables"),
        ({"read_only_paths": "/srv"}, "'read_only_paths' must be a list of strings"),
        ({"read_only_paths": ["srv"]}, "holds 'srv', which is not absolute"),
        ({"read_only_paths": ["/srv/../etc"]}, "which holds '..'"),
        ({"read_only_paths": ["/"]}, "which is the whole file system"),
        ({"read_only_paths": ["/a\0"]}, "which holds a NUL"),
        ({"read_only_paths": [f"/{i}" for i in range(65)]}, "holds more than 64 paths"),
        ({"read_only_paths": ["/" + "x" * 5000]}, "is longer than 4095 bytes"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_bad_values(fields: dict[str, Any], words: str, engine: LocalEngine) -> None:
    """are errors, and no code runs"""
    with pytest.raises(PolicyError) as raised:
        run_code("result = 1", engine, policy=RunnerPolicy(**fields))
    assert words in str(raised.value)


def test_every_key_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(
        "allow_processes = true\nmax_processes = 7\ncpu_seconds = 1.5\nmax_file_mb = 2\n"
        'disk_mb = 3\nread_only_paths = ["/srv//data/"]\nnetwork = "host"\nproc = true\n'
        '[env]\nA = "1"\n'
    )
    policy = RunnerPolicy.from_file(path)
    assert (policy.allow_processes, policy.max_processes, policy.cpu_seconds) == (True, 7, 1.5)
    assert (policy.max_file_mb, policy.disk_mb, policy.proc) == (2, 3, True)
    assert (policy.env, policy.network) == ({"A": "1"}, "host")
    assert policy.read_only_paths == ["/srv/data"]
    assert policy.min_isolation == "kernel"
