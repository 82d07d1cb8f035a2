# SPDX-License-Identifier: MIT
"""Every hostile program of this directory holds, under its policy and with none.

run_escapes.py has the other passes, and a table; tests/full/escape has the other modes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest
from escape.harness.judge import HELD
from escape.harness.passes import Options, Report, perform
from escape.harness.programs import JUDGED, Program, load

Reports = Callable[[str], Report]


@pytest.fixture(scope="module")
def reports(request: pytest.FixtureRequest) -> Reports:
    """A pass, performed once, over the programs that pytest was asked for."""
    parameters = [getattr(item, "callspec", None) for item in request.session.items]
    found = [each.params.get("program") for each in parameters if each]
    chosen = [each for each in found if isinstance(each, Program)]  # others have programs, too

    @cache
    def report(name: str) -> Report:
        only = tuple(program.name for program in chosen)
        (performed,) = perform(name, Options(only=only, brief=True))
        return performed

    return report


@pytest.mark.parametrize("program", load(), ids=lambda program: program.title)
def test_under_its_policy(program: Program, reports: Reports) -> None:
    row = next(row for row in reports("all").rows if row.program == program)
    if program.severity in JUDGED:
        assert (row.verdict, row.complaints) == (HELD, []), row.line


@pytest.mark.parametrize("name", ["all", "policy-off"])
def test_pass(name: str, reports: Reports) -> None:
    """And after each program the next run works, and nothing is left."""
    assert reports(name).failures == []
