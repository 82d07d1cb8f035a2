# SPDX-License-Identifier: MIT
"""libspr by ctypes, and what a machine holds beside it: for the long tests of this directory.

SPR_BUILD names the build directory (default: build).
"""

from __future__ import annotations

import ctypes as c
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BUILD = Path(os.environ.get("SPR_BUILD", Path(__file__).resolve().parents[2] / "build"))
PYTHON = "/usr/bin/python3"
E_EMPTY = 6  # SPR_E_EMPTY


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
        "engine_options_add_preload": (c.c_int, pointer, text),
        "engine_options_set_standbys": (c.c_int, pointer, c.c_uint32),
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
        "result_get_wall_ns": (number, pointer),
        "result_get_layer": (text, pointer, c.c_size_t),
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
    wall_seconds: float
    layers: list[str]


def _bytes(get: Any, result: c.c_void_p) -> bytes | None:
    length = c.c_size_t()
    start = get(result, c.byref(length))
    return None if start is None else c.string_at(start, length.value)


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode()


def _layers(result: c.c_void_p) -> Iterator[str]:
    index = 0
    while layer := _spr.spr_result_get_layer(result, index):
        yield layer.decode()
        index += 1


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
            wall_seconds=_spr.spr_result_get_wall_ns(result) / 1e9,
            layers=list(_layers(result)),
        )
    finally:
        _spr.spr_result_free(result)


def _check(r: int, error: _Error | None = None) -> None:
    if r:
        raise LibraryError(f"{error.message.decode() if error else 'error'} ({r})")


def _request(code: str, policy: dict[str, Any]) -> c.c_void_p:
    request, native, error = c.c_void_p(), c.c_void_p(), _Error()
    source, text = code.encode(), json.dumps(policy).encode()
    _check(_spr.spr_request_new(c.byref(request)))
    _check(_spr.spr_request_set_code(request, source, len(source)))
    r = _spr.spr_policy_new_from_json(
        c.byref(native), text, len(text), b"policy", True, c.byref(error)
    )
    _check(r, error)
    _check(_spr.spr_request_set_policy(request, native))
    _spr.spr_policy_free(native)
    return request


class Engine:
    """An SprEngine over the built agent; run() from any thread. Closed by a `with` block."""

    def __init__(
        self, python: str = PYTHON, preload: Iterable[str] = (), standbys: int | None = None
    ) -> None:
        options, self._engine, error = c.c_void_p(), c.c_void_p(), _Error()
        _check(_spr.spr_engine_options_new(c.byref(options)))
        _check(_spr.spr_engine_options_set_python(options, python.encode()))
        _check(_spr.spr_engine_options_set_agent(options, bytes(BUILD / "spr-agent")))
        for module in preload:
            _check(_spr.spr_engine_options_add_preload(options, module.encode()))
        if standbys is not None:
            _check(_spr.spr_engine_options_set_standbys(options, standbys))
        r = _spr.spr_engine_new(c.byref(self._engine), options, c.byref(error))
        _spr.spr_engine_options_free(options)
        _check(r, error)

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._engine = c.c_void_p(_spr.spr_engine_free(self._engine))

    def start(self) -> None:
        error = _Error()
        _check(_spr.spr_engine_start(self._engine, c.byref(error)), error)

    def run(self, code: str, **policy: Any) -> Result:
        request, result, error = _request(code, policy), c.c_void_p(), _Error()
        r = _spr.spr_engine_run(self._engine, request, c.byref(result), c.byref(error))
        _spr.spr_request_free(request)
        _check(r, error)
        return _take(result)

    def post(self, code: str, **policy: Any) -> int:
        request, run_id, error = _request(code, policy), c.c_uint64(), _Error()
        r = _spr.spr_engine_post(self._engine, request, c.byref(run_id), c.byref(error))
        _spr.spr_request_free(request)
        _check(r, error)
        return run_id.value

    def cancel(self, run_id: int) -> None:
        _spr.spr_engine_cancel(self._engine, run_id)

    def fileno(self) -> int:
        return int(_spr.spr_engine_get_fd(self._engine))

    def completed(self) -> Iterator[Result]:
        """What has completed by now; select() on the engine tells when to ask again."""
        error, result = _Error(), c.c_void_p()
        _check(_spr.spr_engine_dispatch(self._engine, c.byref(error)), error)
        while (r := _spr.spr_engine_pop(self._engine, c.byref(result))) == 0:
            yield _take(result)
        if r != E_EMPTY:
            _check(r)
