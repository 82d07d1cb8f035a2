# SPDX-License-Identifier: MIT
"""The command spr: verbs for containers here, all others by the native command."""

from safe_py_runner._programs import main

if __name__ == "__main__":
    main()
