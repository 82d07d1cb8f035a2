# SPDX-License-Identifier: MIT
"""One way to run code, in a process of its own, behind lines: what bench/peers compares.

usage: contestant.py NAME, with a JSON object on the first line of standard input

It answers "ready", or "lack" and the reason. Then each line is an order: "once" is answered with
the nanoseconds from the call until the result was there and right, "load SECONDS" with the runs per
second of two workers. The object has code, input, expected, python, preload (modules), spr (the
command), docker_run and docker_exec (commands up to the interpreter) and docker_lack (why not).
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from typing import Any

WORKERS = 2
PATIENCE_S = 60
AWAKE_NS = 300_000

# An interpreter's whole life: the task comes as an argument, the result goes to stdout.
DRIVER = """
import json, sys
task = json.loads(sys.argv[1])
names = {"__name__": "__main__", "input_data": task["input"], "result": None}
exec(compile(task["code"], "<code>", "exec"), names)
json.dump(names["result"], sys.stdout)
"""

# As the reference works: policy and task over stdin, filtered builtins, a guarded import, limits
# set before the code runs, what it prints kept, the reply as JSON on stdout.
REFERENCE = """
import builtins, contextlib, io, json, resource, sys, traceback
request = json.loads(sys.stdin.read())
policy = request["policy"]
limit = policy["memory_limit_mb"] << 20
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
resource.setrlimit(resource.RLIMIT_CPU, (int(policy["timeout_seconds"]) + 1,) * 2)
allowed = {n: getattr(builtins, n) for n in dir(builtins) if n not in policy["blocked_builtins"]}
plain_import, own_modules = builtins.__import__, set()
def guarded(name, globals=None, locals=None, fromlist=(), level=0):
    if globals is scope and name.partition(".")[0] in policy["blocked_imports"]:
        raise ImportError(f"Import '{name}' is blocked by policy")
    return plain_import(name, globals, locals, fromlist, level)
allowed["__import__"] = guarded
scope = {"__builtins__": allowed, "input_data": request["input_data"], "result": None}
out, err, error = io.StringIO(), io.StringIO(), None
with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
    try:
        exec(compile(request["code"], "<user_code>", "exec"), scope)
    except BaseException as raised:
        error = f"{type(raised).__name__}: {raised}"
        traceback.print_exc()
cap = policy["max_output_kb"] * 1024
reply = {"ok": error is None, "result": scope["result"], "error": error,
         "stdout": out.getvalue()[:cap], "stderr": err.getvalue()[:cap], "exit_code": 0}
print(json.dumps(reply, default=str))
"""
POLICY = {
    "memory_limit_mb": 4096,  # of address space: numpy does not import in 256
    "timeout_seconds": 60,
    "max_output_kb": 128,
    "blocked_imports": ["os", "subprocess", "socket", "ctypes", "importlib"],
    "blocked_builtins": ["eval", "exec", "open", "compile", "breakpoint"],
}


class LackError(Exception):
    """This way cannot be gone here, and why."""


class Contestant(ABC):
    threads = False  # whether the workers of a load are threads, not processes

    def __init__(self, task: dict[str, Any]) -> None:
        self.task = task
        self.python: str = task["python"]
        self.message = json.dumps({"code": task["code"], "input": task["input"]})

    @abstractmethod
    def run(self) -> Any:
        """The code's result."""


def output(command: list[str], text: str | None = None) -> str:
    done = subprocess.run(
        command,
        input=text,
        stdin=subprocess.DEVNULL if text is None else None,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    if done.returncode:
        words = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise LackError(f"{command[0]}: {words[-1] if words else done.returncode}")
    return done.stdout


class Command(Contestant):
    """An interpreter per run, behind a command."""

    before: tuple[str, ...] = ()

    def run(self) -> Any:
        command = [*self.before, *self.wrap(), self.python, "-I", "-c", DRIVER, self.message]
        return json.loads(output(command))

    def wrap(self) -> list[str]:
        return []


class Bubblewrap(Command):
    def wrap(self) -> list[str]:
        venv = os.path.dirname(os.path.dirname(self.python))
        command = ["bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--clearenv"]
        for path in ("/usr", venv):
            command += ["--ro-bind", path, path]
        for link in ("lib", "lib64"):
            command += ["--symlink", f"usr/{link}", f"/{link}"]
        return [*command, "--tmpfs", "/tmp", "--proc", "/proc", "--dev", "/dev", "--chdir", "/tmp"]


class Firejail(Command):
    before = ("firejail", "--quiet", "--noprofile", "--net=none", "--private-dev")
    before += ("--caps.drop=all", "--nonewprivs", "--seccomp")


class Gvisor(Command):
    before = ("runsc", "--platform=ptrace", "--network=none", "--ignore-cgroups", "do", "-quiet")


class Docker(Command):
    """`docker run` or `docker exec`; the caller has a daemon and gives the beginning."""

    order = "docker_run"

    def wrap(self) -> list[str]:
        if not self.task[self.order]:
            raise LackError(self.task["docker_lack"])
        return list(self.task[self.order])


class DockerExec(Docker):
    order = "docker_exec"


class Reference(Contestant):
    def run(self) -> Any:
        request = {
            "code": self.task["code"],
            "input_data": self.task["input"],
            "policy": POLICY,
        }
        reply = json.loads(output([self.python, "-I", "-c", REFERENCE], json.dumps(request)))
        if not reply["ok"]:
            raise LackError(reply["error"])
        return reply["result"]


def forked_run(message: str, pipe: Connection) -> None:
    task = json.loads(message)
    names = {"__name__": "__main__", "input_data": task["input"], "result": None}
    exec(compile(task["code"], "<code>", "exec"), names)
    pipe.send(json.dumps(names["result"]))


class Forkserver(Contestant):
    """A process per run from multiprocessing's server, which has imported what the job needs."""

    threads = True

    def __init__(self, task: dict[str, Any]) -> None:
        super().__init__(task)
        self.context = multiprocessing.get_context("forkserver")
        self.context.set_forkserver_preload(["json", "contestant", *task["preload"]])

    def run(self) -> Any:
        import contestant  # not __main__, which every child would import again

        ours, theirs = self.context.Pipe(duplex=False)
        process = self.context.Process(
            target=contestant.forked_run, args=(self.message, theirs), daemon=True
        )
        process.start()
        theirs.close()
        answer = json.loads(ours.recv())
        ours.close()
        process.join()
        return answer


class Bare(Contestant):
    """A child of this interpreter, forked ahead, that waits for one run with nothing around it: no
    way to run what others wrote, but what the machine itself takes for a run that finds a warm
    process."""

    standing = 32

    def __init__(self, task: dict[str, Any]) -> None:
        super().__init__(task)
        self.ready: list[Connection] = []
        self.used: list[int] = []

    def fork(self) -> Connection:
        ours, theirs = multiprocessing.Pipe()
        pid = os.fork()
        if pid == 0:
            ours.close()
            with contextlib.suppress(EOFError):  # nobody wanted it
                forked_run(theirs.recv(), theirs)
            os._exit(0)
        theirs.close()
        self.used.append(pid)
        return ours

    def run(self) -> Any:
        if not self.ready:
            for pid in self.used:
                os.waitpid(pid, 0)
            self.used = []
            self.ready = [self.fork() for _ in range(self.standing)]
        pipe = self.ready.pop()  # the last one: those before have no copy of it
        pipe.send(self.message)
        answer = json.loads(pipe.recv())
        pipe.close()
        return answer


class Restricted(Contestant):
    def __init__(self, task: dict[str, Any]) -> None:
        super().__init__(task)
        from RestrictedPython import compile_restricted, limited_builtins, safe_builtins
        from RestrictedPython.Eval import default_guarded_getitem, default_guarded_getiter
        from RestrictedPython.Guards import guarded_iter_unpack_sequence

        self.compile = compile_restricted
        self.builtins = {**safe_builtins, **limited_builtins, "__import__": __import__}
        self.guards = {
            "_getitem_": default_guarded_getitem,
            "_getiter_": default_guarded_getiter,
            "_getattr_": getattr,
            "_iter_unpack_sequence_": guarded_iter_unpack_sequence,
            "_write_": lambda value: value,
        }

    def run(self) -> Any:
        task = json.loads(self.message)
        names = {"__builtins__": self.builtins, "input_data": task["input"], **self.guards}
        exec(self.compile(task["code"], "<code>", "exec"), names)
        return json.loads(json.dumps(names["result"]))


class Smolagents(Contestant):
    def __init__(self, task: dict[str, Any]) -> None:
        super().__init__(task)
        from smolagents.local_python_executor import LocalPythonExecutor

        self.executor = LocalPythonExecutor

    def run(self) -> Any:
        task = json.loads(self.message)
        executor = self.executor(additional_authorized_imports=self.task["preload"])
        executor.send_tools({})
        executor.send_variables({"input_data": task["input"]})
        return json.loads(json.dumps(executor(task["code"] + "\nresult").output))


class Monty(Contestant):
    threads = True

    def __init__(self, task: dict[str, Any]) -> None:
        super().__init__(task)
        import pydantic_monty

        self.pool = pydantic_monty.Monty(min_processes=WORKERS)
        self.pool.__enter__()

    def run(self) -> Any:
        task = json.loads(self.message)
        with self.pool.checkout() as session:
            answer = session.feed_run(
                task["code"] + "\nresult", inputs={"input_data": task["input"]}
            )
        return json.loads(json.dumps(answer))


class Sandlock(Contestant):
    def __init__(self, task: dict[str, Any]) -> None:
        super().__init__(task)
        import sandlock

        venv = os.path.dirname(os.path.dirname(self.python))
        self.sandbox = sandlock.Sandbox(
            fs_readable=["/usr", "/lib", "/lib64", "/etc", "/dev", venv], max_memory="4G"
        )

    def run(self) -> Any:
        command = [self.python, "-I", "-c", DRIVER, self.message]
        done = self.sandbox.run(command, timeout=PATIENCE_S)
        if not done.success:
            raise LackError(f"sandlock: {done.error or done.stderr[-200:]}")
        return json.loads(done.stdout)


class RunCode(Contestant):
    """This project from Python."""

    def __init__(self, task: dict[str, Any]) -> None:
        super().__init__(task)
        import safe_py_runner as spr

        self.run_code = spr.run_code
        self.engine: Any = None
        options = {"preload": task["preload"]} if task["preload"] else {}
        self.make: Callable[[], Any] = lambda: spr.LocalEngine(python=self.python, **options)

    def run(self) -> Any:
        if self.engine is None:
            self.engine = self.make()
        answer = self.run_code(self.task["code"], self.engine, input_data=self.task["input"])
        if not answer.ok:
            raise LackError(answer.error)
        return answer.result


class Cold(Contestant):
    """`spr run`: everything is started for one run and ended with it."""

    def run(self) -> Any:
        command = [self.task["spr"], "run", "--python", self.python, "-c", self.task["code"]]
        return json.loads(output([*command, "--input", json.dumps(self.task["input"])]))


NAMES: dict[str, type[Contestant]] = {
    "python": Command,
    "reference": Reference,
    "forkserver": Forkserver,
    "bare-child": Bare,
    "bubblewrap": Bubblewrap,
    "firejail": Firejail,
    "sandlock": Sandlock,
    "gvisor": Gvisor,
    "docker-run": Docker,
    "docker-exec": DockerExec,
    "restrictedpython": Restricted,
    "smolagents": Smolagents,
    "monty": Monty,
    "run_code": RunCode,
    "cold": Cold,
}


def once(contestant: Contestant) -> int:
    """Nanoseconds. A process that slept just before would measure how fast it wakes up."""
    awake = time.perf_counter_ns() + AWAKE_NS
    while time.perf_counter_ns() < awake:
        pass
    return timed(contestant)


def timed(contestant: Contestant) -> int:
    begin = time.perf_counter_ns()
    answer = contestant.run()
    spent = time.perf_counter_ns() - begin
    if answer != contestant.task["expected"]:
        raise LackError(f"wrong result: {str(answer)[:100]}")
    return spent


def rate(contestant: Contestant, seconds: float) -> float:
    begin, n = time.perf_counter(), 0
    while time.perf_counter() - begin < seconds:
        timed(contestant)
        n += 1
    return n / (time.perf_counter() - begin)


def load_by_threads(contestant: Contestant, seconds: float) -> float:
    with ThreadPoolExecutor(WORKERS) as pool:
        return sum(pool.map(rate, [contestant] * WORKERS, [seconds] * WORKERS))


def load(contestant: Contestant, seconds: float) -> float:
    """Runs per second of WORKERS side by side, each with one run at a time."""
    if contestant.threads:
        return load_by_threads(contestant, seconds)
    pipes = []
    for _ in range(WORKERS):
        ready, done = os.pipe()
        if os.fork() == 0:
            mine = type(contestant)(contestant.task)
            once(mine)
            os.write(done, str(rate(mine, seconds)).encode())
            os._exit(0)
        os.close(done)
        pipes.append(ready)
    rates = [float(os.read(pipe, 64) or "nan") for pipe in pipes]
    for pipe in pipes:
        os.close(pipe)
        os.wait()
    return sum(rates)


def main() -> int:
    task = json.loads(sys.stdin.readline())
    try:
        contestant = NAMES[sys.argv[1]](task)
        once(contestant)
    except LackError as lack:
        print("lack", lack, flush=True)
        return 0
    except Exception as error:  # whatever a package of others raises is why it has no row
        print("lack", f"{type(error).__name__}: {error}".splitlines()[0], flush=True)
        return 0
    print("ready", flush=True)
    for line in sys.stdin:
        order, *arguments = line.split()
        print(once(contestant) if order == "once" else load(contestant, *map(float, arguments)))
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="spr-bench.") as home:
        os.chdir(home)
        sys.exit(main())
