# SPDX-License-Identifier: MIT
"""The standard library's own tests, inside a run and outside: what each of them came to.

Debian has them in a package of their own, libpython3.11-testsuite, without those of sqlite3.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

LIST = Path(__file__).with_name("stdlib-differences.txt")
PROFILES = ("default", "processes")
# Those that CI runs at every change, in a few seconds
QUICK = ("csv", "dataclasses", "json", "pathlib", "tempfile")
MODULES = {
    "asyncio tasks": ["test.test_asyncio.test_tasks"],
    "collections": ["test.test_collections", "test.test_deque", "test.test_defaultdict"],
    "csv": ["test.test_csv"],
    "dataclasses": ["test.test_dataclasses"],
    "datetime": ["test.test_datetime"],
    "decimal": ["test.test_decimal"],
    "hashlib": ["test.test_hashlib"],
    "io": ["test.test_io", "test.test_memoryio", "test.test_fileio"],
    "itertools": ["test.test_itertools"],
    "json": ["test.test_json"],
    "math": ["test.test_math"],
    "pathlib": ["test.test_pathlib"],
    "pickle": ["test.test_pickle"],
    "random": ["test.test_random"],
    "re": ["test.test_re"],
    "sqlite3": ["test.test_sqlite3"],
    "statistics": ["test.test_statistics"],
    "tempfile": ["test.test_tempfile"],
    "threading": ["test.test_threading"],
    "typing": ["test.test_typing"],
    "zipfile": ["test.test_zipfile"],
}
EVERYTHING = {
    "mode": "restrict",
    "blocked_imports": [],
    "blocked_builtins": [],
    "timeout_seconds": 900,
    "memory_limit_mb": 2048,
    "disk_mb": 1024,
    "max_file_mb": 4096,  # of holes
}

# Runs on both sides. The words of one id are those of its worst part: a test of a class that is
# run twice, or one with subtests. No resource is enabled, as in regrtest without -u.
CODE = r"""
import sys, traceback, unittest
from test import support

support.use_resources = []
RANK = ["pass", "skip", "expected failure", "unexpected success", "fail", "error"]
results, words = {}, {}

class Recorder(unittest.TestResult):
    def note(self, test, result, text=""):
        test_id = getattr(test, "test_case", test).id()
        if RANK.index(result) >= RANK.index(results.get(test_id, "pass")):
            results[test_id] = result
            words[test_id] = text

    def startTest(self, test):
        super().startTest(test)
        print(test.id(), file=log, flush=True)

    def addSuccess(self, test):
        self.note(test, "pass")

    def addSkip(self, test, reason):
        self.note(test, "skip", reason)

    def addFailure(self, test, info, result="fail"):
        self.note(test, result, "".join(traceback.format_exception(*info))[-2000:])

    def addError(self, test, info):
        self.addFailure(test, info, "error")

    def addExpectedFailure(self, test, info):
        self.addFailure(test, info, "expected failure")

    def addUnexpectedSuccess(self, test):
        self.note(test, "unexpected success")

    def addSubTest(self, test, subtest, info):
        if info:
            failed = issubclass(info[0], test.failureException)
            self.addFailure(test, info, "fail" if failed else "error")

log = sys.stderr
suite = unittest.defaultTestLoader.loadTestsFromNames(input_data)
suite.run(Recorder())
words = {key: text for key, text in words.items() if text}
result = {"results": results, "words": words}
"""

# Around CODE on the outside, where it is a program. __main__ is what it is in a run.
OUTSIDE = r"""
import json, sys
with open("given.json") as file:
    input_data = json.load(file)
with open("code.py") as file:
    exec(compile(file.read(), "<llm_code>", "exec"))
with open("result.json", "w") as file:
    json.dump(result, file)
"""

# What a run has about it that a test may see.
ABOUT = r"""
import os
umask = os.umask(0o22)
os.umask(umask)
result = {"environment": dict(os.environ), "uid": os.getuid(), "gid": os.getgid(), "umask": umask}
"""

# run(code, input_data, policy) gives the result or raises
Run = Callable[[str, Any, dict[str, Any]], Any]


class Outcome(NamedTuple):
    results: dict[str, str]
    words: dict[str, str]

    def missing(self) -> list[str]:
        """Why there is nothing to compare."""
        words = [self.words[each] for each in self.results if "._FailedTest." in each]
        return words or ([] if self.results else ["no tests"])


class Difference(NamedTuple):
    test_id: str
    outside: str
    inside: str
    words: str


def policy(profile: str) -> dict[str, Any]:
    if profile == "default":
        return EVERYTHING
    return EVERYTHING | {"allow_processes": True, "max_processes": 200}


def has_tests(python: str, module: str) -> bool:
    find = "import sys\nfrom importlib.util import find_spec\n"
    code = f"{find}sys.exit(any(not find_spec(name) for name in {MODULES[module]!r}))"
    return subprocess.run([python, "-I", "-c", code], stderr=subprocess.DEVNULL).returncode == 0


# An interpreter below a directory that only root may enter, where everybody may: $1 of $2
OPEN = """
set -e
mount --bind "$1" /mnt
mount -t tmpfs -o mode=755 none "$2"
mkdir -p "$1"
mount --move /mnt "$1"
shift 2
exec "$@"
"""


def become(python: str, about: dict[str, Any]) -> list[str]:
    """What to put before a command for it to be run by the user of a run."""
    if os.getuid() != 0:
        return []
    user = ["setpriv", f"--reuid={about['uid']}", f"--regid={about['gid']}", "--clear-groups"]
    prefix = Path(python).resolve().parents[1]
    if all(each.stat().st_mode & 1 for each in prefix.parents):
        return user
    top = "/" + prefix.parts[1]
    return ["unshare", "--mount", "sh", "-c", OPEN, "sh", str(prefix), top, *user]


def inside(run: Run, module: str, profile: str) -> Outcome:
    return Outcome(**run(CODE, MODULES[module], policy(profile)))


def outside(python: str, about: dict[str, Any], module: str) -> Outcome:
    """The same code with the same interpreter, user and environment, in a directory of its own."""
    with tempfile.TemporaryDirectory(prefix="spr-test.") as name:
        place = Path(name)
        place.joinpath("given.json").write_text(json.dumps(MODULES[module]))
        place.joinpath("code.py").write_text(CODE)
        os.chmod(place, 0o755)
        if os.getuid() == 0:
            os.chown(place, about["uid"], about["gid"])
        command = [*become(python, about), python, "-I", "-B", "-c", OUTSIDE]
        environment = about["environment"] | {"HOME": name, "TMPDIR": name}
        done = subprocess.run(
            command,
            env=environment,
            cwd=place,
            umask=about["umask"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        if done.returncode:
            raise RuntimeError(f"outside, {module}: {done.stderr[-2000:].decode()}")
        return Outcome(**json.loads(place.joinpath("result.json").read_text()))


def listed(profile: str) -> dict[str, str]:
    """Differences that are known: test id -> why."""
    found: dict[str, str] = {}
    reason, applies = "", False
    for line in LIST.read_text().splitlines():
        if line.startswith("#") or not line:
            continue
        if line.startswith("["):
            where, reason = line.strip("[]").split(": ", 1)
            applies = where in ("both", profile)
        elif applies:
            found[line] = reason
    return found


def differences(expected: Outcome, found: Outcome) -> Iterator[Difference]:
    for test_id in sorted(expected.results.keys() | found.results.keys()):
        one = expected.results.get(test_id, "not there")
        other = found.results.get(test_id, "not there")
        if one != other:
            yield Difference(test_id, one, other, found.words.get(test_id, ""))
