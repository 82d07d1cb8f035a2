#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Run a command in which some system calls fail.

    failing_calls.py CALL=ERRNO... -- COMMAND [ARGUMENT...]
    failing_calls.py --nth N CALL=ERRNO -- COMMAND [ARGUMENT...]
    failing_calls.py --count FILE CALL -- COMMAND [ARGUMENT...]

CALL is a name of the table below, with :VALUE only where the low half of its first argument has
that value (prctl:38 is PR_SET_NO_NEW_PRIVS). The calls fail in the command and in all that it
starts: always, by a seccomp filter, or with --nth once, the N-th time that any of these processes
makes the call. --count lets all through and writes their number to FILE. x86_64 and aarch64.

The N-th call is caught by a process of ours that the filter asks (SECCOMP_RET_USER_NOTIF): unlike a
tracer it changes nothing else, so that what is dumpable, who is whose parent and who dies with whom
stay as they are.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import os
import platform
import select
import socket
import struct
import sys
from pathlib import Path

CALLS = {  # x86_64, aarch64
    "accept4": (288, 242), "capget": (125, 90), "capset": (126, 91), "chdir": (80, 49),
    "clone": (56, 220), "clone3": (435, 435), "close_range": (436, 436), "dup2": (33, None),
    "dup3": (292, 24), "execve": (59, 221), "fchdir": (81, 50), "fcntl": (72, 25),
    "fork": (57, None), "ftruncate": (77, 46), "kill": (62, 129),
    "landlock_add_rule": (445, 445), "landlock_create_ruleset": (444, 444),
    "landlock_restrict_self": (446, 446), "memfd_create": (319, 279), "mkdir": (83, None),
    "mkdirat": (258, 34), "mmap": (9, 222), "mount": (165, 40), "mount_setattr": (442, 442),
    "openat": (257, 56), "openat2": (437, 437), "pidfd_open": (434, 434),
    "pidfd_send_signal": (424, 424), "pipe2": (293, 59), "pivot_root": (155, 41),
    "prctl": (157, 167), "prlimit64": (302, 261), "read": (0, 63), "seccomp": (317, 277),
    "sethostname": (170, 161), "setgroups": (116, 159), "setns": (308, 268),
    "setresgid": (119, 149), "setresuid": (117, 147), "setsid": (112, 157),
    "signalfd4": (289, 74), "socketpair": (53, 199), "symlink": (88, None), "symlinkat": (266, 36),
    "umount2": (166, 39), "unshare": (272, 97), "wait4": (61, 260), "write": (1, 64),
}  # fmt: skip
COLUMN = {"x86_64": 0, "aarch64": 1}[platform.machine()]
SECCOMP = CALLS["seccomp"][COLUMN]

PR_SET_NO_NEW_PRIVS = 38
SET_MODE_FILTER = 1
NEW_LISTENER = 1 << 3
WAIT_KILLABLE = 1 << 5
RET_ALLOW = 0x7FFF0000
RET_ERRNO = 0x00050000
RET_ASK = 0x7FC00000
LOAD, JUMP_EQUAL, RETURN = 0x20, 0x15, 0x06

# struct seccomp_notif, struct seccomp_notif_resp, and what ioctl(2) is told to do with them
NOTICE = struct.Struct("=QII" + "iIQ6Q")
ANSWER = struct.Struct("=QqiI")
RECEIVE, SEND = 0xC0502100, 0xC0182101
CONTINUE = 1

libc = ctypes.CDLL(None, use_errno=True)


class Fault:
    """One CALL[:VALUE][=ERRNO] of the command line."""

    def __init__(self, text: str) -> None:
        call, _, error = text.partition("=")
        name, _, value = call.partition(":")
        number = CALLS[name][COLUMN]
        if number is None:
            sys.exit(f"{sys.argv[0]}: no {name} on this machine")
        self.number = number
        self.value = int(value) if value else None
        self.errno = getattr(errno, error) if error else 0


def instruction(code: int, jump_true: int, jump_false: int, k: int) -> bytes:
    return struct.pack("<HBBI", code, jump_true, jump_false, k)


def build_filter(faults: list[Fault], asks: bool) -> list[bytes]:
    program = []
    for fault in faults:
        verdict = RET_ASK if asks else RET_ERRNO | fault.errno
        program.append(instruction(LOAD, 0, 0, 0))  # the call's number
        if fault.value is None:
            program.append(instruction(JUMP_EQUAL, 0, 1, fault.number))
        else:
            program.append(instruction(JUMP_EQUAL, 0, 3, fault.number))
            program.append(instruction(LOAD, 0, 0, 16))  # the low half of its first argument
            program.append(instruction(JUMP_EQUAL, 0, 1, fault.value))
        program.append(instruction(RETURN, 0, 0, verdict))
    program.append(instruction(RETURN, 0, 0, RET_ALLOW))
    return program


def install(program: list[bytes], flags: int) -> int:
    """Root needs no no_new_privs for it, and so leaves that layer to the command."""
    instructions = ctypes.create_string_buffer(b"".join(program))
    header = struct.pack("@HxxxxxxQ", len(program), ctypes.addressof(instructions))
    result = libc.syscall(SECCOMP, SET_MODE_FILTER, flags, ctypes.c_char_p(header))
    if result < 0 and ctypes.get_errno() == errno.EACCES:
        libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        result = libc.syscall(SECCOMP, SET_MODE_FILTER, flags, ctypes.c_char_p(header))
    if result < 0:
        raise OSError(ctypes.get_errno(), "cannot install the filter")
    return int(result)


def judge(listener: int, nth: int, error: int) -> int:
    """Answers until no process is left under the filter; returns the number of calls."""
    n = 0
    poll = select.poll()
    poll.register(listener, select.POLLIN)
    while True:
        events = poll.poll()[0][1]
        if events & select.POLLHUP and not events & select.POLLIN:
            return n
        notice = bytearray(NOTICE.size)
        try:
            fcntl.ioctl(listener, RECEIVE, notice)
            cookie = NOTICE.unpack(notice)[0]
            n += 1
            fails = n == nth
            answer = ANSWER.pack(cookie, 0, -error if fails else 0, 0 if fails else CONTINUE)
            fcntl.ioctl(listener, SEND, answer)
        except OSError as gone:
            if gone.errno not in (errno.ENOENT, errno.EINTR):
                raise


def stand_by(ours: socket.socket, nth: int, error: int, file: str | None) -> None:
    """The judge: nobody's child, with nothing of the command's."""
    if os.fork() > 0:
        os._exit(0)
    os.setsid()
    _, fds, _, _ = socket.recv_fds(ours, 1, 1)
    keep = {fds[0]}
    for fd in range(64):
        if fd not in keep:
            with contextlib.suppress(OSError):
                os.close(fd)
    n = judge(fds[0], nth, error)
    if file:
        Path(file).write_text(f"{n}\n")
    os._exit(0)


def ask(fault: Fault, nth: int, file: str | None) -> None:
    ours, theirs = socket.socketpair()
    child = os.fork()
    if child == 0:
        theirs.close()
        stand_by(ours, nth, fault.errno, file)
    os.waitpid(child, 0)
    listener = install(build_filter([fault], asks=True), NEW_LISTENER | WAIT_KILLABLE)
    socket.send_fds(theirs, [b"!"], [listener])
    os.close(listener)
    ours.close()
    theirs.close()


def main() -> None:
    mark = sys.argv.index("--")
    options, command = sys.argv[1:mark], sys.argv[mark + 1 :]
    if options[0] == "--nth":
        ask(Fault(options[2]), int(options[1]), None)
    elif options[0] == "--count":
        ask(Fault(options[2]), 0, options[1])
    else:
        install(build_filter([Fault(option) for option in options], asks=False), 0)
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()
