# SPDX-License-Identifier: MIT
"""preload: modules that the interpreter imports once, by name or as it learns."""

from __future__ import annotations

import pytest
from safe_py_runner import InvalidError, LocalEngine, RunnerError, run_code

IMPORTED = "import sys\nresult = sorted(set(input_data['names']) & set(sys.modules))"
NAMES = ["colorsys", "statistics", "xml.dom.minidom"]


@pytest.mark.parametrize(
    ("preload", "expected"),
    [
        ([], []),
        (["colorsys"], ["colorsys"]),
        (("xml.dom.minidom", "statistics"), ["statistics", "xml.dom.minidom"]),
        (iter(["colorsys", "auto"]), ["colorsys"]),
        ("auto", []),
    ],
)
def test_by_name(interpreter: str, preload: object, expected: list[str]) -> None:
    """Only what was named is there at the first run."""
    with LocalEngine(python=interpreter, preload=preload) as engine:  # type: ignore[arg-type]
        assert run_code(IMPORTED, engine, {"names": NAMES}).result == expected


def test_auto_changes_no_answer(interpreter: str) -> None:
    """Whatever has been learnt by then, the code gets the same."""
    code = "import colorsys, statistics\nresult = statistics.mean(input_data['x'])"
    with LocalEngine(python=interpreter, preload="auto") as engine:
        for i in range(50):
            answer = run_code(code, engine, {"x": [i, i + 2]})
            assert (answer.error, answer.result) == (None, i + 1)


def test_one_that_cannot_be_imported(interpreter: str) -> None:
    with LocalEngine(python=interpreter, preload=["json", "nothing_like_it"]) as engine:
        with pytest.raises(RunnerError, match="cannot preload 'nothing_like_it'"):
            engine.start()
        assert run_code("result = 1", engine).outcome == "infra"


@pytest.mark.parametrize(
    "name",
    ["", " ", "a b", "1a", ".a", "a.", "a..b", "a-b", "a\nb", "a;b", "a/b", "a\0b", "numpy\0"],
)
def test_names_of_nothing(name: str) -> None:
    """Refused at once, by name."""
    with pytest.raises(ValueError, match="not the name of a module") as caught:
        LocalEngine(python="/usr/bin/python3", preload=["json", name])
    assert "\0" in name or isinstance(caught.value, InvalidError)
    assert name.partition("\0")[0].replace("\n", " ") in str(caught.value)


def test_too_many_names() -> None:
    with pytest.raises(ValueError, match="too many names"):
        LocalEngine(python="/usr/bin/python3", preload=["m" * 1000] * 100)


@pytest.mark.parametrize("preload", [[1], [None], [b"json"], ["json", ["numpy"]], "json", 5])
def test_no_names(preload: object) -> None:
    with pytest.raises(TypeError):
        LocalEngine(python="/usr/bin/python3", preload=preload)  # type: ignore[arg-type]
