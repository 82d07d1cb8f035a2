# SPDX-License-Identifier: MIT
"""Venvs and script metadata for real: uv, pip and the package index, through libspr.so.

Runs the library of the build tree (SPR_BUILD, default build). Skips where the index cannot be
reached, or where a helper program is missing.
"""

from __future__ import annotations

import ctypes
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("SPR_BUILD", ROOT / "build"))
PYTHON = "/usr/bin/python3"
SMALL = "six==1.16.0"
UV, VENV = 1, 2
E_INVALID, E_INTERPRETER, E_ENVIRONMENT = 1, 3, 4

ProgressFn = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_char_p)


class Error(ctypes.Structure):
    _fields_ = (("code", ctypes.c_int), ("message", ctypes.c_char * 1020))


class Refused(Exception):
    def __init__(self, error: Error) -> None:
        super().__init__(error.message.decode())
        self.code = error.code


@pytest.fixture(scope="session")
def spr() -> ctypes.CDLL:
    path = BUILD / "libspr.so"
    if not path.exists():
        pytest.skip(f"no {path}")
    library = ctypes.CDLL(str(path))
    library.spr_script_get_dependency.restype = ctypes.c_char_p
    return library


@pytest.fixture(scope="session")
def uv(tmp_path_factory: pytest.TempPathFactory) -> str:
    if found := shutil.which("uv"):
        return found
    tools = tmp_path_factory.mktemp("uv")
    subprocess.run([PYTHON, "-m", "venv", tools], check=True)
    pip = subprocess.run(
        [tools / "bin/pip", "install", "-q", "uv"], capture_output=True, text=True, check=False
    )
    if pip.returncode:
        pytest.skip(f"no uv, and pip cannot get it: {pip.stderr[-200:]}")
    return str(tools / "bin/uv")


@pytest.fixture(params=[UV, VENV], ids=["uv", "python"])
def manager(request: pytest.FixtureRequest) -> int:
    if request.param == VENV:
        probe = subprocess.run([PYTHON, "-c", "import ensurepip"], check=False)
        if probe.returncode:
            pytest.skip("python3-venv is not installed")
    return int(request.param)


class Venvs:
    """spr_venv_ensure() with this process's environment."""

    def __init__(self, spr: ctypes.CDLL, uv: str) -> None:
        self.spr = spr
        self.search_path = f"{Path(uv).parent}:/usr/local/bin:/usr/bin:/bin"

    def ensure(
        self,
        directory: Path,
        manager: int,
        *packages: str,
        python: str = PYTHON,
        lines: list[str] | None = None,
        requirements: tuple[str, ...] = (),
    ) -> str:
        spr = self.spr
        options, path, error = ctypes.c_void_p(), ctypes.c_void_p(), Error()
        variables = [f"{k}={v}".encode() for k, v in os.environ.items()]
        environment = (ctypes.c_char_p * (len(variables) + 1))(*variables, None)

        def listen(_: int | None, line: bytes) -> None:
            if lines is not None:
                lines.append(line.decode())

        progress = ProgressFn(listen)
        assert spr.spr_venv_options_new(ctypes.byref(options)) == 0
        try:
            spr.spr_venv_options_set_directory(options, str(directory).encode())
            spr.spr_venv_options_set_manager(options, manager)
            spr.spr_venv_options_set_python(options, python.encode())
            spr.spr_venv_options_set_search_path(options, self.search_path.encode())
            spr.spr_venv_options_set_environment(options, environment)
            spr.spr_venv_options_set_progress(options, progress, None)
            for text in packages:
                if spr.spr_venv_options_add_package(options, text.encode(), ctypes.byref(error)):
                    raise Refused(error)
            for text in requirements:
                encoded = text.encode()
                if spr.spr_venv_options_add_requirement(options, encoded, ctypes.byref(error)):
                    raise Refused(error)
            if spr.spr_venv_ensure(options, ctypes.byref(path), ctypes.byref(error)):
                raise Refused(error)
            assert path.value
            return ctypes.string_at(path.value).decode()
        finally:
            spr.spr_venv_options_free(options)


@pytest.fixture
def venvs(spr: ctypes.CDLL, uv: str) -> Venvs:
    return Venvs(spr, uv)


@pytest.fixture(scope="session")
def index(uv: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Skips where the package index cannot be reached."""
    target = tmp_path_factory.mktemp("index")
    probe = subprocess.run(
        [PYTHON, "-m", "pip", "download", "-q", "--no-deps", "-d", target, SMALL],
        capture_output=True,
        text=True,
        check=False,
    )
    if probe.returncode:
        pytest.skip(f"the package index cannot be reached: {probe.stderr[-200:]}")


def ask(python: str, code: str) -> str:
    done = subprocess.run([python, "-I", "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.usefixtures("index")
def test_packages_are_installed_once(venvs: Venvs, tmp_path: Path, manager: int) -> None:
    directory = tmp_path / "a" / "venv"
    lines: list[str] = []
    python = venvs.ensure(directory, manager, SMALL, lines=lines)
    assert python == f"{directory}/bin/python"
    assert ask(python, "import six; print(six.__version__)") == "1.16.0"
    assert ask(python, "import sys; print(sys.prefix)") == str(directory)
    assert list(directory.glob("lib/python3*/site-packages/__pycache__/six.*.pyc"))
    assert any("six" in line for line in lines)
    assert not (directory / ".incomplete").exists()
    marker = json.loads((directory / ".safe-py-runner.json").read_text())
    assert marker["packages"] == [SMALL]
    assert marker["manager"] == {UV: "uv", VENV: "python"}[manager]
    assert marker["python_version"].startswith("3.")

    lines.clear()
    before = time.monotonic()
    assert venvs.ensure(directory, manager, SMALL, lines=lines) == python
    assert lines == []
    assert time.monotonic() - before < 0.05


@pytest.mark.usefixtures("index")
def test_another_set_replaces_versions(venvs: Venvs, tmp_path: Path, manager: int) -> None:
    python = venvs.ensure(tmp_path / "venv", manager)
    venvs.ensure(tmp_path / "venv", manager, SMALL)
    venvs.ensure(tmp_path / "venv", manager, "six==1.17.0")
    assert ask(python, "import six; print(six.__version__)") == "1.17.0"


@pytest.mark.usefixtures("index")
def test_managers_can_take_turns(venvs: Venvs, tmp_path: Path) -> None:
    python = venvs.ensure(tmp_path / "venv", UV)
    venvs.ensure(tmp_path / "venv", VENV, SMALL)  # no pip in there yet
    venvs.ensure(tmp_path / "venv", UV, "six==1.17.0")
    assert ask(python, "import six; print(six.__version__)") == "1.17.0"


@pytest.mark.usefixtures("index")
def test_unknown_package(venvs: Venvs, tmp_path: Path, manager: int) -> None:
    with pytest.raises(Refused, match=r"six==99\.99|six.*99\.99") as refused:
        venvs.ensure(tmp_path / "venv", manager, "six==99.99")
    assert refused.value.code == E_ENVIRONMENT
    assert not (tmp_path / "venv").exists()
    venvs.ensure(tmp_path / "venv", manager, SMALL)


@pytest.mark.usefixtures("index")
def test_wheels_only(venvs: Venvs, tmp_path: Path, manager: int) -> None:
    """docopt 0.6.2 is a source distribution: installing it would run its setup.py."""
    with pytest.raises(Refused, match="docopt"):
        venvs.ensure(tmp_path / "venv", manager, "docopt==0.6.2")


@pytest.mark.usefixtures("index")
def test_requirements_of_scripts(venvs: Venvs, tmp_path: Path) -> None:
    python = venvs.ensure(tmp_path / "venv", UV, requirements=("six >= 1.16, < 1.17",))
    assert ask(python, "import six; print(six.__version__)") == "1.16.0"


@pytest.mark.usefixtures("index")
def test_threads_at_once(venvs: Venvs, tmp_path: Path, manager: int) -> None:
    answers: list[str] = []
    made: list[list[str]] = [[] for _ in range(3)]

    def ensure(lines: list[str]) -> None:
        answers.append(venvs.ensure(tmp_path / "venv", manager, SMALL, lines=lines))

    threads = [threading.Thread(target=ensure, args=(lines,)) for lines in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [str(tmp_path / "venv/bin/python")] * 3
    assert sum("making venv" in " ".join(lines) for lines in made) == 1


@pytest.mark.usefixtures("index")
def test_killed_while_installing(venvs: Venvs, tmp_path: Path, manager: int) -> None:
    """kill -9 of host and installer at random moments; the next attempt repairs."""
    directory = tmp_path / "venv"
    for seconds in (0.02, 0.2, 0.6, 1.5):
        child = os.fork()
        if child == 0:
            os.setpgid(0, 0)
            venvs.ensure(directory, manager, SMALL)
            os._exit(0)
        time.sleep(seconds)
        os.killpg(child, signal.SIGKILL)
        os.waitpid(child, 0)
    python = venvs.ensure(directory, manager, SMALL)
    assert ask(python, "import six; print(six.__version__)") == "1.16.0"


def test_working_directory_is_not_trusted(
    venvs: Venvs, tmp_path: Path, manager: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    trap = tmp_path / "trap"
    trap.mkdir()
    for module in ("venv", "pip", "site", "sitecustomize", "subprocess"):
        (trap / f"{module}.py").write_text(f"open({str(trap / 'sprung')!r}, 'w')\n")
    (trap / "uv.toml").write_text("this is no TOML")
    monkeypatch.chdir(trap)
    monkeypatch.setenv("PYTHONPATH", str(trap))
    monkeypatch.setenv("VIRTUAL_ENV", str(tmp_path / "other"))
    python = venvs.ensure(Path("../venv"), manager)
    assert os.path.samefile(Path(python).parent.parent, tmp_path / "venv")
    assert not (trap / "sprung").exists()
    assert ask(python, "import sys; print(sys.prefix)").endswith("/venv")


def test_missing_interpreter(venvs: Venvs, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no python3\\.99 in '") as refused:
        venvs.ensure(tmp_path / "venv", UV, python="python3.99")
    assert refused.value.code == E_INTERPRETER


def test_unpinned_package(venvs: Venvs, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="pinned") as refused:
        venvs.ensure(tmp_path / "venv", UV, "six>=1")
    assert refused.value.code == E_INVALID


# Scripts


@pytest.fixture
def script(spr: ctypes.CDLL) -> Iterator[Script]:
    script = Script(spr)
    yield script
    script.close()


class Script:
    def __init__(self, spr: ctypes.CDLL) -> None:
        self.spr = spr
        self.handle = ctypes.c_void_p()

    def load(self, text: str) -> None:
        self.close()
        code, error = text.encode(), Error()
        r = self.spr.spr_script_new(
            ctypes.byref(self.handle),
            code,
            ctypes.c_size_t(len(code)),
            b"job.py",
            ctypes.byref(error),
        )
        if r:
            raise Refused(error)

    def close(self) -> None:
        self.spr.spr_script_free(self.handle)
        self.handle = ctypes.c_void_p()

    def dependencies(self) -> list[str]:
        found: list[str] = []
        get = self.spr.spr_script_get_dependency
        while text := get(self.handle, ctypes.c_size_t(len(found))):
            found.append(text.decode())
        return found

    def missing(self, python: str) -> str | None:
        text, error = ctypes.c_void_p(), Error()
        r = self.spr.spr_script_find_missing(
            self.handle, python.encode(), None, ctypes.byref(text), ctypes.byref(error)
        )
        if r:
            raise Refused(error)
        return ctypes.string_at(text.value).decode() if text.value else None


def metadata(dependencies: list[str], requires: str | None = None) -> str:
    lines = [f"dependencies = {json.dumps(dependencies)}"]
    if requires:
        lines.append(f"requires-python = {json.dumps(requires)}")
    return "# /// script\n" + "".join(f"# {line}\n" for line in lines) + "# ///\n"


@pytest.mark.usefixtures("index")
@pytest.mark.parametrize("with_packaging", [False, True], ids=["bare", "packaging"])
def test_missing(venvs: Venvs, script: Script, tmp_path: Path, with_packaging: bool) -> None:
    more = ["packaging==24.1"] if with_packaging else []
    python = venvs.ensure(tmp_path / "venv", UV, SMALL, *more)
    script.load(
        metadata(["Six", "six==1.16", "six==1.16.*", "six==1.17", "no-such>=1", "No_Such[x]"])
    )
    assert script.missing(python) == "six==1.17, no-such>=1, No_Such[x]"
    script.load(metadata(["nothing; python_version < '3'"], ">=3.9,<4"))
    assert script.missing(python) is None
    script.load(metadata(["six>=1.17"], ">=3.99"))
    expected = "python>=3.99, six>=1.17" if with_packaging else "python>=3.99"
    assert script.missing(python) == expected


@pytest.mark.parametrize("requires", [">=3.8", "~=3.9", ">3", "==3.*", "!=3.8.*", ">=3.8,<3.99"])
def test_requires_python_is_met(script: Script, requires: str) -> None:
    script.load(metadata([], requires))
    assert script.missing(sys.executable) is None


@pytest.mark.parametrize("requires", ["<3.8", "==2.*", ">=4", "!=3.*", "==3.8.1"])
def test_requires_python_is_not_met(script: Script, requires: str) -> None:
    script.load(metadata([], requires))
    assert script.missing(sys.executable) == f"python{requires}"


PEP_723 = re.compile(r"(?m)^# /// (?P<type>[a-zA-Z0-9-]+)$\s(?P<content>(^#(| .*)$\s)+)^# ///$")


def test_blocks_are_those_of_the_pep(script: Script) -> None:
    """Random scripts: the same answer as the PEP's own expression gives."""
    pieces = ["# /// script", "# /// other", "# ///", "# ", "#", "", "x = 1", "# y = 1", "#///"]
    tag = "# dependencies = ['p{}']"
    chance = random.Random(723)
    n_blocks = 0
    for _ in range(20000):
        chosen = [chance.choice([*pieces, tag]) for _ in range(chance.randrange(1, 14))]
        text = "\n".join(line.format(i) for i, line in enumerate(chosen))
        text += chance.choice(["", "\n"])
        blocks = [m["content"] for m in PEP_723.finditer(text) if m["type"] == "script"]
        content = "".join(line[2:] for line in blocks[0].splitlines(True)) if blocks else ""
        if len(blocks) > 1:
            with pytest.raises(Refused, match="second block"):
                script.load(text)
        elif content.count("dependencies") > 1 or "///" in content or content.count("y = 1") > 1:
            with pytest.raises(Refused):
                script.load(text)
        else:
            script.load(text)
            assert script.dependencies() == re.findall(r"p\d+", content), text
            n_blocks += bool(blocks)
    assert n_blocks > 100
