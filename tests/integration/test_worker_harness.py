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

import agent  # noqa: E402
from agent import DEFAULT_POLICY, FREE_POLICY, MIB, Answer, Zygote  # noqa: E402


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


def policy(mode: str = "restrict", **lists: Any) -> dict[str, Any]:
    return {"mode": mode, **lists}


def check(answer: Answer, **expected: Any) -> None:
    """Compares fields; a value that ends in '…' is a beginning, a set lists what must be within."""
    assert answer.failure is None
    for name, value in expected.items():
        actual = getattr(answer, name)
        if isinstance(value, str) and value.endswith("…"):
            assert actual is not None and actual.startswith(value[:-1]), (name, answer)
        elif isinstance(value, set):
            assert all(part in actual for part in value), (name, answer)
        else:
            assert actual == value, (name, answer)


OK: dict[str, Any] = {"verdict": "ok", "exit_code": 0, "error": None}


def error(text: str, **more: Any) -> dict[str, Any]:
    return {"verdict": "error", "exit_code": 1, "error": text, "json": None, **more}


def leaves(status: int, text: str, **more: Any) -> dict[str, Any]:
    return {"verdict": "ok", "exit_code": status, "error": text, **more}


def refused(name: str, verb: str = "blocked", **more: Any) -> dict[str, Any]:
    text = f"ImportError: Import '{name}' is {verb} by policy"
    return {"verdict": "denied", "exit_code": 1, "error": text, "json": None, **more}


# how the code ends
OUTCOMES = [
    ("result = 6 * 7", {**OK, "result": 42, "stdout": "", "stderr": "", "started": True}),
    ("", {**OK, "json": None}),
    ("result = None", {**OK, "json": None}),
    ("del result", {**OK, "json": None}),
    ("import sys; result = 1; sys.exit()", {**OK, "result": 1}),
    ("import sys; result = 1; sys.exit(0)", {**OK, "result": 1}),
    ("import sys; sys.exit(False)", OK),
    ("import sys; result = 1; sys.exit(2)", leaves(2, "SystemExit: 2", result=1)),
    ("raise SystemExit(-1)", leaves(255, "SystemExit: -1")),
    ("raise SystemExit(True)", leaves(1, "SystemExit: True")),
    ("raise SystemExit(256)", leaves(1, "SystemExit: 256")),
    ("raise SystemExit(2**70)", leaves(1, f"SystemExit: {2**70}")),
    ("raise SystemExit(2**70 + 3)", leaves(3, f"SystemExit: {2**70 + 3}")),
    ("raise SystemExit('stop now')", leaves(1, "SystemExit: stop now", stderr="stop now\n")),
    ("raise SystemExit(1.5)", leaves(1, "SystemExit: 1.5", stderr="1.5\n")),
    ("raise SystemExit([1], 2)", leaves(1, "SystemExit: ([1], 2)", stderr="([1], 2)\n")),
    (
        "class Bad:\n def __str__(self): raise RuntimeError('no text')\nresult = 1\n"
        "raise SystemExit(Bad())",
        leaves(1, "SystemExit: <exception str() failed>", result=1, stderr="\n"),
    ),
    (
        "class E(SystemExit):\n code = property(lambda self: 1 / 0)\nraise E('odd')",
        leaves(1, "E: odd", stderr="odd\n"),
    ),
    (
        "class N(int):\n __bool__ = lambda self: 1 / 0\nraise SystemExit(N(0))",
        leaves(1, "SystemExit: 0"),
    ),
    (
        "result = 1\n1 / 0",
        error("ZeroDivisionError: division by zero", stderr={"line 2, in <module>", "    1 / 0"}),
    ),
    ("raise BaseException('b')", error("BaseException: b", stderr={"BaseException: b\n"})),
    ("raise KeyboardInterrupt", error("KeyboardInterrupt")),
    ("raise GeneratorExit('g')", error("GeneratorExit: g")),
    ("raise ValueError('one\\ntwo')", error("ValueError: one", stderr={"one\ntwo\n"})),
    ("raise ValueError('\\n two \\n')", error("ValueError: two")),
    ("raise KeyError('k')", error("KeyError: 'k'")),
    ("class E(Exception): pass\nraise E(1)", error("E: 1", stderr={"\nE: 1\n"})),
    ("import json; json.loads('{')", error("json.decoder.JSONDecodeError: Expecting…")),
    ("raise ValueError('\\udc80')", error("ValueError: \\udc80", stderr={"\\udc80"})),
    (
        "class E(Exception):\n def __str__(self): raise self\nraise E",
        error("E: <exception str() failed>", stderr={"Traceback"}),
    ),
    (
        "class M(type):\n __qualname__ = property(lambda c: 1 / 0)\n"
        "class E(Exception, metaclass=M): pass\nraise E(1)",
        {"verdict": "error", "exit_code": 1},
    ),
    ("raise ValueError('x' * 10**6)", error("ValueError: xxx…")),
    ("raise MemoryError", {"verdict": "memory", "exit_code": 2, "error": "Memory limit exceeded"}),
    ("class M(MemoryError): pass\nraise M", {"verdict": "memory", "exit_code": 2}),
    ("try: raise MemoryError\nexcept MemoryError: result = 1", {**OK, "result": 1}),
    ("def f(): f()\nf()", error("RecursionError: maximum recursion depth exceeded…")),
    ("input()", error("EOFError: EOF when reading a line")),
    (
        "try: 1 / 0\nexcept Exception as e: raise ValueError('second') from e",
        error("ValueError: second", stderr={"ZeroDivisionError", "direct cause"}),
    ),
    # does not compile
    (
        "x = = 1",
        error(
            "SyntaxError: invalid syntax", started=False, stderr={'"program.py", line 1', "x = =", "^"}
        ),
    ),
    ("if 1:\npass", error("IndentationError: expected an indented block…")),
    (b"x = 1\0", error("SyntaxError: source code string cannot contain null bytes")),
    (b"x = '\xff'", error("SyntaxError: (unicode error) 'utf-8' codec can't decode byte 0xff in…")),
    (b"\xef\xbb\xbfresult = 1", {**OK, "result": 1}),
    ("# -*- coding: latin-1 -*-\nresult = 'é'", {**OK, "result": "é"}),
    ("# -*- coding: unicode_escape -*-\nresult = '\\u0041'", {**OK, "result": "A"}),
    ("# -*- coding: nonsense -*-\nresult = 1", {**OK, "result": 1}),
    ("x = 1\r\nresult = x\r\n", {**OK, "result": 1}),
    ("return 1", error("SyntaxError: 'return' outside function")),
    ("(" * 5000 + ")" * 5000, {"verdict": "error", "exit_code": 1, "started": False}),
    ("1" + "+1" * 100 + "; result = 2", {**OK, "result": 2}),
]


@pytest.mark.parametrize(("code", "expected"), OUTCOMES, ids=lambda value: str(value)[:40])
def test_outcome(zygote: Zygote, code: str, expected: dict[str, Any]) -> None:
    check(zygote.run(code), **expected)


def test_error_is_bounded(zygote: Zygote) -> None:
    answer = zygote.run("raise ValueError('é' * 10**6)")
    assert answer.error is not None and 65534 <= len(answer.error.encode()) <= 65536


@pytest.mark.parametrize("source", ["-" * 200000 + "1", "lambda:" * 20000 + "0", "a" + ".b" * 200000])
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


# the import guard
GUARD = [
    ("import os", None, refused("os", stderr={"line 1, in <module>\n    import os\nImportError"})),
    ("import os.path", None, refused("os.path")),
    ("from os import path", None, refused("os")),
    ("import math, json; result = math.sqrt(81)", None, {**OK, "result": 9.0}),
    ("__import__('os')", None, refused("os")),
    ("__import__(name='os', level=0)", None, refused("os")),
    ("__import__(1)", None, error("TypeError: …")),
    ("__import__('\\ud800')", None, {"verdict": "error"}),
    ("import importlib", policy(), refused("importlib")),
    ("import importlib.util", policy(), refused("importlib")),
    ("import importlib", policy("allow", allowed_imports=["importlib"]), refused("importlib")),
    ("import random; result = random._os.name", None, {**OK, "result": "posix"}),
    ("import math", policy("allow", allowed_imports=["math"]), OK),
    ("import json", policy("allow", allowed_imports=["math"]), refused("json", "not allowed")),
    (
        "import os.path",
        policy("allow", allowed_imports=["math"]),
        refused("os.path", "not allowed"),
    ),
    ("import json.decoder", policy("allow", allowed_imports=["json"]), OK),
    ("import xml.etree", policy(blocked_imports=["xml.etree"]), refused("xml.etree")),
    ("import xml.etree.ElementTree", policy(blocked_imports=["xml.etree"]), {"verdict": "denied"}),
    ("from xml import etree", policy(blocked_imports=["xml.etree"]), refused("xml.etree")),
    ("import xml.dom", policy(blocked_imports=["xml.etree"]), OK),
    ("import xml.etree.ElementTree", policy("allow", allowed_imports=["xml.etree"]), OK),
    ("import xml", policy("allow", allowed_imports=["xml.etree"]), refused("xml", "not allowed")),
    ("try:\n import os\nexcept ImportError as e: result = [str(e), e.name]",
     None, {**OK, "result": ["Import 'os' is blocked by policy", "os"]}),
    ("try:\n import os\nexcept ImportError as e: result = type(e) is ImportError",
     None, {**OK, "result": True}),
    # only a refusal that ends the run is 'denied'
    ("raise ImportError(\"Import 'os' is blocked by policy\", name='os')",
     None, error("ImportError: Import 'os' is blocked by policy")),
    ("try:\n import os\nexcept ImportError as e: raise ValueError(1) from e",
     None, error("ValueError: 1")),
    ("raise ImportError('x', name=[])", None, error("ImportError: x")),
    ("import nonsense_module", None, error("ModuleNotFoundError: No module named 'nonsense_module'")),
    ("class S(str):\n __eq__ = lambda *a: False\n __hash__ = lambda s: 1\n"
     " def split(self, *a): return ['math']\n__import__(S('os'))", None, refused("os")),
    ("def f():\n import os\nf()", None, refused("os", stderr={"in f\n", "in <module>\n"})),
    ("__import__('os' + '.a' * 100000)", policy(blocked_imports=["os.a.a", "x"]), {"verdict": "denied"}),
    ("for i in range(3000):\n try: __import__('os.m%d' % i)\n except ImportError: pass", None, OK),
]  # fmt: skip


@pytest.mark.parametrize(("code", "rules", "expected"), GUARD, ids=lambda value: str(value)[:40])
def test_guard(
    zygote: Zygote, code: str, rules: dict[str, Any] | None, expected: dict[str, Any]
) -> None:
    check(zygote.run(code, policy=rules or DEFAULT_POLICY), **expected)


ALLOW = policy("allow", allowed_builtins=["print", "len", "super"], allowed_globals=["a"])

# globals and builtins
GLOBALS = [
    ("result = [__name__, input_data]", "", None, {**OK, "result": ["__main__", {}]}),
    *[("result = input_data", text, None, {**OK, "result": {}})
      for text in ("null", "[]", "0", '""', "false", "{}", " 0.0 ", "-0")],
    ("result = input_data", "[1]", None, {**OK, "result": [1]}),
    ("result = input_data", '"x"', None, {**OK, "result": "x"}),
    ("result = x + y", '{"x": 1, "y": 2}', None, {**OK, "result": 3}),
    ("result = [x, input_data['x']]", '{"x": 1}', policy(extra_globals={"x": 2}),
     {**OK, "result": [2, 1]}),
    ("result = [n in globals() for n in ('_p', 'a-b', '1', 'ok')]",
     '{"_p": 1, "a-b": 1, "1": 1, "ok": 1, "": 1}', None, {**OK, "result": [False] * 3 + [True]}),
    ("result = isinstance(input_data, dict)", '{"input_data": 1, "result": 2, "__builtins__": 3}',
     None, {**OK, "result": True}),
    ("result", '{"result": 5}', None, {**OK, "json": None}),
    ("result = ['x' in globals(), 'y' in globals()]", '{"x": 1, "y": 1}',
     policy(blocked_globals=["x"]), {**OK, "result": [False, True]}),
    ("result = ['x' in globals(), 'y' in globals()]", '{"x": 1, "y": 1}',
     policy("allow", allowed_globals=["x"], allowed_builtins=["globals"]),
     {**OK, "result": [True, False]}),
    ("result = 'x' in globals()", "", policy(blocked_globals=["x"], extra_globals={"x": 1}),
     {**OK, "result": False}),
    *[("", "", policy(extra_globals={name: 1}),
       error(f"extra_globals must not replace '{name}'", started=False))
      for name in ("input_data", "result", "__builtins__")],
    ("if __name__ == '__main__': result = 1", "", None, {**OK, "result": 1}),
    ("import pickle\nclass A: x = 1\nresult = pickle.loads(pickle.dumps(A())).x", "", None,
     {**OK, "result": 1}),
    ("import __main__; x = 4; result = __main__.x", "", None, {**OK, "result": 4}),
    ("import sys; result = sys.argv", "", None, {**OK, "result": ["program.py"]}),
    ("import sys; result = sys._getframe().f_back is None", "", None, {**OK, "result": True}),
    ("import sys; result = [n for n in dir(sys) if n.startswith('last_')]", "", None,
     {**OK, "result": []}),
    # builtins
    *[(f"{name}", "", DEFAULT_POLICY, error(f"NameError: name '{name}' is not defined"))
      for name in ("eval", "exec", "open", "compile", "breakpoint")],
    ("result = [n in globals()['__builtins__'] for n in ('license', '__loader__', '__spec__')]",
     "", FREE_POLICY, {**OK, "result": [False] * 3}),
    ("result = [len([1]), __debug__, __name__]\nclass A: pass\n", "", ALLOW,
     {**OK, "result": [1, True, "__main__"]}),
    ("range(3)", "", ALLOW, error("NameError: name 'range' is not defined")),
    ("result = a", '{"a": 1, "b": 1}', ALLOW, {**OK, "result": 1}),
    ("b", '{"a": 1, "b": 1}', ALLOW, error("NameError: name 'b' is not defined")),
    ("class A:\n def f(self): return 1\nclass B(A):\n def f(self): return super().f()\n"
     "result = B().f()", "", ALLOW, {**OK, "result": 1}),
    # inputs
    ("", "{", None, error("input is not JSON: …", started=False)),
    ("", "[1] x", None, error("input is not JSON: …")),
    ("", "   ", None, error("input is not JSON: …")),
    ("", b'"\xff"', None, error("input is not JSON: …")),
    ("", "[" * 10000 + "]" * 10000, None, error("input is nested too deeply: …")),
    ("result = len(str(input_data))", "[" * 900 + "]" * 900, None, {**OK, "result": 1800}),
    ("result = [x != x, y]", '{"x": NaN, "y": -Infinity}', None,
     {**OK, "json": "[true, -Infinity]"}),
    ("result = x", '{"x": "\\ud800"}', None, {**OK, "json": '"\\ud800"'}),
    ("result = x", '{"x": "é☃"}', None, {**OK, "result": "é☃"}),
    ("result = x * 2", '{"x": ' + str(2**100) + "}", None, {**OK, "result": 2**101}),
    ("result = type(x).__name__", '{"x": 1.0}', None, {**OK, "result": "float"}),
    ("", "1" * 100000, None, {"exit_code": 1}),
]  # fmt: skip


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


# sys.stdout and sys.stderr
OUTPUT = [
    ("print('a', 1); print('b', end='')", {"stdout": "a 1\nb", "stdout_total": 5}),
    ("import sys; print('e', file=sys.stderr)", {"stderr": "e\n"}),
    ("print('é☃\\U0001f600')", {"stdout": "é☃\U0001f600\n"}),
    ("print('\\ud800x\\udc80')", {"stdout": "\\ud800x\\udc80\n"}),
    ("import sys; result = sys.stdout.write('é')", {"result": 1}),
    ("import sys; sys.stdout.write(b'x')", {"error": "TypeError: write() argument must be str, not bytes"}),
    ("import sys; sys.stdout.buffer.write('x')", {"error": "TypeError: a bytes-like object is required, not 'str'"}),
    ("import sys; sys.stdout.buffer.write(3)", {"verdict": "error"}),
    ("import sys; result = [sys.stdout.buffer.write(x) for x in (b'ab', bytearray(b'c'), memoryview(b'defg')[::2])]",
     {"result": [2, 1, 2], "stdout": "abcdf"}),
    ("import sys; sys.stdout.writelines(['a', 'b'])", {"stdout": "ab"}),
    ("import sys; s = sys.stdout; result = [s.encoding, s.errors, s.name, s.mode, s.newlines, s.isatty(),"
     " s.fileno(), sys.stderr.fileno(), s.readable(), s.writable(), s.seekable(), s.closed, s.line_buffering]",
     {"result": ["utf-8", "backslashreplace", "<stdout>", "w", None, False, 1, 2, False, True, False, False, False]}),
    ("import sys; b = sys.stdout.buffer; result = [b.name, b.mode, b.fileno(), b.isatty(), b.writable(), b.readable(), b.closed]",
     {"result": ["<stdout>", "wb", 1, False, True, False, False]}),
    ("import sys, io; result = [isinstance(sys.stdout, io.TextIOBase), isinstance(sys.stdout, io.IOBase),"
     " isinstance(sys.stdout.buffer, io.BufferedIOBase)]", {"result": [True] * 3}),
    ("import sys; result = [sys.stdout is sys.__stdout__, sys.stderr is sys.__stderr__, sys.stdout.flush()]",
     {"result": [True, True, None]}),
    ("import sys; sys.stdout.close(); result = sys.stdout.closed; print('x')",
     {"error": "ValueError: I/O operation on closed file."}),
    ("import sys; sys.stderr.close(); 1 / 0", {"stderr": {"ZeroDivisionError"}}),
    ("import sys; sys.stdout.reconfigure(encoding='utf-8', line_buffering=True); print('x')", {"stdout": "x\n"}),
    ("import sys; sys.stdout.reconfigure(nonsense=1)", {"error": "TypeError: …"}),
    ("import sys; sys.stdout.read()", {"verdict": "error"}),
    ("import sys, io; sys.stdout = io.TextIOWrapper(sys.stdout.buffer, encoding='latin-1'); print('kept')",
     {"verdict": "ok", "stdout": "kept\n"}),
    ("import sys, io; sys.stdout = io.TextIOWrapper(sys.stdout.detach(), encoding='utf-8'); print('kept')",
     {"verdict": "ok", "stdout": "kept\n"}),
    ("import sys; s = sys.stdout; s.detach(); s.write('x')", {"error": "ValueError: underlying buffer has been detached"}),
    ("import sys, codecs; sys.stdout = codecs.getwriter('utf-8')(sys.stdout.buffer); print('é')", {"stdout": "é\n"}),
    ("import sys; sys.stdout = open(1, 'w', closefd=False); print('to the pipe')", {"stdout": ""}),
    ("import contextlib, io\nb = io.StringIO()\nwith contextlib.redirect_stdout(b): print('x')\nresult = b.getvalue()",
     {"result": "x\n", "stdout": ""}),
    ("import sys; type(sys.stdout)().write('x')", {"verdict": "error"}),
    ("import sys; type(sys.stdout.buffer)().write(b'x')", {"verdict": "error"}),
    ("import sys; type(sys.stdout)().buffer", {"verdict": "error"}),
    ("import sys; result = repr(sys.stdout)", {"result": "<spr.TextWriter name='<stdout>' mode='w' encoding='utf-8'>"}),
    ("import sys; sys.stdout.mine = 1; result = sys.stdout.mine", {"result": 1}),
    ("print('first'); printed = 'last'", {"stdout": "first\nlast"}),
    ("import atexit; atexit.register(print, 'exit'); printed = 'last'", {"stdout": "exit\nlast"}),
    ("printed = 3", {"verdict": "ok", "stdout": ""}),
    ("import os\npid = os.fork()\nprint('child' if pid == 0 else 'parent', flush=True)\n"
     "if pid: os.waitpid(pid, 0)\nresult = pid != 0", {"result": True, "stdout": {"child\n", "parent\n"}}),
    ("print('x' * 300000)", {"stdout": "x" * 131072, "stdout_total": 300001}),
    ("print('é' * 100000)", {"stdout_total": 200001}),
    ("print('\\udc80' * 100000)", {"stdout_total": 600001}),
    ("import warnings; warnings.warn('careful')", {"stderr": {"UserWarning: careful", "  import warnings"}}),
    ("import logging; logging.warning('logged')", {"stderr": "WARNING:root:logged\n"}),
    ("def f(): pass\nimport inspect; result = inspect.getsource(f)", {"result": "def f(): pass\n"}),
    ("x = 'a\\x0cb\\u2028'\n1 / 0", {"stderr": {"line 2", "    1 / 0\n"}}),
    ("help(len)", {"verdict": "ok", "stdout": {"Help on built-in function len"}}),
]  # fmt: skip  # noqa: E501


@pytest.mark.parametrize(("code", "expected"), OUTPUT, ids=lambda value: str(value)[:40])
def test_output(zygote: Zygote, code: str, expected: dict[str, Any]) -> None:
    check(zygote.run(code), **expected)


TOO_DEEP = "result = []\nfor i in range(%d): result = [result]"

# the result
RESULT = [
    ("result = {'a': [1, 2.5, None, True, 'é', {'b': ()}]}",
     {**OK, "json": '{"a": [1, 2.5, null, true, "\\u00e9", {"b": []}]}'}),
    ("result = [float('nan'), float('inf'), -float('inf')]", {**OK, "json": "[NaN, Infinity, -Infinity]"}),
    ("result = 2**100", {**OK, "json": str(2**100)}),
    ("result = '\\ud800'", {**OK, "json": '"\\ud800"'}),
    ("import datetime; result = datetime.date(2024, 1, 2)", {**OK, "json": '"2024-01-02"'}),
    ("result = {1, }", {**OK, "json": '"{1}"'}),
    ("result = {1: 2, None: 3, True: 4}", {**OK, "verdict": "ok"}),
    ("result = {(1, 2): 3}", error("result is not JSON serialisable: TypeError: keys must be str…")),
    ("result = []; result.append(result)",
     error("result is not JSON serialisable: ValueError: Circular reference detected", stderr="")),
    ("class A:\n def __str__(self): raise RuntimeError('no')\nresult = A()",
     error("result is not JSON serialisable: RuntimeError: no")),
    ("class A:\n def __str__(self): raise MemoryError\nresult = A()", {"verdict": "memory", "exit_code": 2}),
    ("class A:\n def __str__(self): raise SystemExit(0)\nresult = A()",
     error("result is not JSON serialisable: SystemExit: 0")),
    ("class A:\n def __str__(self): return 3\nresult = A()", error("result is not JSON serialisable: TypeError: …")),
    (TOO_DEEP % 899, {**OK, "json": "[" * 900 + "]" * 900}),
    (TOO_DEEP % 5000, {"verdict": "error", "exit_code": 1, "error": {"deep", "recursion"}}),
    (TOO_DEEP % 1000000, {"verdict": "error", "exit_code": 1}),
    ("result = 'x' * (2 << 20)",
     {"verdict": "output", "exit_code": 1, "error": "result is too large: 2097154 bytes, limit 1048576"}),
    ("result = ['x' * (1 << 20)]",
     {"verdict": "output", "error": "result is too large: 1048580 bytes, limit 1048576"}),
    ("result = 'x' * ((1 << 20) - 2)", {**OK, "verdict": "ok"}),
    ("result = 1\nraise SystemExit(3)", {"verdict": "ok", "exit_code": 3, "result": 1}),
    ("result = {(1,): 1}\nraise SystemExit(3)", {"verdict": "error", "exit_code": 1}),
    ("result = 1\nraise ValueError", {"verdict": "error", "json": None}),
    ("import enum\nclass C(enum.IntEnum): A = 1\nresult = C.A", {**OK, "json": "1"}),
    ("import collections; result = collections.OrderedDict(a=1)", {**OK, "json": '{"a": 1}'}),
    ("result = b'x'", {**OK, "json": '"b\'x\'"'}),
    ("result = ''", {**OK, "json": '""'}),
]  # fmt: skip  # noqa: E501


@pytest.mark.parametrize(("code", "expected"), RESULT, ids=lambda value: str(value)[:40])
def test_result(zygote: Zygote, code: str, expected: dict[str, Any]) -> None:
    if expected.get("error") == {"deep", "recursion"}:
        answer = zygote.run(code)
        assert answer.verdict == "error" and answer.error
        assert "nested too deeply" in answer.error or "RecursionError" in answer.error
        return
    check(zygote.run(code), **expected)


# the end of a run
ENDING = [
    ("import threading\ndef f():\n threading.main_thread().join()\n print('thread')\n"
     "threading.Thread(target=f).start()\nprint('main')", {**OK, "stdout": "main\nthread\n"}),
    ("import atexit\natexit.register(print, 'two')\natexit.register(print, 'one')", {**OK, "stdout": "one\ntwo\n"}),
    ("import atexit, threading\natexit.register(print, 'atexit')\n"
     "threading.Thread(target=lambda: (threading.main_thread().join(), print('thread'))).start()", {**OK, "stdout": "thread\natexit\n"}),
    ("import atexit\natexit.register(lambda: 1 / 0)\nresult = 1", {**OK, "result": 1, "stderr": {"ZeroDivisionError"}}),
    ("import atexit\n@atexit.register\ndef f():\n global result\n result = 2\nresult = 1", {**OK, "result": 1}),
    ("import atexit\natexit.register(print, 'exit')\n1 / 0", {"verdict": "error", "stdout": "exit\n"}),
    ("import atexit\natexit.register(print, 'exit')\nraise SystemExit(4)", {"exit_code": 4, "stdout": "exit\n"}),
    ("import concurrent.futures as c, threading\nstarted = threading.Event()\ne = c.ThreadPoolExecutor(2)\n"
     "e.submit(lambda: (started.wait(), print('pool')))\nstarted.set()", {**OK, "stdout": "pool\n"}),
    ("import threading, time\nthreading.Thread(target=time.sleep, args=(30,), daemon=True).start()\nresult = 1",
     {**OK, "result": 1}),
    ("import threading\ndef f():\n while True: pass\nthreading.Thread(target=f, daemon=True).start()\nresult = 1",
     {**OK, "result": 1}),
    ("import weakref\nclass A: pass\na = A()\nweakref.finalize(a, print, 'finalised')", {**OK, "stdout": "finalised\n"}),
    ("class A:\n def __del__(self): print('deleted')\na = A()", {**OK, "stdout": ""}),
    ("import threading\nresult = [threading.active_count(), threading.current_thread() is threading.main_thread()]",
     {**OK, "result": [1, True]}),
    ("import signal; result = len(signal.pthread_sigmask(signal.SIG_BLOCK, []))", {**OK, "result": 0}),
    ("import signal, os\ndef h(*a): print('handled')\nsignal.signal(signal.SIGUSR1, h)\nos.kill(os.getpid(), signal.SIGUSR1)",
     {**OK, "stdout": "handled\n"}),
    ("import signal, os\ndef h(*a): raise ValueError('from handler')\nsignal.signal(signal.SIGUSR1, h)\n"
     "os.kill(os.getpid(), signal.SIGUSR1)", error("ValueError: from handler")),
    ("import os\nif os.fork() == 0: raise SystemExit(7)\nresult = os.waitpid(-1, 0)[1] >> 8", {**OK, "result": 7}),
    ("import os\nresult = os.fork() and 1 or 2", {**OK, "result": 1}),
    ("import sys\nsys.excepthook = lambda t, v, tb: print('hook', v, file=sys.stderr)\nraise ValueError(1)",
     error("ValueError: 1", stderr="hook 1\n")),
    ("import sys\nsys.excepthook = lambda *a: 1 / 0\nraise ValueError('original')",
     error("ValueError: original", stderr={"Error in sys.excepthook:\n", "ZeroDivisionError", "\nOriginal exception was:\n",
                                           "ValueError: original"})),
    ("import sys\ndel sys.excepthook\nraise ValueError(1)", error("ValueError: 1", stderr={"ValueError: 1\n"})),
    ("import ctypes; ctypes.CDLL(None).printf(b'from C\\n')", OK),
]  # fmt: skip  # noqa: E501


@pytest.mark.parametrize(("code", "expected"), ENDING, ids=lambda value: str(value)[:40])
def test_ending(zygote: Zygote, code: str, expected: dict[str, Any]) -> None:
    check(zygote.run(code), **expected)


# code that leaves ruins
HOSTILE = [
    ("import sys\nsys.stdout = sys.stderr = object()\nresult = 1", {**OK, "result": 1}),
    ("import sys\nsys.stdout = sys.stderr = object()\n1 / 0", error("ZeroDivisionError: …", stderr={"    1 / 0\n"})),
    ("import sys\nclass F:\n def write(self, s): raise MemoryError\n flush = write\nsys.stdout = sys.stderr = F()\n1 / 0",
     error("ZeroDivisionError: …", stderr={"    1 / 0\n"})),
    ("import sys\ndel sys.stdout, sys.stderr\n1 / 0", error("ZeroDivisionError: …", stderr={"ZeroDivisionError"})),
    ("import sys\nsys.stderr = None\n1 / 0", error("ZeroDivisionError: …")),
    ("import sys\nsys.modules.clear()\nresult = 1", {**OK, "result": 1}),
    ("import sys\nsys.modules.clear()\n1 / 0", error("ZeroDivisionError: …", stderr={"ZeroDivisionError"})),
    ("import sys\nsys.modules = None\nresult = 1", {**OK, "result": 1}),
    ("import sys\nsys.__dict__.clear()\nresult = 1", {**OK, "result": 1}),
    ("import sys\nsys.__dict__.clear()\n1 / 0", error("ZeroDivisionError: …")),
    ("print.__self__.__dict__.clear()\nresult = 1", {**OK, "result": 1}),
    ("print.__self__.__dict__.clear()\n1 / 0", error("ZeroDivisionError: …", stderr={"ZeroDivisionError"})),
    ("__builtins__.clear()\nresult = 1", {**OK, "result": 1}),
    ("globals().clear()", {**OK, "json": None}),
    ("import sys\nsys.setrecursionlimit(40)\nresult = [[[1]]]", {**OK, "result": [[[1]]]}),
    ("import sys\nsys.setrecursionlimit(40)\n1 / 0", error("ZeroDivisionError: …", stderr={"    1 / 0\n"})),
    ("import json, io, traceback, linecache\n"
     "json.dumps = json.JSONEncoder.encode = lambda *a, **k: 'FORGED'\njson.encoder.c_make_encoder = None\n"
     "io.StringIO.getvalue if 0 else 0\nresult = 1", {**OK, "result": 1}),
    ("import traceback\ntraceback.TracebackException = None\n1 / 0", error("ZeroDivisionError: …", stderr={"ZeroDivisionError"})),
    ("import linecache\nlinecache.cache = 3\n1 / 0", error("ZeroDivisionError: …", stderr={"ZeroDivisionError"})),
    ("import sys\nsys.settrace(lambda *a: None)\nsys.setprofile(lambda *a: 1 / 0)\nresult = 1", {"exit_code": 1}),
    ("import sys\nsys.excepthook = sys.unraisablehook = lambda *a: 1 / 0\nsys.setprofile(lambda *a: None)\n"
     "sys.settrace(lambda *a: None)\nresult = 1", {**OK, "result": 1}),
    ("import sys\nif hasattr(sys, 'monitoring'):\n m = sys.monitoring\n m.use_tool_id(2, 'x')\n"
     " m.register_callback(2, m.events.LINE, lambda *a: 1 / 0)\n m.register_callback(2, m.events.PY_START, lambda *a: 1 / 0)\n"
     " import atexit\n atexit.register(lambda: print('atexit'))\n m.set_events(2, m.events.PY_START)\nresult = 1", OK),
    ("import signal\ndef boom(*a): raise KeyboardInterrupt('late')\n"
     "for s in (signal.SIGALRM, signal.SIGPROF): signal.signal(s, boom)\n"
     "signal.setitimer(signal.ITIMER_REAL, 0.002, 0.0005)\nresult = {'a': list(range(20000))}", {}),
    ("import os\nkeep = []\ntry:\n while len(keep) < 20000: keep.append(os.dup(0))\nexcept OSError: pass\nresult = 1",
     {**OK, "result": 1}),
    ("import os\nkeep = []\ntry:\n while len(keep) < 20000: keep.append(os.dup(0))\nexcept OSError: pass\n1 / 0",
     error("ZeroDivisionError: …", stderr={"    1 / 0\n"})),
    ("import os, resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))\nresult = 'x' * 1000", {**OK, "result": "x" * 1000}),
    ("import atexit; atexit._clear(); atexit.register(None.__class__); result = 1", {**OK, "result": 1}),
    ("import threading; threading._shutdown = lambda: 1 / 0; result = 1", {**OK, "result": 1}),
    ("import threading; threading._main_thread = None; result = 1", {**OK, "result": 1}),
    ("import gc\nfor o in gc.get_objects():\n if type(o) is dict and 'spr_never' in o: pass\nresult = 1", {**OK, "result": 1}),
    ("import gc; gc.disable(); gc.set_threshold(1); result = 1", {**OK, "result": 1}),
    ("class D(dict):\n def items(self): return [(1, 2)]\nresult = D(a=1)", {**OK, "verdict": "ok"}),
    ("result = type('S', (str,), {'__len__': lambda s: 10**9, '__str__': None})('abc')", {**OK, "result": "abc"}),
    ("printed = type('S', (str,), {'__len__': lambda s: 10**9, '__str__': None})('abc')", {**OK, "stdout": "abc"}),
    ("a = None\nfor i in range(1000000): a = (a,)\nresult = 1", {**OK, "result": 1}),
    ("__import__.__self__; result = 1", {**OK, "result": 1}),
    ("__import__.__init__(); result = 1", {"exit_code": 0}),
    ("import sys, types\nsys.modules['traceback'] = types.ModuleType('traceback')\n1 / 0",
     error("ZeroDivisionError: …", stderr={"    1 / 0\n"})),
]  # fmt: skip  # noqa: E501


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
