# SPDX-License-Identifier: MIT
"""Tables: what code prints and returns, how a run ends, what ruins code leaves."""

from __future__ import annotations

from expect import OK, error

# sys.stdout and sys.stderr
OUTPUT = [
    ("print('a', 1); print('b', end='')", {"stdout": "a 1\nb", "stdout_total": 5}),
    ("import sys; print('e', file=sys.stderr)", {"stderr": "e\n"}),
    ("print('é☃\\U0001f600')", {"stdout": "é☃\U0001f600\n"}),
    ("print('\\ud800x\\udc80')", {"stdout": "\\ud800x\\udc80\n"}),
    ("import sys; result = sys.stdout.write('é')", {"result": 1}),
    (
        "import sys; sys.stdout.write(b'x')",
        {"error": "TypeError: write() argument must be str, not bytes"},
    ),
    (
        "import sys; sys.stdout.buffer.write('x')",
        {"error": "TypeError: a bytes-like object is required, not 'str'"},
    ),
    ("import sys; sys.stdout.buffer.write(3)", {"verdict": "error"}),
    (
        "import sys; result = [sys.stdout.buffer.write(x) for x in (b'ab', "
        "bytearray(b'c'), memoryview(b'defg')[::2])]",
        {"result": [2, 1, 2], "stdout": "abcdf"},
    ),
    ("import sys; sys.stdout.writelines(['a', 'b'])", {"stdout": "ab"}),
    (
        "import sys; s = sys.stdout; result = [s.encoding, s.errors, s.name, "
        "s.mode, s.newlines, s.isatty(), s.fileno(), sys.stderr.fileno(), "
        "s.readable(), s.writable(), s.seekable(), s.closed, s.line_buffering]",
        {
            "result": [
                "utf-8",
                "backslashreplace",
                "<stdout>",
                "w",
                None,
                False,
                1,
                2,
                False,
                True,
                False,
                False,
                False,
            ]
        },
    ),
    (
        "import sys; b = sys.stdout.buffer; result = [b.name, b.mode, "
        "b.fileno(), b.isatty(), b.writable(), b.readable(), b.closed]",
        {"result": ["<stdout>", "wb", 1, False, True, False, False]},
    ),
    (
        "import sys, io; result = [isinstance(sys.stdout, io.TextIOBase), "
        "isinstance(sys.stdout, io.IOBase), isinstance(sys.stdout.buffer, "
        "io.BufferedIOBase)]",
        {"result": [True] * 3},
    ),
    (
        "import sys; result = [sys.stdout is sys.__stdout__, sys.stderr is "
        "sys.__stderr__, sys.stdout.flush()]",
        {"result": [True, True, None]},
    ),
    (
        "import sys; sys.stdout.close(); result = sys.stdout.closed; print('x')",
        {"error": "ValueError: I/O operation on closed file."},
    ),
    ("import sys; sys.stderr.close(); 1 / 0", {"stderr": {"ZeroDivisionError"}}),
    (
        "import sys; sys.stdout.reconfigure(encoding='utf-8', line_buffering=True); print('x')",
        {"stdout": "x\n"},
    ),
    ("import sys; sys.stdout.reconfigure(nonsense=1)", {"error": "TypeError: …"}),
    ("import sys; sys.stdout.read()", {"verdict": "error"}),
    (
        "import sys, io; sys.stdout = io.TextIOWrapper(sys.stdout.buffer, "
        "encoding='latin-1'); print('kept')",
        {"verdict": "ok", "stdout": "kept\n"},
    ),
    (
        "import sys, io; sys.stdout = io.TextIOWrapper(sys.stdout.detach(), "
        "encoding='utf-8'); print('kept')",
        {"verdict": "ok", "stdout": "kept\n"},
    ),
    (
        "import sys; s = sys.stdout; s.detach(); s.write('x')",
        {"error": "ValueError: underlying buffer has been detached"},
    ),
    (
        "import sys, codecs; sys.stdout = codecs.getwriter('utf-8')(sys.stdout.buffer); print('é')",
        {"stdout": "é\n"},
    ),
    ("import sys; sys.stdout = open(1, 'w', closefd=False); print('to the pipe')", {"stdout": ""}),
    (
        "import contextlib, io\n"
        "b = io.StringIO()\n"
        "with contextlib.redirect_stdout(b): print('x')\n"
        "result = b.getvalue()",
        {"result": "x\n", "stdout": ""},
    ),
    ("import sys; type(sys.stdout)().write('x')", {"verdict": "error"}),
    ("import sys; type(sys.stdout.buffer)().write(b'x')", {"verdict": "error"}),
    ("import sys; type(sys.stdout)().buffer", {"verdict": "error"}),
    (
        "import sys; result = repr(sys.stdout)",
        {"result": "<spr.TextWriter name='<stdout>' mode='w' encoding='utf-8'>"},
    ),
    ("import sys; sys.stdout.mine = 1; result = sys.stdout.mine", {"result": 1}),
    ("print('first'); printed = 'last'", {"stdout": "first\nlast"}),
    # `printed` is part of the answer, which stands before atexit functions run
    ("import atexit; atexit.register(print, 'exit'); printed = 'last'", {"stdout": "lastexit\n"}),
    ("printed = 3", {"verdict": "ok", "stdout": "3"}),
    (
        "import os\n"
        "pid = os.fork()\n"
        "print('child' if pid == 0 else 'parent', flush=True)\n"
        "if pid: os.waitpid(pid, 0)\n"
        "result = pid != 0",
        {"result": True, "stdout": {"child\n", "parent\n"}},
    ),
    ("print('x' * 300000)", {"stdout": "x" * 131072, "stdout_total": 300001}),
    ("print('é' * 100000)", {"stdout_total": 200001}),
    ("print('\\udc80' * 100000)", {"stdout_total": 600001}),
    (
        "import warnings; warnings.warn('careful')",
        {"stderr": {"UserWarning: careful", "  import warnings"}},
    ),
    ("import logging; logging.warning('logged')", {"stderr": "WARNING:root:logged\n"}),
    ("def f(): pass\nimport inspect; result = inspect.getsource(f)", {"result": "def f(): pass\n"}),
    ("x = 'a\\x0cb\\u2028'\n1 / 0", {"stderr": {"line 2", "    1 / 0\n"}}),
    ("help(len)", {"verdict": "ok", "stdout": {"Help on built-in function len"}}),
]


TOO_DEEP = "result = []\nfor i in range(%d): result = [result]"

# the result
RESULT = [
    (
        "result = {'a': [1, 2.5, None, True, 'é', {'b': ()}]}",
        {**OK, "json": '{"a": [1, 2.5, null, true, "\\u00e9", {"b": []}]}'},
    ),
    (
        "result = [float('nan'), float('inf'), -float('inf')]",
        {**OK, "json": "[NaN, Infinity, -Infinity]"},
    ),
    ("result = 2**100", {**OK, "json": str(2**100)}),
    ("result = '\\ud800'", {**OK, "json": '"\\ud800"'}),
    ("import datetime; result = datetime.date(2024, 1, 2)", {**OK, "json": '"2024-01-02"'}),
    ("result = {1, }", {**OK, "json": '"{1}"'}),
    ("result = {1: 2, None: 3, True: 4}", {**OK, "verdict": "ok"}),
    (
        "result = {(1, 2): 3}",
        error("result is not JSON serialisable: TypeError: keys must be str…"),
    ),
    (
        "result = []; result.append(result)",
        error(
            "result is not JSON serialisable: ValueError: Circular reference detected", stderr=""
        ),
    ),
    (
        "class A:\n def __str__(self): raise RuntimeError('no')\nresult = A()",
        error("result is not JSON serialisable: RuntimeError: no"),
    ),
    (
        "class A:\n def __str__(self): raise MemoryError\nresult = A()",
        {"verdict": "memory", "exit_code": 2},
    ),
    (
        "class A:\n def __str__(self): raise SystemExit(0)\nresult = A()",
        error("result is not JSON serialisable: SystemExit: 0"),
    ),
    (
        "class A:\n def __str__(self): return 3\nresult = A()",
        error("result is not JSON serialisable: TypeError: …"),
    ),
    (TOO_DEEP % 899, {**OK, "json": "[" * 900 + "]" * 900}),
    (TOO_DEEP % 5000, {"verdict": "error", "exit_code": 1, "error": {"deep", "recursion"}}),
    (TOO_DEEP % 1000000, {"verdict": "error", "exit_code": 1}),
    (
        "result = 'x' * (2 << 20)",
        {
            "verdict": "output",
            "exit_code": 1,
            "error": "result is too large: 2097154 bytes, limit 1048576",
        },
    ),
    (
        "result = ['x' * (1 << 20)]",
        {"verdict": "output", "error": "result is too large: 1048580 bytes, limit 1048576"},
    ),
    ("result = 'x' * ((1 << 20) - 2)", {**OK, "verdict": "ok"}),
    ("result = 1\nraise SystemExit(3)", {"verdict": "ok", "exit_code": 3, "result": 1}),
    ("result = {(1,): 1}\nraise SystemExit(3)", {"verdict": "error", "exit_code": 1}),
    ("result = 1\nraise ValueError", {"verdict": "error", "json": None}),
    ("import enum\nclass C(enum.IntEnum): A = 1\nresult = C.A", {**OK, "json": "1"}),
    ("import collections; result = collections.OrderedDict(a=1)", {**OK, "json": '{"a": 1}'}),
    ("result = b'x'", {**OK, "json": "\"b'x'\""}),
    ("result = ''", {**OK, "json": '""'}),
]


# the end of a run
ENDING = [
    (
        "import threading\n"
        "def f():\n"
        " threading.main_thread().join()\n"
        " print('thread')\n"
        "threading.Thread(target=f).start()\n"
        "print('main')",
        {**OK, "stdout": "main\nthread\n"},
    ),
    (
        "import atexit\natexit.register(print, 'two')\natexit.register(print, 'one')",
        {**OK, "stdout": "one\ntwo\n"},
    ),
    (
        "import atexit, threading\n"
        "atexit.register(print, 'atexit')\n"
        "threading.Thread(target=lambda: (threading.main_thread().join(), "
        "print('thread'))).start()",
        {**OK, "stdout": "thread\natexit\n"},
    ),
    (
        "import atexit\natexit.register(lambda: 1 / 0)\nresult = 1",
        {**OK, "result": 1, "stderr": {"ZeroDivisionError"}},
    ),
    (
        "import atexit\n@atexit.register\ndef f():\n global result\n result = 2\nresult = 1",
        {**OK, "result": 1},
    ),
    (
        "import atexit\natexit.register(print, 'exit')\n1 / 0",
        {"verdict": "error", "stdout": "exit\n"},
    ),
    (
        "import atexit\natexit.register(print, 'exit')\nraise SystemExit(4)",
        {"exit_code": 4, "stdout": "exit\n"},
    ),
    (
        "import concurrent.futures as c, threading\n"
        "started = threading.Event()\n"
        "e = c.ThreadPoolExecutor(2)\n"
        "e.submit(lambda: (started.wait(), print('pool')))\n"
        "started.set()",
        {**OK, "stdout": "pool\n"},
    ),
    (
        "import threading, time\n"
        "threading.Thread(target=time.sleep, args=(30,), daemon=True).start()\n"
        "result = 1",
        {**OK, "result": 1},
    ),
    (
        "import threading\n"
        "def f():\n"
        " while True: pass\n"
        "threading.Thread(target=f, daemon=True).start()\n"
        "result = 1",
        {**OK, "result": 1},
    ),
    (
        "import weakref\nclass A: pass\na = A()\nweakref.finalize(a, print, 'finalised')",
        {**OK, "stdout": "finalised\n"},
    ),
    ("class A:\n def __del__(self): print('deleted')\na = A()", {**OK, "stdout": ""}),
    (
        "import threading\n"
        "result = [threading.active_count(), threading.current_thread() is "
        "threading.main_thread()]",
        {**OK, "result": [1, True]},
    ),
    (
        "import signal; result = len(signal.pthread_sigmask(signal.SIG_BLOCK, []))",
        {**OK, "result": 0},
    ),
    (
        "import signal, os\n"
        "def h(*a): print('handled')\n"
        "signal.signal(signal.SIGUSR1, h)\n"
        "os.kill(os.getpid(), signal.SIGUSR1)",
        {**OK, "stdout": "handled\n"},
    ),
    (
        "import signal, os\n"
        "def h(*a): raise ValueError('from handler')\n"
        "signal.signal(signal.SIGUSR1, h)\n"
        "os.kill(os.getpid(), signal.SIGUSR1)",
        error("ValueError: from handler"),
    ),
    (
        "import os\nif os.fork() == 0: raise SystemExit(7)\nresult = os.waitpid(-1, 0)[1] >> 8",
        {**OK, "result": 7},
    ),
    ("import os\nresult = os.fork() and 1 or 2", {**OK, "result": 1}),
    (
        "import sys\n"
        "sys.excepthook = lambda t, v, tb: print('hook', v, file=sys.stderr)\n"
        "raise ValueError(1)",
        error("ValueError: 1", stderr="hook 1\n"),
    ),
    (
        "import sys\nsys.excepthook = lambda *a: 1 / 0\nraise ValueError('original')",
        error(
            "ValueError: original",
            stderr={
                "Error in sys.excepthook:\n",
                "ZeroDivisionError",
                "\nOriginal exception was:\n",
                "ValueError: original",
            },
        ),
    ),
    (
        "import sys\ndel sys.excepthook\nraise ValueError(1)",
        error("ValueError: 1", stderr={"ValueError: 1\n"}),
    ),
    ("import ctypes; ctypes.CDLL(None).printf(b'from C\\n')", OK),
]


# code that leaves ruins
HOSTILE = [
    ("import sys\nsys.stdout = sys.stderr = object()\nresult = 1", {**OK, "result": 1}),
    (
        "import sys\nsys.stdout = sys.stderr = object()\n1 / 0",
        error("ZeroDivisionError: …", stderr={"    1 / 0\n"}),
    ),
    (
        "import sys\n"
        "class F:\n"
        " def write(self, s): raise MemoryError\n"
        " flush = write\n"
        "sys.stdout = sys.stderr = F()\n"
        "1 / 0",
        error("ZeroDivisionError: …", stderr={"    1 / 0\n"}),
    ),
    (
        "import sys\ndel sys.stdout, sys.stderr\n1 / 0",
        error("ZeroDivisionError: …", stderr={"ZeroDivisionError"}),
    ),
    ("import sys\nsys.stderr = None\n1 / 0", error("ZeroDivisionError: …")),
    ("import sys\nsys.modules.clear()\nresult = 1", {**OK, "result": 1}),
    (
        "import sys\nsys.modules.clear()\n1 / 0",
        error("ZeroDivisionError: …", stderr={"ZeroDivisionError"}),
    ),
    ("import sys\nsys.modules = None\nresult = 1", {**OK, "result": 1}),
    ("import sys\nsys.__dict__.clear()\nresult = 1", {**OK, "result": 1}),
    ("import sys\nsys.__dict__.clear()\n1 / 0", error("ZeroDivisionError: …")),
    ("print.__self__.__dict__.clear()\nresult = 1", {**OK, "result": 1}),
    (
        "print.__self__.__dict__.clear()\n1 / 0",
        error("ZeroDivisionError: …", stderr={"ZeroDivisionError"}),
    ),
    ("__builtins__.clear()\nresult = 1", {**OK, "result": 1}),
    ("globals().clear()", {**OK, "json": None}),
    ("import sys\nsys.setrecursionlimit(40)\nresult = [[[1]]]", {**OK, "result": [[[1]]]}),
    (
        "import sys\nsys.setrecursionlimit(40)\n1 / 0",
        error("ZeroDivisionError: …", stderr={"    1 / 0\n"}),
    ),
    (
        "import json, io, traceback, linecache\n"
        "json.dumps = json.JSONEncoder.encode = lambda *a, **k: 'FORGED'\n"
        "json.encoder.c_make_encoder = None\n"
        "io.StringIO.getvalue if 0 else 0\n"
        "result = 1",
        {**OK, "result": 1},
    ),
    (
        "import traceback\ntraceback.TracebackException = None\n1 / 0",
        error("ZeroDivisionError: …", stderr={"ZeroDivisionError"}),
    ),
    (
        "import linecache\nlinecache.cache = 3\n1 / 0",
        error("ZeroDivisionError: …", stderr={"ZeroDivisionError"}),
    ),
    (
        "import sys\nsys.settrace(lambda *a: None)\nsys.setprofile(lambda *a: 1 / 0)\nresult = 1",
        {"exit_code": 1},
    ),
    (
        "import sys\n"
        "sys.excepthook = sys.unraisablehook = lambda *a: 1 / 0\n"
        "sys.setprofile(lambda *a: None)\n"
        "sys.settrace(lambda *a: None)\n"
        "result = 1",
        {**OK, "result": 1},
    ),
    (
        "import sys\n"
        "if hasattr(sys, 'monitoring'):\n"
        " m = sys.monitoring\n"
        " m.use_tool_id(2, 'x')\n"
        " m.register_callback(2, m.events.LINE, lambda *a: 1 / 0)\n"
        " m.register_callback(2, m.events.PY_START, lambda *a: 1 / 0)\n"
        " import atexit\n"
        " atexit.register(lambda: print('atexit'))\n"
        " m.set_events(2, m.events.PY_START)\n"
        "result = 1",
        OK,
    ),
    (
        "import signal\n"
        "def boom(*a): raise KeyboardInterrupt('late')\n"
        "for s in (signal.SIGALRM, signal.SIGPROF): signal.signal(s, boom)\n"
        "signal.setitimer(signal.ITIMER_REAL, 0.002, 0.0005)\n"
        "result = {'a': list(range(20000))}",
        {},
    ),
    (
        "import os\n"
        "keep = []\n"
        "try:\n"
        " while len(keep) < 20000: keep.append(os.dup(0))\n"
        "except OSError: pass\n"
        "result = 1",
        {**OK, "result": 1},
    ),
    (
        "import os\n"
        "keep = []\n"
        "try:\n"
        " while len(keep) < 20000: keep.append(os.dup(0))\n"
        "except OSError: pass\n"
        "1 / 0",
        error("ZeroDivisionError: …", stderr={"    1 / 0\n"}),
    ),
    (
        "import os, resource\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))\n"
        "result = 'x' * 1000",
        {**OK, "result": "x" * 1000},
    ),
    (
        "import atexit; atexit._clear(); atexit.register(None.__class__); result = 1",
        {**OK, "result": 1},
    ),
    ("import threading; threading._shutdown = lambda: 1 / 0; result = 1", {**OK, "result": 1}),
    ("import threading; threading._main_thread = None; result = 1", {**OK, "result": 1}),
    (
        "import gc\n"
        "for o in gc.get_objects():\n"
        " if type(o) is dict and 'spr_never' in o: pass\n"
        "result = 1",
        {**OK, "result": 1},
    ),
    ("import gc; gc.disable(); gc.set_threshold(1); result = 1", {**OK, "result": 1}),
    ("class D(dict):\n def items(self): return [(1, 2)]\nresult = D(a=1)", {**OK, "verdict": "ok"}),
    (
        "result = type('S', (str,), {'__len__': lambda s: 10**9, '__str__': None})('abc')",
        {**OK, "result": "abc"},
    ),
    (
        "printed = type('S', (str,), {'__len__': lambda s: 10**9, '__str__': None})('abc')",
        {**OK, "stdout": "abc"},
    ),
    ("a = None\nfor i in range(1000000): a = (a,)\nresult = 1", {**OK, "result": 1}),
    ("__import__.__self__; result = 1", {**OK, "result": 1}),
    ("__import__.__init__(); result = 1", {"exit_code": 0}),
    (
        "import sys, types\nsys.modules['traceback'] = types.ModuleType('traceback')\n1 / 0",
        error("ZeroDivisionError: …", stderr={"    1 / 0\n"}),
    ),
]
