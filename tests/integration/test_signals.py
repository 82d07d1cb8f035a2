# SPDX-License-Identifier: MIT
"""Code that signals, limits or ends itself sees and shows what it would outside of a sandbox.

Every script runs twice with one interpreter: inside, and as `python3 -I SCRIPT`. Compared are what
it printed, and how it ended: by which signal, or with which exit status.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from safe_py_runner import RunnerResult

Run = Callable[..., RunnerResult]

# They start processes
CHILDREN = ("wait for a child", "a child killed", "a child's exception", "SIGCHLD of a child")

HEAD = """
import atexit, faulthandler, os, resource, signal, sys, threading, time
print("begins", flush=True)
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
"""

SCRIPTS = {
    # how a process ends by a signal
    "abort": "os.abort()",
    "segfault": "faulthandler._sigsegv()",
    "SIGTERM to itself": "os.kill(os.getpid(), signal.SIGTERM)\ntime.sleep(5)",
    "SIGKILL to itself": "os.kill(os.getpid(), signal.SIGKILL)\ntime.sleep(5)",
    "SIGHUP to itself": "os.kill(os.getpid(), signal.SIGHUP)\ntime.sleep(5)",
    "SIGUSR1 to itself": "os.kill(os.getpid(), signal.SIGUSR1)\ntime.sleep(5)",
    "raise_signal": "signal.raise_signal(signal.SIGTERM)",
    "SIGCHLD is ignored": "signal.raise_signal(signal.SIGCHLD)\nprint('goes on')",
    "SIGPIPE is ignored": "signal.raise_signal(signal.SIGPIPE)\nprint('goes on')",
    "SIGXFSZ is ignored": "signal.raise_signal(signal.SIGXFSZ)\nprint('goes on')",
    "alarm": "signal.alarm(1)\ntime.sleep(5)",
    "itimer": "signal.setitimer(signal.ITIMER_REAL, 0.05)\ntime.sleep(5)",
    "ITIMER_VIRTUAL": "signal.setitimer(signal.ITIMER_VIRTUAL, 0.05)\nwhile True: pass",
    "pthread_kill(main)": "signal.pthread_kill(threading.main_thread().ident, signal.SIGTERM)\n"
    "time.sleep(5)",
    "pthread_kill from a thread": "main = threading.main_thread().ident\n"
    "threading.Thread(target=signal.pthread_kill, args=(main, signal.SIGTERM)).start()\n"
    "time.sleep(5)",
    "to the group": "os.setpgid(0, 0) if os.getpgrp() != os.getpid() else None\n"
    "os.killpg(os.getpgrp(), signal.SIGTERM)\ntime.sleep(5)",
    # limits
    "soft RLIMIT_CPU": "resource.setrlimit(resource.RLIMIT_CPU, (1, 5))\nwhile True: pass",
    "hard RLIMIT_CPU": "resource.setrlimit(resource.RLIMIT_CPU, (1, 1))\n"
    "signal.signal(signal.SIGXCPU, signal.SIG_IGN)\nwhile True: pass",
    "SIGXCPU caught": "resource.setrlimit(resource.RLIMIT_CPU, (1, 5))\n"
    "def caught(number, frame):\n    print('caught', number)\n    sys.exit(7)\n"
    "signal.signal(signal.SIGXCPU, caught)\nwhile True: pass",
    "RLIMIT_FSIZE": "path = os.getenv('TMPDIR', '/tmp') + '/spr-test-fsize'\n"
    "resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))\n"
    "try: open(path, 'wb', 0).write(bytes(100)) == 10 and print('cut')\n"
    "finally: os.unlink(path)",
    "RLIMIT_NOFILE": "resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))\n"
    "try: os.dup(1)\nexcept OSError as error: print(error)",
    # handlers
    "a handler returns": "seen = []\n"
    "signal.signal(signal.SIGUSR1, lambda number, frame: seen.append(number))\n"
    "os.kill(os.getpid(), signal.SIGUSR1)\nprint(seen)",
    "a handler raises": "class Alarm(Exception): pass\n"
    "def raises(number, frame): raise Alarm('now')\n"
    "signal.signal(signal.SIGALRM, raises)\nsignal.setitimer(signal.ITIMER_REAL, 0.05)\n"
    "try: time.sleep(5)\nexcept Alarm as error: print('woken', error)",
    "an unhandled exception of a handler": "def raises(number, frame): raise ValueError('now')\n"
    "signal.signal(signal.SIGALRM, raises)\nsignal.setitimer(signal.ITIMER_REAL, 0.05)\n"
    "time.sleep(5)",
    "sigwait": "signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR2})\n"
    "os.kill(os.getpid(), signal.SIGUSR2)\nprint(signal.sigwait({signal.SIGUSR2}))",
    "the mask is empty": "print(signal.pthread_sigmask(signal.SIG_BLOCK, []))",
    "dispositions": "for n in sorted(signal.valid_signals()):\n    print(n, signal.getsignal(n))",
    "a handler only in the main thread": "def work():\n"
    "    try: signal.signal(signal.SIGUSR1, signal.SIG_IGN)\n"
    "    except ValueError as error: print(error)\n"
    "thread = threading.Thread(target=work)\nthread.start()\nthread.join()",
    "siginterrupt and wakeup fd": "r, w = os.pipe()\nos.set_blocking(w, False)\n"
    "signal.set_wakeup_fd(w)\nsignal.signal(signal.SIGUSR1, lambda *_: None)\n"
    "os.kill(os.getpid(), signal.SIGUSR1)\nprint(os.read(r, 1))",
    # ends
    "os._exit": "print('lost or not', flush=True)\nos._exit(9)",
    "sys.exit": "sys.exit(3)",
    "sys.exit with words": "sys.exit('words')",
    "exit of -1": "sys.exit(-1)",
    "an exception": "1 / 0",
    "atexit": "atexit.register(print, 'last')\natexit.register(print, 'first')\nprint('end')",
    "atexit after an exception": "atexit.register(print, 'last')\n1 / 0",
    "atexit after sys.exit": "atexit.register(print, 'last')\nsys.exit(4)",
    "atexit raises": "atexit.register(print, 'last')\natexit.register(lambda: 1 / 0)",
    "no atexit after os._exit": "atexit.register(print, 'last')\nos._exit(0)",
    "no atexit after a signal": "atexit.register(print, 'last')\nos.kill(os.getpid(), 15)\ntime.sleep(5)",
    # threads
    "threads are joined": "def work():\n    time.sleep(0.1)\n    print('late')\n"
    "threading.Thread(target=work).start()\nprint('end')",
    "threads, then atexit": "atexit.register(print, 'last')\n"
    "threading.Thread(target=lambda: (time.sleep(0.1), print('late'))).start()\nprint('end')",
    "daemon threads are not": "def work():\n    time.sleep(60)\n    print('never')\n"
    "threading.Thread(target=work, daemon=True).start()\nprint('end')",
    "an exception in a thread": "thread = threading.Thread(target=lambda: 1 / 0)\n"
    "thread.start()\nthread.join()\nprint('goes on')",
    "sys.exit in a thread": "thread = threading.Thread(target=sys.exit, args=(3,))\n"
    "thread.start()\nthread.join()\nprint('goes on')",
    "os._exit in a thread": "threading.Thread(target=os._exit, args=(6,)).start()\ntime.sleep(5)",
    "idents": "print(threading.main_thread() is threading.current_thread(),\n"
    "      threading.get_native_id() == os.getpid(), threading.active_count())",
    # children
    "wait for a child": "pid = os.fork()\nif pid == 0: os._exit(5)\n"
    "print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))",
    "a child killed": "pid = os.fork()\nif pid == 0: time.sleep(60)\nos.kill(pid, signal.SIGKILL)\n"
    "print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))",
    "a child's exception": "pid = os.fork()\nif pid == 0: 1 / 0\n"
    "print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))",
    "SIGCHLD of a child": "signal.signal(signal.SIGCHLD, lambda n, f: print('child ended', n))\n"
    "pid = os.fork()\nif pid == 0: os._exit(0)\nos.waitpid(pid, 0)",
}


def outside(python: str, script: str, directory: Path) -> tuple[bytes, int]:
    path = directory / "script.py"
    path.write_text(script)
    done = subprocess.run(
        [python, "-I", str(path)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env={"LANG": "C.UTF-8", "PATH": os.defpath},
        timeout=30,
    )
    return done.stdout, done.returncode


def status(answer: RunnerResult) -> int:
    """As subprocess tells it: negative for a signal."""
    return 128 - answer.exit_code if answer.killed_by == "signal" else answer.exit_code


@pytest.mark.parametrize("name", CHILDREN)
def test_no_children_unless_allowed(name: str, free_run: Run) -> None:
    answer = free_run(HEAD + SCRIPTS[name] + "\n")
    assert (answer.stdout, answer.outcome) == ("begins\n", "error")
    assert "PermissionError" in answer.stderr
    assert "os.fork()" in answer.stderr


@pytest.mark.parametrize("name", SCRIPTS)
def test_as_outside(name: str, interpreter: str, free_run: Run, tmp_path: Path) -> None:
    script = HEAD + SCRIPTS[name] + "\n"
    stdout, returncode = outside(interpreter, script, tmp_path)
    answer = free_run(script, timeout_seconds=20, allow_processes=name in CHILDREN)
    assert answer.stdout.encode() == stdout
    if name.startswith(("os._exit", "no atexit after os._exit")):  # a run has to come to its end
        assert (answer.outcome, answer.exit_code) == ("crash", returncode or 1)
    else:
        assert status(answer) == returncode, answer.error
