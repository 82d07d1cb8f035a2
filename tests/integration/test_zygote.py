# SPDX-License-Identifier: MIT
"""What a run inherits from the zygote it was forked from, and what it must not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Value = Callable[..., Any]

FREE: dict[str, Any] = {"blocked_imports": [], "blocked_builtins": []}

CTYPES = """
import ctypes
make = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)
"""

CFFI = """
try:
    import cffi
except ImportError:
    make = None  # not in this environment
else:
    from functools import partial
    make = partial(cffi.FFI().callback, "int(int)")
"""

THOUSAND = """
def thousand():
    return [make(lambda x, i=i: x + i) for i in range(1000)]

if make:
    for _ in range(3):  # what one round frees, the next one finds
        callbacks = thousand()
        assert sum(each(1) for each in callbacks) == 500500
        del callbacks, _
result = True
"""


@pytest.mark.parametrize("library", [CTYPES, CFFI], ids=["ctypes", "cffi"])
def test_a_thousand_callbacks(value: Value, library: str) -> None:
    assert value(library + THOUSAND, **FREE)


def test_callbacks_of_both_libraries_at_once(value: Value) -> None:
    code = f"{CTYPES}{THOUSAND}\nkeep = thousand()\n{CFFI}{THOUSAND}"
    assert value(code, **FREE)
