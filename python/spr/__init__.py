# SPDX-License-Identifier: MIT
"""python -m spr: the command spr. The library is safe_py_runner."""
