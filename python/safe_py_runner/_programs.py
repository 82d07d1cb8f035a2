# SPDX-License-Identifier: MIT
"""Where the native programs of this package are."""

from __future__ import annotations

import os
import sys
import sysconfig
from pathlib import Path
from typing import NoReturn

__all__ = ["agent_path", "exec_spr", "main"]


def agent_path() -> str:
    """The spr-agent beside the extension. That it is missing shows when it is started."""
    from . import _spr

    return str(Path(_spr.__file__).with_name("spr-agent"))


def _spr_candidates() -> list[str]:
    """Where installers put scripts: this environment's, the user's, those of --target."""
    directories = [
        sysconfig.get_path("scripts"),
        sysconfig.get_path("scripts", sysconfig.get_preferred_scheme("user")),
        str(Path(__file__).parents[1] / "bin"),
    ]
    return [os.path.join(directory, "spr") for directory in directories]


def exec_spr() -> NoReturn:
    """Become the native spr with this process's arguments."""
    for path in _spr_candidates():
        if os.access(path, os.X_OK):
            os.execv(path, ["spr", *sys.argv[1:]])
    sys.exit("spr: the native command was not found: reinstall safe-py-runner")


def main() -> NoReturn:
    """python -m spr: the verbs for containers are of Python, the others of the native spr."""
    from . import _container_verbs

    if _container_verbs.is_container_verb(sys.argv[1:]):
        sys.exit(_container_verbs.main())
    exec_spr()
