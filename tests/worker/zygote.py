# SPDX-License-Identifier: MIT
"""A zygote for tests: forks a worker for each (socket, region) that comes over its control socket.

Runs in the interpreter under test (3.9 or later), nothing but the standard library.
usage: python -I zygote.py WORKER_TEST_SO CONTROL_FD WARM
"""

import os
import socket
import sys
import time
from functools import partial
from importlib.machinery import ExtensionFileLoader
from importlib.util import module_from_spec, spec_from_file_location


def load(path):
    spec = spec_from_file_location(
        "worker_test", path, loader=ExtensionFileLoader("worker_test", path)
    )
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def serve(worker, control):
    """Raises in a child, whose excepthook is the worker."""
    while True:
        message, fds, _, _ = socket.recv_fds(control, 64, 2)
        if not message:
            os._exit(0)
        pid = os.fork()
        if pid == 0:
            control.close()
            sys.excepthook = partial(worker.serve, fds[0], fds[1], int(message))
            raise RuntimeError
        for fd in fds:
            os.close(fd)
        _, status = os.waitpid(pid, 0)
        control.send(b"%d" % status)


def main():
    so, control_fd, warm = sys.argv[1:]
    worker = load(so)
    start = time.perf_counter()
    worker.prepare(False)
    cold = time.perf_counter()
    if int(warm):
        worker.prepare(True)
    warmed = time.perf_counter()
    control = socket.socket(fileno=int(control_fd))
    numbers = [(cold - start) * 1e6, (warmed - cold) * 1e6, *worker.layout()]
    control.send(b" ".join(b"%d" % number for number in numbers))
    serve(worker, control)


main()
