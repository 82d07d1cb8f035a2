# SPDX-License-Identifier: MIT
"""libspr by ctypes, and what a machine holds beside it: for the long tests of this directory.

SPR_BUILD names the build directory (default: build).
"""

from __future__ import annotations

import ctypes as c
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BUILD = Path(os.environ.get("SPR_BUILD", Path(__file__).resolve().parents[2] / "build"))
PYTHON = "/usr/bin/python3"
E_EMPTY = 6


class LibraryError(RuntimeError):
    """No run took place."""


class _Error(c.Structure):
    _fields_ = (("code", c.c_int), ("message", c.c_char * 1020))


def _load() -> c.CDLL:
    library = c.CDLL(str(BUILD / "libspr.so"))
    pointer, number, text = c.c_void_p, c.c_uint64, c.c_char_p
    signatures: dict[str, tuple[Any, ...]] = {
        "engine_options_new": (c.c_int, pointer),
        "engine_options_free": (pointer, pointer),
        "engine_options_set_python": (c.c_int, pointer, text),
        "engine_options_set_agent": (c.c_int, pointer, text),
        "engine_new": (c.c_int, pointer, pointer, pointer),
        "engine_free": (pointer, pointer),
        "engine_start": (c.c_int, pointer, pointer),
        "engine_run": (c.c_int, pointer, pointer, pointer, pointer),
        "engine_post": (c.c_int, pointer, pointer, pointer, pointer),
        "engine_get_fd": (c.c_int, pointer),
        "engine_dispatch": (c.c_int, pointer, pointer),
        "engine_pop": (c.c_int, pointer, pointer),
        "engine_cancel": (None, pointer, number),
        "request_new": (c.c_int, pointer),
        "request_free": (pointer, pointer),
        "request_set_code": (c.c_int, pointer, text, c.c_size_t),
        "request_set_policy": (c.c_int, pointer, pointer),
        "policy_new_from_json": (c.c_int, pointer, text, c.c_size_t, text, c.c_bool, pointer),
        "policy_free": (pointer, pointer),
        "result_free": (pointer, pointer),
        "result_get_run_id": (number, pointer),
        "result_get_ok": (c.c_bool, pointer),
        "result_get_exit_code": (c.c_int, pointer),
        "result_get_outcome_name": (text, pointer),
        "result_get_killed_by": (text, pointer),
        "result_get_error": (text, pointer),
        "result_get_json": (pointer, pointer, pointer),
        "result_get_stdout": (pointer, pointer, pointer),
        "result_get_stderr": (pointer, pointer, pointer),
        "result_get_stdout_total": (number, pointer),
    }
    for name, (returns, *arguments) in signatures.items():
        function = getattr(library, f"spr_{name}")
        function.restype, function.argtypes = returns, arguments
    return library


_spr = _load()


@dataclass(frozen=True)
class Result:
    """What the library said of a run; `json` is None for no result."""

    run_id: int
    ok: bool
    outcome: str
    exit_code: int
    killed_by: str | None
    error: str | None
    json: bytes | None
    stdout: bytes
    stderr: bytes
    stdout_total: int


def _bytes(get: Any, result: c.c_void_p) -> bytes | None:
    length = c.c_size_t()
    start = get(result, c.byref(length))
    return None if start is None else c.string_at(start, length.value)


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode()


def _take(result: c.c_void_p) -> Result:
    try:
        return Result(
            run_id=_spr.spr_result_get_run_id(result),
            ok=_spr.spr_result_get_ok(result),
            outcome=_spr.spr_result_get_outcome_name(result).decode(),
            exit_code=_spr.spr_result_get_exit_code(result),
            killed_by=_text(_spr.spr_result_get_killed_by(result)),
            error=_text(_spr.spr_result_get_error(result)),
            json=_bytes(_spr.spr_result_get_json, result),
            stdout=_bytes(_spr.spr_result_get_stdout, result) or b"",
            stderr=_bytes(_spr.spr_result_get_stderr, result) or b"",
            stdout_total=_spr.spr_result_get_stdout_total(result),
        )
    finally:
        _spr.spr_result_free(result)


class Engine:
    """An SprEngine over the built agent. Close it, or leave a `with` block."""

    def __init__(self, python: str = PYTHON) -> None:
        options, self._engine, self._error = c.c_void_p(), c.c_void_p(), _Error()
        self._check(_spr.spr_engine_options_new(c.byref(options)))
        self._check(_spr.spr_engine_options_set_python(options, python.encode()))
        self._check(_spr.spr_engine_options_set_agent(options, bytes(BUILD / "spr-agent")))
        r = _spr.spr_engine_new(c.byref(self._engine), options, c.byref(self._error))
        _spr.spr_engine_options_free(options)
        self._check(r)

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._engine = c.c_void_p(_spr.spr_engine_free(self._engine))

    def _check(self, r: int) -> None:
        if r:
            raise LibraryError(f"{self._error.message.decode()} ({r})")

    def _request(self, code: str, policy: dict[str, Any]) -> c.c_void_p:
        request, native = c.c_void_p(), c.c_void_p()
        source, text = code.encode(), json.dumps(policy).encode()
        error = c.byref(self._error)
        self._check(_spr.spr_request_new(c.byref(request)))
        self._check(_spr.spr_request_set_code(request, source, len(source)))
        self._check(
            _spr.spr_policy_new_from_json(c.byref(native), text, len(text), b"test", True, error)
        )
        self._check(_spr.spr_request_set_policy(request, native))
        _spr.spr_policy_free(native)
        return request

    def start(self) -> None:
        self._check(_spr.spr_engine_start(self._engine, c.byref(self._error)))

    def run(self, code: str, **policy: Any) -> Result:
        request, result = self._request(code, policy), c.c_void_p()
        r = _spr.spr_engine_run(self._engine, request, c.byref(result), c.byref(self._error))
        _spr.spr_request_free(request)
        self._check(r)
        return _take(result)

    def post(self, code: str, **policy: Any) -> int:
        request, run_id = self._request(code, policy), c.c_uint64()
        r = _spr.spr_engine_post(self._engine, request, c.byref(run_id), c.byref(self._error))
        _spr.spr_request_free(request)
        self._check(r)
        return run_id.value

    def cancel(self, run_id: int) -> None:
        _spr.spr_engine_cancel(self._engine, run_id)

    def fileno(self) -> int:
        return int(_spr.spr_engine_get_fd(self._engine))

    def completed(self) -> Iterator[Result]:
        """What has completed by now; select() on the engine tells when to ask again."""
        self._check(_spr.spr_engine_dispatch(self._engine, c.byref(self._error)))
        result = c.c_void_p()
        while (r := _spr.spr_engine_pop(self._engine, c.byref(result))) == 0:
            yield _take(result)
        if r != E_EMPTY:
            self._check(r)
