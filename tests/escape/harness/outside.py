# SPDX-License-Identifier: MIT
"""What the programs look for on the host: listeners, canaries; and what the host shows afterwards."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path

TCP_PORT, UDP_PORT = 47653, 47654
ABSTRACT = "\0spr-escape-canary"
ABSTRACT_DATAGRAM = "\0spr-escape-datagram"
SOCKET_PATH = Path("/tmp/spr-escape-canary.sock")
DATAGRAM_PATH = Path("/tmp/spr-escape-datagram.sock")
CANARY_FILE = Path("/tmp/spr-host-canary")
VICTIM = Path("/tmp/spr-escape-victim")
WHOLE = "whole\n"
SECRET_OF_THE_HOST = "SPR-CANARY-" + "AAAABBBB"
SECRET_OF_A_RUN = "SPR-CANARY-" + "CCCCDDDD"
# what programs leave where nothing holds them
PLANTED = [
    Path(directory, name)
    for directory in ("/tmp", "/var/tmp", "/dev/shm", "/run", "/root")
    for name in (".spr-cross-run-files", "spr-escape-name", "spr-escape-orphan", "spr-own-program")
]
# what f14 and f15 make in their working directory
ARTIFACTS = {b"sparse.bin", b"s0", b"inv\xff\xfe", b"-rf", b"new\nline", b"emoji\xf0\x9f\x98\x80"}


def _accept(listener: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while True:
            peer, _ = listener.accept()
            peer.close()


def _echo(listener: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while True:
            data, sender = listener.recvfrom(2048)
            if not data:  # shut down
                return
            if sender:
                listener.sendto(data, sender)


class Surroundings:
    """A `with` block in which the host has all that a program could reach.

    Several of them may be there at once, of several users: what one finds taken is taken by another
    one's, and serves as well.
    """

    def __init__(self) -> None:
        self._sockets: list[socket.socket] = []
        self._files: list[Path] = []

    def __enter__(self) -> Surroundings:
        self._listen(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", TCP_PORT), _accept)
        self._listen(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", UDP_PORT), _echo)
        self._listen(socket.AF_UNIX, socket.SOCK_STREAM, ABSTRACT, _accept)
        self._listen(socket.AF_UNIX, socket.SOCK_DGRAM, ABSTRACT_DATAGRAM, _echo)
        self._listen_at(SOCKET_PATH, socket.SOCK_STREAM, _accept)
        self._listen_at(DATAGRAM_PATH, socket.SOCK_DGRAM, _echo)
        if not CANARY_FILE.exists():
            CANARY_FILE.write_text("a file of the host\n")
            CANARY_FILE.chmod(0o644)
            self._files.append(CANARY_FILE)
        if not victim_is_whole():  # else another harness has made it
            VICTIM.mkdir(exist_ok=True)
            VICTIM.chmod(0o755)
            (VICTIM / "file").write_text(WHOLE)
            self._files += [VICTIM / "file", VICTIM]
        os.environ["SPR_CANARY"] = SECRET_OF_THE_HOST
        return self

    def __exit__(self, *_: object) -> None:
        os.environ.pop("SPR_CANARY", None)
        for each in self._sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        for path in (*self._files, *PLANTED):
            with contextlib.suppress(OSError):
                path.rmdir() if path.is_dir() else path.unlink()

    def _listen_at(self, path: Path, kind: int, serve: Callable[[socket.socket], None]) -> None:
        if not path.exists():
            self._listen(socket.AF_UNIX, kind, str(path), serve)
            path.chmod(0o666)
            self._files.append(path)

    def _listen(
        self, family: int, kind: int, address: object, serve: Callable[[socket.socket], None]
    ) -> None:
        listener = socket.socket(family, kind)
        if family == socket.AF_INET:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        try:
            listener.bind(address)
        except OSError as error:
            listener.close()
            if error.errno != errno.EADDRINUSE:
                raise
            return
        if kind == socket.SOCK_STREAM:
            listener.listen(64)
        self._sockets.append(listener)
        threading.Thread(target=serve, args=(listener,), daemon=True).start()


def victim_is_whole() -> bool:
    try:
        return (VICTIM / "file").read_text() == WHOLE and len(list(VICTIM.iterdir())) == 1
    except OSError:
        return False


def artifacts() -> list[str]:
    """Files of f14 and f15 that lie outside of a run."""
    return [
        os.fsdecode(entry.path)
        for entry in os.scandir(b"/tmp")
        if entry.name in ARTIFACTS or entry.name.startswith(b"spr-sparse-")
    ]


class KernelLog:
    """The lines that the kernel has logged since; None where it may not be read."""

    def __init__(self) -> None:
        self._fd = -1
        with contextlib.suppress(OSError):
            self._fd = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            os.lseek(self._fd, 0, os.SEEK_END)

    def count(self) -> int | None:
        if self._fd < 0:
            return None
        lines = 0
        while True:
            try:
                os.read(self._fd, 8192)
            except BrokenPipeError:  # lines were overwritten: there were many
                lines += 1000
                continue
            except OSError:
                return lines
            lines += 1

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
