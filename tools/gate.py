# SPDX-License-Identifier: MIT
"""What the gates, tools/check-*, have in common.

A gate is a generator of complaints about a tree, and samples: trees that it must complain about and
trees that it must not. `check-x` judges the repository, `check-x --self-test` the gate.
"""

import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
C_SUFFIXES = (".c", ".h", ".cc")
Sample = dict[str, str]

_NOISE = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)


def files(tree: Path, *folders: str, suffixes: tuple[str, ...] = C_SUFFIXES) -> Iterator[Path]:
    """The files below these folders of the tree, sorted; nothing hidden, built or cached."""
    for folder in folders or (".",):
        for path in sorted((tree / folder).rglob("*")):
            parts = path.relative_to(tree).parts
            hidden = any(part.startswith((".", "__pycache__")) for part in parts)
            wanted = not suffixes or path.suffix in suffixes
            if wanted and not hidden and not parts[0].startswith("build") and path.is_file():
                yield path


def code(path: Path) -> Iterator[tuple[int, str]]:
    """The numbered lines of a C file, its comments and literals blanked."""
    text = path.read_text("utf-8")
    blanked = _NOISE.sub(lambda noise: re.sub(r"[^\n]", " ", noise[0]), text)
    return enumerate(blanked.splitlines(), 1)


def _self_test(check: Callable[[Path], Iterator[str]], sample: Sample, bad: bool) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder)
        for name, text in sample.items():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            (tree / name).write_text(text, "utf-8")
        complaints = list(check(tree))
    if bool(complaints) != bad:
        print(f"self-test: {complaints or 'no complaint'} about {sample}")
        return False
    return True


def main(check: Callable[[Path], Iterator[str]], good: list[Sample], bad: list[Sample]) -> None:
    """Judges, prints the complaints and exits: 0 none, 1 some."""
    if sys.argv[1:] == ["--self-test"]:
        verdicts = [_self_test(check, sample, False) for sample in good]
        verdicts += [_self_test(check, sample, True) for sample in bad]
        sys.exit(0 if all(verdicts) else 1)
    complaints = list(check(ROOT))
    print(*complaints, sep="\n", end="\n" if complaints else "")
    sys.exit(1 if complaints else 0)
