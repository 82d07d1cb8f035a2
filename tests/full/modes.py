# SPDX-License-Identifier: MIT
"""Who may start the agent: root, an ordinary user, and either where namespaces are refused."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from library import BUILD

HERE = Path(__file__).resolve().parent
USER = "spr-test"


class Mode(NamedTuple):
    title: str
    command: list[str]
    environment: dict[str, str]


def _copy(place: Path, account: pwd.struct_passwd) -> None:
    """tests/ and what they need of the build, for a user who may not read ours."""
    shutil.copytree(HERE.parent, place / "tests")
    (place / "build").mkdir()
    for source in (BUILD / "spr", BUILD / "spr-agent", *BUILD.glob("libspr.so*")):
        if source.is_file():
            shutil.copy2(source, place / "build")
    for path in (place, *place.rglob("*")):
        os.chown(path, account.pw_uid, account.pw_gid, follow_symlinks=False)


def _refused(mode: Mode, tests: Path) -> Mode:
    tool = str(tests / "tools/without_namespaces.py")
    title = f"{mode.title}, no namespaces"
    return Mode(title, [sys.executable, tool, *mode.command], mode.environment)


def modes(program: str, *arguments: str) -> Iterator[Mode]:
    """How to start a program of this directory in each mode. A copy lives until the next one."""
    root = os.geteuid() == 0
    own = Mode("root" if root else "user", [str(HERE / program), *arguments], dict(os.environ))
    yield own
    yield _refused(own, HERE.parent)
    if not root:
        return
    subprocess.run(["useradd", "-m", USER], check=False, stderr=subprocess.DEVNULL)
    account = pwd.getpwnam(USER)
    with tempfile.TemporaryDirectory(prefix="spr-test.") as name:
        place = Path(name)
        _copy(place, account)
        become = ["setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}"]
        become += ["--clear-groups", "--", str(place / "tests/full" / program), *arguments]
        user = Mode("user", become, os.environ | {"SPR_BUILD": str(place / "build")})
        yield user
        yield _refused(user, place / "tests")
