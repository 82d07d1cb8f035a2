# SPDX-License-Identifier: MIT
"""RunnerPolicy: what the code may do and how much it may use."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import Any

from ._spr import Policy
from .result import RunnerResult

__all__ = ["RunnerPolicy", "RunnerResult"]


@dataclass(slots=True)
class RunnerPolicy:
    """The guardrails and limits of a run.

    ``restrict`` blocks what the ``blocked_*`` lists name, ``allow`` permits only what the
    ``allowed_*`` lists name. The values are checked when a run starts (see spr-policy(5)): a wrong
    type or an absurd number raises :class:`~safe_py_runner.errors.PolicyError`, a ValueError.

    Attributes:
        timeout_seconds: wall-clock time; fractions count; above 0, at most a day.
        memory_limit_mb: what the code may use beyond the warm interpreter, in MiB.
        max_output_kb: how much of stdout, and of stderr, is kept from the start, in KiB.
        extra_globals: more names for the code; values as JSON, ``str()`` for what JSON lacks.
        config_path: a policy file; when set, it replaces every other field at the run.
        min_isolation: the level of isolation (``none``, ``process``, ``kernel``, ``full``) below
            which a run is refused, with exit code 126.
        allow_processes: whether the code may start processes.
        max_processes: how many processes and threads it may have at a time; 1 to 4096.
        cpu_seconds: processor time, on all cores together; fractions count; 0: no limit but
            ``timeout_seconds``. A run that exceeds it is timed out, ``killed_by`` is ``cpu``.
        max_file_mb: how large one file may become, in MiB.
        disk_mb: how much fits into the private ``/tmp``, in MiB. Where there can be none, a run
            whose files hold more is killed; ``killed_by`` is ``disk``.
        env: environment variables the code finds.
        read_only_paths: absolute paths of the host that the code may read.
        network: ``none``, or ``host`` to let the code use the network of the host.
        proc: whether the code finds a ``/proc``, of its own processes.
    """

    mode: str = "restrict"
    timeout_seconds: float = 5
    memory_limit_mb: int = 256
    max_output_kb: int = 128
    allowed_imports: list[str] = field(default_factory=list)
    blocked_imports: list[str] = field(
        default_factory=lambda: ["os", "subprocess", "socket", "ctypes", "importlib"]
    )
    allowed_builtins: list[str] = field(default_factory=list)
    blocked_builtins: list[str] = field(
        default_factory=lambda: ["eval", "exec", "open", "compile", "breakpoint"]
    )
    allowed_globals: list[str] = field(default_factory=list)
    blocked_globals: list[str] = field(default_factory=list)
    extra_globals: dict[str, Any] = field(default_factory=dict)
    config_path: str | None = None
    min_isolation: str = "kernel"
    allow_processes: bool = False
    max_processes: int = 64
    cpu_seconds: float = 0
    max_file_mb: int = 128
    disk_mb: int = 128
    env: dict[str, str] = field(default_factory=dict)
    read_only_paths: list[str] = field(default_factory=list)
    network: str = "none"
    proc: bool = False

    def __post_init__(self) -> None:
        if self.mode not in ("allow", "restrict"):
            raise ValueError(f"mode must be 'allow' or 'restrict', not {self.mode!r}")

    @classmethod
    def from_file(cls, config_path: str | os.PathLike[str]) -> RunnerPolicy:
        """Read a policy file: TOML, or JSON where the name ends in ``.json``.

        Missing numbers and ``mode`` take the defaults; missing lists are empty.

        Raises:
            FileNotFoundError: the file does not exist.
            PolicyError: (a ValueError) file, line and key of what is wrong.
        """
        path = os.fspath(config_path)
        os.stat(path)  # its errors name the file and are OSErrors, as for open()
        fields: dict[str, Any] = json.loads(Policy.from_file(path).to_json())
        return cls(**fields, config_path=path)

    @classmethod
    def preset(cls, name: str, **changes: Any) -> RunnerPolicy:
        """A policy to begin from: ``strict``, ``default``, ``data``, ``judge`` or ``open``.

        A policy file begins from one with ``extends = "data"``; ``spr policy show --policy-preset
        data`` prints it.

        Args:
            name: the preset.
            changes: fields with other values than the preset's.

        Raises:
            PolicyError: (a ValueError) there is no preset of that name.
        """
        fields: dict[str, Any] = json.loads(Policy.from_preset(name).to_json())
        return cls(**{**fields, **changes})
