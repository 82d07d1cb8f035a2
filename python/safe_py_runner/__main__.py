# SPDX-License-Identifier: MIT
"""python -m safe_py_runner: the command spr."""

from ._programs import exec_spr

if __name__ == "__main__":
    exec_spr()
