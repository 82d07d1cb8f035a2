# SPDX-License-Identifier: MIT
"""A Debian 12 beside this machine, and what of this checkout goes in: for tests/vm, tests/docker.

The Debian is a directory that debootstrap makes once. SPR_TEST_CACHE says where it is kept (default:
~/.cache/safe-py-runner-tests), SPR_TEST_MIRROR where it comes from. In a guest the checkout and its
build stand at the paths they have here, so that what the build has noted down is true there, too.
"""

from __future__ import annotations

import fcntl
import hashlib
import inspect
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BUILD = Path(os.environ.get("SPR_BUILD", ROOT / "build")).resolve()
VENV = (ROOT / ".venv").resolve()
CACHE = Path(os.environ.get("SPR_TEST_CACHE", Path.home() / ".cache/safe-py-runner-tests"))
MIRROR = os.environ.get("SPR_TEST_MIRROR", "http://deb.debian.org/debian")
RELEASE = "bookworm"  # kernel 6.1: cgroup v2, ABI 2 of Landlock; Python 3.11
USER = "spr-test"
PACKAGES = [
    "iproute2",
    "kmod",
    "libcmocka0",
    "libjansson4",
    "linux-image-cloud-amd64",
    "procps",
    "python3",
    "python3-numpy",
]
ENVIRONMENT = {
    "LANG": "C.UTF-8",
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "PYTHONDONTWRITEBYTECODE": "1",
    "SPR_BUILD": str(BUILD),
}
# Of .venv: pytest and the package. The rest is there to build things and to judge sources.
FROM_VENV = ["_pytest", "iniconfig", "packaging", "pluggy", "pygments", "pytest", "safe_py_runner"]


def say(text: str) -> None:
    print(f"{Path(sys.argv[0]).parent.name}: {text}", file=sys.stderr, flush=True)


def end_in_order() -> None:
    """SIGTERM ends this program as an exception does, and with it what it has started."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def need_programs(packages: dict[str, str]) -> None:
    """Installs what this machine lacks: programs, and the package of each."""
    places = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    missing = [name for program, name in packages.items() if not shutil.which(program, path=places)]
    if not missing:
        return
    say(f"installing {' '.join(missing)}")
    quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    apt = ["apt-get", "-q", "-o", "DPkg::Lock::Timeout=600"]
    for verb in (["update"], ["-y", "--no-install-recommends", "install", *missing]):
        subprocess.run([*apt, *verb], check=True, env=quiet, stdout=sys.stderr)


def _make_debian(place: Path) -> None:
    need_programs({"debootstrap": "debootstrap"})
    say(f"making a Debian in {place}: a few minutes, once")
    command = ["unshare", "--mount"]  # what it mounts goes with it, even if it is killed
    command += ["debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}"]
    with open(CACHE / "debootstrap.log", "w") as log:
        subprocess.run([*command, RELEASE, str(place), MIRROR], check=True, stdout=log)
    subprocess.run(["chroot", str(place), "useradd", "-m", USER], check=True)
    (place / "root").chmod(0o755)  # a checkout below it is for every user of the guest
    shutil.rmtree(place / "var/cache/apt/archives")


@contextmanager
def cached_debian() -> Iterator[Path]:
    """The Debian's directory, root/ in a directory for what is made of it; locked meanwhile."""
    recipe = [RELEASE, *PACKAGES, inspect.getsource(_make_debian)]
    place = CACHE / f"debian-{hashlib.sha256(repr(recipe).encode()).hexdigest()[:12]}"
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(CACHE / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.exists():
            for old in CACHE.glob("debian-*"):
                shutil.rmtree(old)
            half_made = CACHE / "debian-new"
            half_made.mkdir()
            _make_debian(half_made / "root")
            half_made.rename(place)
        yield place


def _copy_venv(place: Path) -> None:
    (place / "bin").mkdir(parents=True)
    (place / "bin/python").symlink_to("/usr/bin/python3")
    shutil.copy2(VENV / "pyvenv.cfg", place)
    for source in VENV.glob("lib/python3.*/site-packages/*"):
        # a package, its list of files, or what an editable installation leaves
        if source.name.split("-")[0] in FROM_VENV:
            target = place / source.relative_to(VENV)
            copy = shutil.copytree if source.is_dir() else shutil.copy2
            target.parent.mkdir(parents=True, exist_ok=True)
            copy(source, target)


def _copy_build(place: Path) -> None:
    """Programs, libraries and unit tests, without the objects they are made of."""
    unwanted = shutil.ignore_patterns("*.p", "*.a", "meson-*", "*.json", "*.ninja", ".ninja*")
    shutil.copytree(BUILD, place, symlinks=True, ignore=unwanted)


def copy_checkout(place: Path) -> list[Path]:
    """Copies checkout, build and .venv below a directory; the paths that they shall have."""
    unwanted = shutil.ignore_patterns(".git", ".venv", "build", "build-*", "__pycache__")
    shutil.copytree(ROOT, place / ROOT.relative_to("/"), symlinks=True, ignore=unwanted)
    _copy_venv(place / ROOT.relative_to("/") / ".venv")
    _copy_build(place / BUILD.relative_to("/"))
    return [ROOT] if BUILD.is_relative_to(ROOT) else [ROOT, BUILD]
