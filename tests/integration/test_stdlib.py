# SPDX-License-Identifier: MIT
"""The quick ones of the standard library's own tests; tests/full/stdlib has them all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from stdlib_suite import ABOUT, QUICK, differences, inside, listed, outside, policy

Value = Callable[..., Any]


@pytest.mark.parametrize("module", QUICK)
def test_comes_to_the_same_inside(value: Value, interpreter: str, module: str) -> None:
    def run(code: str, input_data: Any, fields: dict[str, Any]) -> Any:
        return value(f"input_data = {input_data!r}\n{code}", **fields)

    about = run(ABOUT, None, policy("default"))
    expected = outside(interpreter, about, module)
    assert not expected.missing()
    found = inside(run, module, "default")
    known = listed("default")
    assert [each for each in differences(expected, found) if each.test_id not in known] == []
