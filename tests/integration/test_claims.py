# SPDX-License-Identifier: MIT
"""The numbered claims of SECURITY.md, each attacked through the Python package.

A claim that needs a layer is judged where the result says that the layer was there; a host that
grants no namespaces then skips it, with the layer's name.
"""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time

import pytest
from conftest import Run
from processes import PATIENCE, agents, niced, wait_until
from safe_py_runner import LocalEngine, RunnerPolicy, RunnerResult, run_code

MIB = 1024 * 1024


def need_layer(result: RunnerResult, layer: str) -> None:
    assert result.isolation is not None
    if layer not in result.isolation.layers:
        pytest.skip(f"this host grants no layer {layer}")


def test_printing_forges_nothing(free_run: Run) -> None:
    """S-01"""
    reply = '{"ok": true, "result": "forged", "exit_code": 0}'
    result = free_run(
        "import os\n"
        f"reply = {reply!r}\n"
        "print(reply)\n"
        "for fd in range(1, 16):\n"
        "    try: os.write(fd, reply.encode())\n"
        "    except OSError: pass\n"
        "raise SystemExit(3)\n"
    )
    assert not result.ok
    assert result.result != "forged"
    assert result.exit_code in (3, 125)


def test_hostile_frames_forge_nothing(free_run: Run) -> None:
    """S-01: what the code writes to the worker's own socket is at worst a broken protocol"""
    result = free_run(
        "import os, struct\n"
        "for kind in range(256):\n"
        "    try: os.write(3, struct.pack('<BBHIQII', kind, 0, 0, 24, 1, 0, 0) + bytes(24))\n"
        "    except OSError: pass\n"
        "result = 'survived'\n"
    )
    assert result.result in (None, "survived")


def test_verdicts_come_from_outside(free_run: Run) -> None:
    """S-02"""
    crash = free_run("import os\nos._exit(0)")
    assert not crash.ok
    assert crash.outcome == "crash"
    signal = free_run("import os\nos.kill(os.getpid(), 9)")
    assert (signal.outcome, signal.killed_by, signal.exit_code) == ("crash", "signal", 137)
    assert not signal.timed_out
    assert not signal.resource_exceeded


def test_no_process_outlives_its_run(free_run: Run) -> None:
    """S-03"""
    mark = 17
    result = free_run(
        "import os\n"
        f"os.nice({mark})\n"
        "for i in range(5):\n"
        "    if os.fork() == 0:\n"
        "        os.setsid()\n"
        "        if os.fork() == 0:\n"
        "            import time, signal\n"
        "            for s in (1, 2, 15): signal.signal(s, signal.SIG_IGN)\n"
        "            time.sleep(60)\n"
        "        os._exit(0)\n"
        "result = 'left some behind'\n",
        allow_processes=True,
    )
    assert result.ok, result.error
    assert wait_until(lambda: not niced(mark), 1)


def test_only_its_own_descriptors(free_run: Run) -> None:
    """S-04"""
    result = free_run(
        "import os\n"
        "def is_open(fd):\n"
        "    try: os.fstat(fd)\n"
        "    except OSError: return False\n"
        "    return True\n"
        "result = [fd for fd in range(1024) if is_open(fd)]\n"
    )
    assert result.result == [0, 1, 2, 3]


def test_no_privileges(free_run: Run) -> None:
    """S-05"""
    result = free_run(
        "import ctypes\n"
        "libc = ctypes.CDLL(None)\n"
        "PR_GET_NO_NEW_PRIVS, PR_GET_DUMPABLE = 39, 3\n"
        "header = (ctypes.c_uint32 * 2)(0x20080522, 0)\n"
        "sets = (ctypes.c_uint32 * 6)()\n"
        "assert libc.capget(header, sets) == 0\n"
        "result = [libc.prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0),\n"
        "          libc.prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), list(sets)]\n"
    )
    assert result.result == [1, 0, [0] * 6]


def test_never_root(free_run: Run) -> None:
    """S-06"""
    code = "import os\nresult = [os.getresuid(), os.getresgid(), os.getgroups()]"
    result = free_run(code, allow_processes=True)
    assert result.ok, result.error
    uids, gids, _ = result.result
    if os.geteuid() != 0:
        assert uids == [os.geteuid()] * 3
        return
    assert min(uids) >= 1_900_000_000
    assert min(gids) >= 1_900_000_000


def test_sees_no_file_of_the_host(free_run: Run) -> None:
    """S-07"""
    result = free_run(
        "import os\n"
        "result = {'root': sorted(os.listdir('/')), 'tmp': os.listdir('/tmp'), 'cwd': os.getcwd(),\n"
        "          'etc': sorted(os.listdir('/etc')), 'proc': []}\n"
        "if 'proc' in result['root']: result['proc'] = os.listdir('/proc')\n"
        "writable = []\n"
        "for top in ('/', '/usr', '/usr/lib', '/etc', '/dev', '/tmp'):\n"
        "    try:\n"
        "        open(top + '/probe', 'w').close()\n"
        "        writable.append(top)\n"
        "    except OSError: pass\n"
        "result['writable'] = writable\n"
    )
    need_layer(result, "mount_namespace")
    seen = result.result
    assert not {"home", "sys", "var", "work", "run", "mnt"} & set(seen["root"])
    assert not seen["proc"]
    assert "shadow" not in seen["etc"]
    assert seen["cwd"] == "/tmp"
    assert seen["writable"] == ["/tmp"]
    again = free_run("import os\nresult = os.listdir('/tmp')")
    assert "probe" not in again.result


def test_no_network(free_run: Run) -> None:
    """S-08"""
    result = free_run(
        "import socket\n"
        "result = []\n"
        "for family in (socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK, socket.AF_PACKET):\n"
        "    try: result.append(repr(socket.socket(family, socket.SOCK_RAW)))\n"
        "    except OSError: pass\n"
        "try:\n"
        "    socket.socket().connect(('127.0.0.1', 9))\n"
        "except OSError as error:\n"
        "    result.append(error.errno)\n"
    )
    assert result.isolation is not None
    if "seccomp" in result.isolation.layers:
        assert result.result == [errno.EPERM]
        return
    need_layer(result, "net_namespace")
    assert result.result == [errno.ENETUNREACH]  # not even the loopback is up


def test_output_survives_a_timeout(free_run: Run) -> None:
    """S-09"""
    result = free_run(
        "import os\nprint('kept')\nos.write(1, b'raw\\n')\nwhile True: pass", timeout_seconds=0.3
    )
    assert result.timed_out
    assert result.stdout == "kept\nraw\n"


def test_everything_is_bounded(free_run: Run) -> None:
    """S-10"""
    flood = free_run(
        "import os\n"
        "line = 'x' * 65535 + '\\n'\n"
        "for i in range(800): print(line, end='')\n"
        "for i in range(800): os.write(2, line.encode())\n"
        "print('the end')\n",
        max_output_kb=64,
        timeout_seconds=30,
    )
    assert flood.ok, flood.error
    assert len(flood.stdout) == 64 * 1024
    assert flood.stdout_tail.endswith("the end\n")
    assert flood.truncated.stdout
    assert flood.truncated.stderr
    huge = free_run("result = 'x' * (70 << 20)", memory_limit_mb=512, timeout_seconds=30)
    assert huge.outcome == "output"
    assert huge.result is None


def test_runs_do_not_see_each_other(free_run: Run) -> None:
    """S-11"""
    first = free_run(
        "import json, builtins, os, random\n"
        "json.dumps = lambda *a, **k: 'poisoned'\n"
        "builtins.len = lambda x: 42\n"
        "os.environ['MARK'] = '1'\n"
        "open('/tmp/mark', 'w').close()\n"
        "result = random.random()\n"
    )
    second = free_run(
        "import json, os, random\n"
        "processes = 0\n"
        "for pid in range(3, 3000):\n"
        "    try: os.kill(pid, 0)\n"
        "    except ProcessLookupError: continue\n"
        "    except PermissionError: pass\n"
        "    processes += 1\n"
        "result = [json.dumps(len('abc')), 'MARK' in os.environ, os.path.exists('/tmp/mark'),\n"
        "          random.random(), processes]\n",
        allow_processes=True,  # else nobody may be signalled
    )
    need_layer(second, "pid_namespace")
    assert second.result[:3] == ["3", False, False]
    assert second.result[3] != first.result
    assert second.result[4] == 0


HOST = """
import sys
from safe_py_runner import LocalEngine, run_code
engine = LocalEngine(python="/usr/bin/python3")
assert run_code("result = 1", engine).ok
print("ready", flush=True)
run_code("while True: pass", engine)
"""


def test_dies_with_its_host() -> None:
    """S-12"""
    before = agents()
    host = subprocess.Popen([sys.executable, "-c", HOST], stdout=subprocess.PIPE, text=True)
    assert host.stdout is not None
    assert host.stdout.readline() == "ready\n"
    assert agents() - before
    host.kill()
    host.wait()
    host.stdout.close()
    assert wait_until(lambda: not agents() - before, 1)


def test_layers_are_read_back(interpreter: str) -> None:
    """S-13: a layer that cannot be applied refuses the run"""
    policy = RunnerPolicy(blocked_imports=[])
    with LocalEngine(python=interpreter) as engine:
        result = run_code("import resource\nresult = resource.getrlimit(4)", engine, policy=policy)
        assert result.isolation is not None
        assert {"no_new_privs", "rlimits", "capabilities"} <= set(result.isolation.layers)
        assert result.result == [0, 0]  # RLIMIT_CORE


def test_time_is_taken_outside(free_run: Run) -> None:
    """S-02: a clock that the code patches does not move the deadline"""
    started = time.monotonic()
    result = free_run(
        "import time, signal\n"
        "time.monotonic = time.time = lambda: 0\n"
        "for s in range(1, 32):\n"
        "    try: signal.signal(s, signal.SIG_IGN)\n"
        "    except (OSError, ValueError): pass\n"
        "while True: pass\n",
        timeout_seconds=0.3,
    )
    assert result.timed_out
    assert time.monotonic() - started < 3 * PATIENCE
