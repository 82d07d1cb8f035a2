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
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

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


PROFILES = pytest.mark.parametrize("processes", [False, True], ids=["default", "processes"])


def test_no_process_outlives_its_run(free_run: Run) -> None:
    """S-03: five in sessions of their own that ignore what asks them to end"""
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


def test_no_process_unless_allowed(free_run: Run) -> None:
    """S-03, S-15: neither by os nor past it, by a call or by a program"""
    mark = 16
    result = free_run(
        "import ctypes, os, platform, subprocess\n"
        f"os.nice({mark})\n"
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        "CLONE, SIGCHLD, CLONE_VM_VFORK = {'x86_64': 56, 'aarch64': 220}[platform.machine()], 17, "
        "0x4100\n"
        "def raw(flags):\n"
        "    pid = libc.syscall(CLONE, flags, 0, 0, 0, 0)\n"
        "    if pid == 0: libc._exit(0)\n"
        "    if pid < 0: raise OSError(ctypes.get_errno(), 'clone')\n"
        "attempts = {\n"
        "    'fork': os.fork,\n"
        "    'exec': lambda: os.execv(os.sys.executable, ['python']),\n"
        "    'spawn': lambda: os.posix_spawn('/usr/bin/true', ['true'], {}),\n"
        "    'subprocess': lambda: subprocess.run([os.sys.executable, '-c', '']),\n"
        "    'clone': lambda: raw(SIGCHLD),\n"
        "    'vfork': lambda: raw(CLONE_VM_VFORK | SIGCHLD),\n"
        "}\n"
        "result = {}\n"
        "for name, attempt in attempts.items():\n"
        "    try: attempt()\n"
        "    except OSError as error: result[name] = type(error).__name__\n"
        "    else: result[name] = 'done'\n"
    )
    need_layer(result, "seccomp")
    assert result.ok, result.error
    assert set(result.result) == {"fork", "exec", "spawn", "subprocess", "clone", "vfork"}
    assert not {"done"} & set(result.result.values()), result.result
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


@PROFILES
def test_no_privileges(free_run: Run, processes: bool) -> None:
    """S-05"""
    result = free_run(
        "import ctypes\n"
        "libc = ctypes.CDLL(None)\n"
        "PR_GET_NO_NEW_PRIVS, PR_GET_DUMPABLE = 39, 3\n"
        "header = (ctypes.c_uint32 * 2)(0x20080522, 0)\n"
        "sets = (ctypes.c_uint32 * 6)()\n"
        "assert libc.capget(header, sets) == 0\n"
        "result = [libc.prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0),\n"
        "          libc.prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), list(sets)]\n",
        allow_processes=processes,
    )
    assert result.result == [1, 0, [0] * 6]


def test_never_root(free_run: Run) -> None:
    """S-06"""
    code = "import os\nresult = [os.getuid(), os.geteuid(), os.getgid(), os.getegid()]"
    first = free_run(code)
    assert first.ok, first.error
    everything = free_run(
        "import os\nresult = [*os.getresuid(), *os.getresgid()]", allow_processes=True
    )
    assert everything.ok, everything.error
    if os.geteuid() != 0:
        assert first.result == [os.geteuid()] * 2 + [os.getegid()] * 2
        assert everything.result == [os.geteuid()] * 3 + [os.getegid()] * 3
        return
    need_layer(first, "uid")
    assert min(first.result + everything.result) >= 1_900_000_000
    for rise in ("setuid(0)", "setgid(0)", "setresuid(0, 0, 0)", "setgroups([0])", "seteuid(0)"):
        assert not free_run(f"import os\nos.{rise}", allow_processes=True).ok


def test_concurrent_runs_have_a_uid_each(free_run: Run) -> None:
    """S-06"""
    if os.geteuid() != 0:
        return  # an ordinary user has one
    code = "import os, time\ntime.sleep(0.3)\nresult = os.getuid()"
    with ThreadPoolExecutor(6) as pool:
        results = list(pool.map(lambda _: free_run(code), range(6)))
    need_layer(results[0], "uid")
    assert len({result.result for result in results}) == 6


@PROFILES
def test_sees_no_file_of_the_host(free_run: Run, processes: bool) -> None:
    """S-07"""
    result = free_run(
        "import os\n"
        "result = {top: sorted(os.listdir(top)) for top in "
        "('/', '/tmp', '/etc', '/usr', '/usr/bin', '/bin', '/proc', '/dev/shm')}\n"
        "result['cwd'] = os.getcwd()\n"
        "writable = []\n"
        "for top in (*result['/'], *(f'usr/{name}' for name in result['/usr']), 'dev/shm', ''):\n"
        "    try:\n"
        "        open(f'/{top}/probe', 'w').close()\n"
        "        writable.append(top)\n"
        "    except OSError: pass\n"
        "result['writable'] = writable\n",
        allow_processes=processes,
    )
    need_layer(result, "mount_namespace")
    assert result.ok, result.error
    seen = result.result
    assert not {"home", "sys", "var", "work", "run", "mnt", "root", "boot"} & set(seen["/"])
    assert seen["/proc"] == []  # a place for the one that `proc` asks for
    assert "shadow" not in seen["/etc"]
    assert seen["cwd"] == "/tmp"
    assert seen["/tmp"] == seen["/dev/shm"] == []
    assert seen["writable"] == (["tmp", "dev/shm"] if processes else ["tmp"])
    assert ("true" in seen["/usr/bin"], "sh" in seen["/bin"]) == (processes, processes)
    again = free_run(
        "import os\nresult = os.listdir('/tmp') + os.listdir('/dev/shm')",
        allow_processes=processes,
    )
    assert again.result == []


def test_opens_no_file_of_the_host(free_run: Run, tmp_path: Path) -> None:
    """S-07, S-16: by no layer that the host grants; without mounts Landlock says no"""
    secret = tmp_path / "secret"
    secret.write_text("secret")
    secret.chmod(0o644)
    result = free_run(
        "import os\n"
        f"paths = [{str(secret)!r}, '/etc/shadow', '/etc/hostname', '/proc/1/environ', '/sys/kernel']\n"
        "result = {}\n"
        "for path in paths:\n"
        "    for flags in (os.O_RDONLY, os.O_WRONLY, os.O_RDONLY | os.O_DIRECTORY):\n"
        "        try: os.close(os.open(path, flags))\n"
        "        except OSError: continue\n"
        "        result[path] = flags\n"
    )
    assert result.ok, result.error
    assert result.isolation is not None
    if not {"mount_namespace", "landlock"} & set(result.isolation.layers):
        pytest.skip("this host grants no layer landlock")
    assert result.result == {}
    assert secret.read_text() == "secret"


NAMESPACES = """
import ctypes, platform
libc = ctypes.CDLL(None, use_errno=True)
NAMES = {"ns": 0x20000, "cgroup": 0x2000000, "uts": 0x4000000, "ipc": 0x8000000,
         "user": 0x10000000, "pid": 0x20000000, "net": 0x40000000, "time": 0x80}
CLONE, CLONE3, SETNS = {"x86_64": (56, 435, 308), "aarch64": (220, 435, 268)}[platform.machine()]
def refused(r):
    if r == 0: libc._exit(3)
    return r < 0 and ctypes.get_errno() in (1, 38)
result = [name for name, flag in NAMES.items() if not refused(libc.unshare(flag))]
result += [f"clone {name}" for name, flag in NAMES.items()
           if name != "time" and not refused(libc.syscall(CLONE, flag | 17, 0, 0, 0, 0))]
arguments = (ctypes.c_uint64 * 8)(NAMES["user"])
if not refused(libc.syscall(CLONE3, arguments, 64)): result.append("clone3")
if not refused(libc.syscall(SETNS, 0, 0)): result.append("setns")
"""


@PROFILES
def test_makes_no_namespaces(free_run: Run, processes: bool) -> None:
    """S-17"""
    result = free_run(NAMESPACES, allow_processes=processes)
    need_layer(result, "seccomp")
    assert result.ok, result.error
    assert result.result == []


@PROFILES
def test_nothing_becomes_executable(free_run: Run, processes: bool) -> None:
    """S-18"""
    result = free_run(
        "import ctypes, mmap\n"
        "READ, WRITE, EXEC = 1, 2, 4\n"
        "result = []\n"
        "for prot in (EXEC, READ | EXEC, READ | WRITE | EXEC):\n"
        "    try: mmap.mmap(-1, 4096, flags=mmap.MAP_PRIVATE, prot=prot)\n"
        "    except PermissionError: continue\n"
        "    result.append(f'anonymous {prot}')\n"
        "with open('code', 'w+b') as file:\n"
        "    file.write(bytes(4096))\n"
        "    file.flush()\n"
        "    try: mmap.mmap(file.fileno(), 4096, flags=mmap.MAP_PRIVATE, prot=READ | WRITE | EXEC)\n"
        "    except PermissionError: pass\n"
        "    else: result.append('file')\n"
        "memory = mmap.mmap(-1, 4096)\n"
        "at = ctypes.addressof(ctypes.c_char.from_buffer(memory))\n"
        "libc = ctypes.CDLL(None)\n"
        "for prot in (EXEC, READ | EXEC, READ | WRITE | EXEC):\n"
        "    if libc.mprotect(ctypes.c_void_p(at), 4096, prot) == 0:\n"
        "        result.append(f'mprotect {prot}')\n",
        allow_processes=processes,
    )
    need_layer(result, "seccomp")
    assert result.ok, result.error
    assert result.result == []


def test_one_account_for_all_processes(free_run: Run) -> None:
    """S-19: none of the four has more than half of what the run may have"""
    result = free_run(
        "import os, time\n"
        "for i in range(4):\n"
        "    if os.fork() == 0:\n"
        "        held = b'x' * (64 << 20)\n"
        "        time.sleep(20)\n"
        "        os._exit(0)\n"
        "for i in range(4): os.wait()\n",
        allow_processes=True,
        memory_limit_mb=128,
        timeout_seconds=10,
    )
    assert result.resource_exceeded, (result.outcome, result.error)
    assert result.killed_by == "memory"


NETWORK = """
import socket
result = {}
attempts = {
    "tcp": (socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 9)),
    "tcp outside": (socket.AF_INET, socket.SOCK_STREAM, ("192.0.2.1", 80)),
    "udp": (socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 9)),
    "tcp6": (socket.AF_INET6, socket.SOCK_STREAM, ("::1", 9)),
    "netlink": (socket.AF_NETLINK, socket.SOCK_RAW, (0, 0)),
}
for name, (family, kind, address) in attempts.items():
    try:
        with socket.socket(family, kind) as s:
            s.connect(address)
            if kind != socket.SOCK_RAW: s.send(b"x")
        result[name] = "connected"
    except OSError as error:
        result[name] = error.errno
"""


DISK_BOMBS = """
import safe_py_runner as s
engine = s.LocalEngine(python={python!r})
for bomb in (
    "for i in range(8): open(str(i), 'wb').write(bytes(1 << 20))",
    "for i in range(20000): open(str(i), 'wb').close()",
):
    policy = s.RunnerPolicy(timeout_seconds=60, disk_mb=4, blocked_builtins=[])
    r = s.run_code(bomb + chr(10) + "import time; time.sleep(60)", engine, policy=policy)
    print(r.outcome, r.killed_by, r.resource_exceeded, "mount_namespace" in r.isolation.layers)
"""


def test_disk_is_bounded_without_mounts(interpreter: str) -> None:
    """S-24: by the agent, where the host grants no tmpfs: bytes and files"""
    tool = Path(__file__).parents[1] / "tools/without_namespaces.py"
    code = DISK_BOMBS.format(python=interpreter)
    done = subprocess.run(
        [sys.executable, tool, sys.executable, "-c", code], capture_output=True, text=True
    )
    assert done.stdout.splitlines() == ["crash disk True False"] * 2, done.stderr


@PROFILES
def test_no_network(free_run: Run, processes: bool) -> None:
    """S-08: nothing answers, nothing leaves; with the filter there is not even a socket for it"""
    result = free_run(NETWORK, allow_processes=processes)
    assert result.ok, result.error
    assert result.isolation is not None
    layers = set(result.isolation.layers)
    if not {"net_namespace", "seccomp"} & layers:
        pytest.skip("this host grants no layer net_namespace")
    assert "connected" not in result.result.values()
    if "seccomp" in layers:
        assert set(result.result.values()) == {errno.EPERM}


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
        allow_processes=True,  # else no signal to another is let through, found or not
    )
    need_layer(second, "pid_namespace")
    assert second.result[:3] == ["3", False, False]
    assert second.result[3] != first.result
    assert second.result[4] == 0


def test_signals_reach_no_other(free_run: Run) -> None:
    """S-11"""
    result = free_run(
        "import os\n"
        "result = 0\n"
        "for pid in {-1, 1, os.getppid(), *range(3, 3000)} - {0, os.getpid()}:\n"
        "    try: os.kill(pid, 0)\n"
        "    except OSError: continue\n"
        "    result += 1\n"
    )
    need_layer(result, "seccomp")
    assert result.result == 0


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
