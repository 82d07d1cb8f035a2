# SPDX-License-Identifier: MIT
"""python -m safe_py_runner: the command spr."""

from ._programs import main

if __name__ == "__main__":
    main()
