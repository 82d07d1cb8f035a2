#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Run a command where the kernel grants no namespaces, as in a plain container.

    without_namespaces.py COMMAND [ARGUMENT...]

A seccomp filter answers EPERM to unshare, setns, mount and to clone with namespace flags, and
ENOSYS to clone3 (whose flags a filter cannot see). x86_64 and aarch64.
"""

import ctypes
import errno
import os
import platform
import struct
import sys

PR_SET_NO_NEW_PRIVS = 38
PR_SET_SECCOMP = 22
SECCOMP_MODE_FILTER = 2
RET_ALLOW = 0x7FFF0000
RET_ERRNO = 0x00050000
NAMESPACE_FLAGS = 0x7E020000

NUMBERS = {
    "x86_64": {"clone": 56, "mount": 165, "unshare": 272, "setns": 308, "clone3": 435},
    "aarch64": {"clone": 220, "mount": 40, "unshare": 97, "setns": 268, "clone3": 435},
}

LOAD, JUMP_EQUAL, JUMP_SET, RETURN = 0x20, 0x15, 0x45, 0x06


def instruction(code: int, jump_true: int, jump_false: int, k: int) -> bytes:
    return struct.pack("<HBBI", code, jump_true, jump_false, k)


def build_filter(numbers: dict[str, int]) -> list[bytes]:
    program = [instruction(LOAD, 0, 0, 0)]  # the call's number
    for name in ("unshare", "setns", "mount"):
        program.append(instruction(JUMP_EQUAL, 0, 1, numbers[name]))
        program.append(instruction(RETURN, 0, 0, RET_ERRNO | errno.EPERM))
    program.append(instruction(JUMP_EQUAL, 0, 1, numbers["clone3"]))
    program.append(instruction(RETURN, 0, 0, RET_ERRNO | errno.ENOSYS))
    program.append(instruction(JUMP_EQUAL, 0, 3, numbers["clone"]))
    program.append(instruction(LOAD, 0, 0, 16))  # the low half of its first argument
    program.append(instruction(JUMP_SET, 0, 1, NAMESPACE_FLAGS))
    program.append(instruction(RETURN, 0, 0, RET_ERRNO | errno.EPERM))
    program.append(instruction(RETURN, 0, 0, RET_ALLOW))
    return program


def install(program: list[bytes]) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    instructions = ctypes.create_string_buffer(b"".join(program))
    header = struct.pack("@HxxxxxxQ", len(program), ctypes.addressof(instructions))
    for arguments in (
        (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
        (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.c_char_p(header), 0, 0),
    ):
        if libc.prctl(*arguments) != 0:
            raise OSError(ctypes.get_errno(), "cannot install the filter")


def main() -> None:
    install(build_filter(NUMBERS[platform.machine()]))
    os.execvp(sys.argv[1], sys.argv[1:])


if __name__ == "__main__":
    main()
