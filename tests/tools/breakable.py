#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Run a command behind a way that can be cut, as a network between here and there.

    breakable.py FILE COMMAND [ARGUMENT...]

As long as FILE exists nothing passes, in either direction; what came meanwhile follows later.
"""

import os
import subprocess
import sys
import threading
import time

PAUSE_S = 0.01


def carry(source: int, sink: int, cut: str) -> None:
    while data := os.read(source, 65536):
        while os.path.exists(cut):
            time.sleep(PAUSE_S)
        while data:
            data = data[os.write(sink, data) :]
    os.close(sink)


def main() -> int:
    cut, *command = sys.argv[1:]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    for ends in ((0, process.stdin.fileno()), (process.stdout.fileno(), 1)):
        threading.Thread(target=carry, args=(*ends, cut), daemon=True).start()
    return process.wait()


if __name__ == "__main__":
    sys.exit(main())
