# SPDX-License-Identifier: MIT
"""Becomes the native command spr."""

from safe_py_runner._programs import exec_spr

if __name__ == "__main__":
    exec_spr()
