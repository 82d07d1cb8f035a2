# SPDX-License-Identifier: MIT
"""What the tables of the worker's tests say of an answer."""

from __future__ import annotations

from typing import Any

from agent import Answer


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
