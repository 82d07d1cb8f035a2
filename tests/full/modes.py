# SPDX-License-Identifier: MIT
"""Who may start the agent: root, an ordinary user, and either where namespaces are refused.

Namespaces are refused in two ways: by a filter that answers EPERM, as in a plain container, and by
user.max_user_namespaces = 0, as for the ordinary user of a stock Ubuntu 24.04.
"""

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


def package() -> Path:
    """Where safe_py_runner is installed that the tests are about."""
    if place := os.environ.get("SPR_PACKAGE"):
        return Path(place) / "safe_py_runner"
    python = os.environ.get("SPR_HOST_PYTHON", str(BUILD.parent / ".venv/bin/python"))
    program = "import safe_py_runner; print(safe_py_runner.__path__[0])"
    return Path(subprocess.check_output([python, "-c", program], text=True).strip())


def _copy(place: Path, account: pwd.struct_passwd) -> None:
    """tests/ and what they need of the build, for a user who may not read ours."""
    shutil.copytree(HERE.parent, place / "tests")
    (place / "build").mkdir()
    for source in (BUILD / "spr", BUILD / "spr-agent", *BUILD.glob("libspr.so*")):
        if source.is_file():
            shutil.copy2(source, place / "build")
    (place / "package").mkdir()
    shutil.copytree(package(), place / "package/safe_py_runner")
    for path in (place, *place.rglob("*")):
        os.chown(path, account.pw_uid, account.pw_gid, follow_symlinks=False)


def _refused(mode: Mode, tests: Path) -> Mode:
    tool = str(tests / "tools/without_namespaces.py")
    title = f"{mode.title}, no namespaces"
    return Mode(title, [sys.executable, tool, *mode.command], mode.environment)


def _limited(mode: Mode) -> Mode:
    """The limit may be set in a user namespace of one's own only; then it holds in there."""
    script = 'echo 0 >/proc/sys/user/max_user_namespaces && exec setpriv --ambient-caps=-all "$@"'
    enter = ["unshare", "-U", "--map-current-user", "--keep-caps", "sh", "-c", script, "sh"]
    command = [*mode.command]
    if "--" in command:  # become the user first
        at = command.index("--") + 1
        command[at:at] = enter
    else:
        command = enter + command
    return Mode(f"{mode.title}, max_user_namespaces = 0", command, mode.environment)


def modes(program: str, *arguments: str, limit: bool = False) -> Iterator[Mode]:
    """How to start a program of this directory in each mode. A copy lives until the next one.

    With @limit also in those where the limit refuses namespaces.
    """
    root = os.geteuid() == 0
    own = Mode("root" if root else "user", [str(HERE / program), *arguments], dict(os.environ))
    yield own
    yield _refused(own, HERE.parent)
    if not root:
        if limit:
            yield _limited(own)
        return
    subprocess.run(["useradd", "-m", USER], check=False, stderr=subprocess.DEVNULL)
    account = pwd.getpwnam(USER)
    with tempfile.TemporaryDirectory(prefix="spr-test.") as name:
        place = Path(name)
        _copy(place, account)
        become = ["setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}"]
        become += ["--clear-groups", "--", str(place / "tests/full" / program), *arguments]
        places = {"SPR_BUILD": str(place / "build"), "SPR_PACKAGE": str(place / "package")}
        user = Mode("user", become, os.environ | places)
        yield user
        yield _refused(user, place / "tests")
        if limit:
            yield _limited(user)
