# SPDX-License-Identifier: MIT
"""Tables: how code ends, what it may import, what it finds in its globals."""

from __future__ import annotations

from expect import OK, error, leaves, policy, refused

from agent import DEFAULT_POLICY, FREE_POLICY

# how the code ends
OUTCOMES = [
    ("result = 6 * 7", {**OK, "result": 42, "stdout": "", "stderr": ""}),
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
        "class Bad:\n"
        " def __str__(self): raise RuntimeError('no text')\n"
        "result = 1\n"
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
        "class M(type):\n"
        " __qualname__ = property(lambda c: 1 / 0)\n"
        "class E(Exception, metaclass=M): pass\n"
        "raise E(1)",
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
            "SyntaxError: invalid syntax",
            stderr={'"program.py", line 1', "x = =", "^"},
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
    ("(" * 5000 + ")" * 5000, {"verdict": "error", "exit_code": 1}),
    ("1" + "+1" * 100 + "; result = 2", {**OK, "result": 2}),
]


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
    (
        "try:\n import os\nexcept ImportError as e: result = [str(e), e.name]",
        None,
        {**OK, "result": ["Import 'os' is blocked by policy", "os"]},
    ),
    (
        "try:\n import os\nexcept ImportError as e: result = type(e) is ImportError",
        None,
        {**OK, "result": True},
    ),
    # only a refusal that ends the run is 'denied'
    (
        "raise ImportError(\"Import 'os' is blocked by policy\", name='os')",
        None,
        error("ImportError: Import 'os' is blocked by policy"),
    ),
    (
        "try:\n import os\nexcept ImportError as e: raise ValueError(1) from e",
        None,
        error("ValueError: 1"),
    ),
    ("raise ImportError('x', name=[])", None, error("ImportError: x")),
    (
        "import nonsense_module",
        None,
        error("ModuleNotFoundError: No module named 'nonsense_module'"),
    ),
    (
        "class S(str):\n"
        " __eq__ = lambda *a: False\n"
        " __hash__ = lambda s: 1\n"
        " def split(self, *a): return ['math']\n"
        "__import__(S('os'))",
        None,
        refused("os"),
    ),
    ("def f():\n import os\nf()", None, refused("os", stderr={"in f\n", "in <module>\n"})),
    (
        "__import__('os' + '.a' * 100000)",
        policy(blocked_imports=["os.a.a", "x"]),
        {"verdict": "denied"},
    ),
    ("for i in range(3000):\n try: __import__('os.m%d' % i)\n except ImportError: pass", None, OK),
]


ALLOW = policy("allow", allowed_builtins=["print", "len", "super"], allowed_globals=["a"])

# globals and builtins
GLOBALS = [
    ("result = [__name__, input_data]", "", None, {**OK, "result": ["__main__", {}]}),
    *[
        ("result = input_data", text, None, {**OK, "result": {}})
        for text in ("null", "[]", "0", '""', "false", "{}", " 0.0 ", "-0")
    ],
    ("result = input_data", "[1]", None, {**OK, "result": [1]}),
    ("result = input_data", '"x"', None, {**OK, "result": "x"}),
    ("result = x + y", '{"x": 1, "y": 2}', None, {**OK, "result": 3}),
    (
        "result = [x, input_data['x']]",
        '{"x": 1}',
        policy(extra_globals={"x": 2}),
        {**OK, "result": [2, 1]},
    ),
    (
        "result = [n in globals() for n in ('_p', 'a-b', '1', 'ok')]",
        '{"_p": 1, "a-b": 1, "1": 1, "ok": 1, "": 1}',
        None,
        {**OK, "result": [False] * 3 + [True]},
    ),
    (
        "result = isinstance(input_data, dict)",
        '{"input_data": 1, "result": 2, "__builtins__": 3}',
        None,
        {**OK, "result": True},
    ),
    ("result", '{"result": 5}', None, {**OK, "json": None}),
    (
        "result = ['x' in globals(), 'y' in globals()]",
        '{"x": 1, "y": 1}',
        policy(blocked_globals=["x"]),
        {**OK, "result": [False, True]},
    ),
    (
        "result = ['x' in globals(), 'y' in globals()]",
        '{"x": 1, "y": 1}',
        policy("allow", allowed_globals=["x"], allowed_builtins=["globals"]),
        {**OK, "result": [True, False]},
    ),
    (
        "result = 'x' in globals()",
        "",
        policy(blocked_globals=["x"], extra_globals={"x": 1}),
        {**OK, "result": False},
    ),
    *[
        (
            "",
            "",
            policy(extra_globals={name: 1}),
            error(f"extra_globals must not replace '{name}'"),
        )
        for name in ("input_data", "result", "__builtins__")
    ],
    ("if __name__ == '__main__': result = 1", "", None, {**OK, "result": 1}),
    (
        "import pickle\nclass A: x = 1\nresult = pickle.loads(pickle.dumps(A())).x",
        "",
        None,
        {**OK, "result": 1},
    ),
    ("import __main__; x = 4; result = __main__.x", "", None, {**OK, "result": 4}),
    ("import sys; result = sys.argv", "", None, {**OK, "result": ["program.py"]}),
    ("import sys; result = sys._getframe().f_back is None", "", None, {**OK, "result": True}),
    (
        "import sys; result = [n for n in dir(sys) if n.startswith('last_')]",
        "",
        None,
        {**OK, "result": []},
    ),
    # builtins
    *[
        (f"{name}", "", DEFAULT_POLICY, error(f"NameError: name '{name}' is not defined"))
        for name in ("eval", "exec", "open", "compile", "breakpoint")
    ],
    (
        "result = [n in globals()['__builtins__'] for n in ('license', '__loader__', '__spec__')]",
        "",
        FREE_POLICY,
        {**OK, "result": [False] * 3},
    ),
    (
        "result = [len([1]), __debug__, __name__]\nclass A: pass\n",
        "",
        ALLOW,
        {**OK, "result": [1, True, "__main__"]},
    ),
    ("range(3)", "", ALLOW, error("NameError: name 'range' is not defined")),
    ("result = a", '{"a": 1, "b": 1}', ALLOW, {**OK, "result": 1}),
    ("b", '{"a": 1, "b": 1}', ALLOW, error("NameError: name 'b' is not defined")),
    (
        "class A:\n"
        " def f(self): return 1\n"
        "class B(A):\n"
        " def f(self): return super().f()\n"
        "result = B().f()",
        "",
        ALLOW,
        {**OK, "result": 1},
    ),
    # inputs
    ("", "{", None, error("input is not JSON: …")),
    ("", "[1] x", None, error("input is not JSON: …")),
    ("", "   ", None, error("input is not JSON: …")),
    ("", b'"\xff"', None, error("input is not JSON: …")),
    ("", "[" * 10000 + "]" * 10000, None, error("input is nested too deeply: …")),
    ("result = len(str(input_data))", "[" * 900 + "]" * 900, None, {**OK, "result": 1800}),
    (
        "result = [x != x, y]",
        '{"x": NaN, "y": -Infinity}',
        None,
        {**OK, "json": "[true, -Infinity]"},
    ),
    ("result = x", '{"x": "\\ud800"}', None, {**OK, "json": '"\\ud800"'}),
    ("result = x", '{"x": "é☃"}', None, {**OK, "result": "é☃"}),
    ("result = x * 2", '{"x": ' + str(2**100) + "}", None, {**OK, "result": 2**101}),
    ("result = type(x).__name__", '{"x": 1.0}', None, {**OK, "result": "float"}),
    ("", "1" * 100000, None, {"exit_code": 1}),
]
