# SPDX-License-Identifier: MIT
"""One helper process, to its end: input, both outputs and time are bounded."""

from __future__ import annotations

import codecs
import os
import re
import selectors
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["OUTPUT_MAX", "TAIL_MAX", "Answer", "Line", "converse"]

Line = Callable[[str], object]

OUTPUT_MAX = 4 << 20  # characters of stdout: a list of some ten thousand containers
TAIL_MAX = 64 << 10  # characters of the end of stderr
_CHUNK = 65536
_LINGER_SECONDS = 2.0  # for a process that has closed its outputs


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command said.

    Attributes:
        status: its exit status; 128 + n where signal n ended it.
        stdout: its beginning, at most ``OUTPUT_MAX`` characters.
        stderr: its end, at most ``TAIL_MAX`` characters.
        timed_out: it was killed at its deadline.
    """

    status: int
    stdout: str
    stderr: str
    timed_out: bool = False


def converse(
    process: subprocess.Popen[bytes], deadline: float, stdin: bytes = b"", line: Line | None = None
) -> Answer:
    """Give a process, all of whose streams are pipes, its input, and read it to the end.

    Args:
        deadline: of :func:`time.monotonic`; then it is killed.
        line: gets each line of both outputs as it comes.
    """
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    feed = _Feed(process.stdin.fileno(), stdin)
    out, err = _Output(line), _Output(line)
    os.set_blocking(feed.fd, False)
    timed_out = False

    with selectors.DefaultSelector() as selector:
        selector.register(process.stdin, selectors.EVENT_WRITE, feed.write)
        selector.register(process.stdout, selectors.EVENT_READ, out.read)
        selector.register(process.stderr, selectors.EVENT_READ, err.read)
        while selector.get_map() and not timed_out:
            for key, _ in selector.select(max(deadline - time.monotonic(), 0)):
                if not key.data(key.fd):
                    selector.unregister(key.fileobj)
                    key.fileobj.close()  # type: ignore[union-attr]
            timed_out = time.monotonic() >= deadline

    if timed_out:
        process.kill()
    status = _wait(process)
    return Answer(status, "".join(out.kept)[:OUTPUT_MAX], err.end(), timed_out)


def _wait(process: subprocess.Popen[bytes]) -> int:
    try:
        status = process.wait(_LINGER_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        status = process.wait()
    return status if status >= 0 else 128 - status


class _Feed:
    """The input."""

    def __init__(self, fd: int, data: bytes) -> None:
        self.fd = fd
        self._left = memoryview(data)

    def write(self, fd: int) -> bool:
        """Whether there is more to write."""
        try:
            if self._left:
                self._left = self._left[os.write(fd, self._left[:_CHUNK]) :]
        except BrokenPipeError:
            return False
        return bool(self._left)


class _Output:
    """One of the outputs: its beginning, its end, its lines."""

    def __init__(self, line: Line | None) -> None:
        self.kept: list[str] = []
        self._n_kept = 0
        self._tail = ""
        self._line = line
        self._begun = ""  # a line without its end
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode

    def read(self, fd: int) -> bool:
        """Whether there may be more to read."""
        data = os.read(fd, _CHUNK)
        text = self._decode(data, not data)
        if self._n_kept < OUTPUT_MAX:
            self.kept.append(text)
            self._n_kept += len(text)
        self._tail = (self._tail + text)[-TAIL_MAX:]
        self._tell(text, last=not data)
        return bool(data)

    def _tell(self, text: str, last: bool) -> None:
        if self._line is None:
            return
        *lines, begun = re.split(r"[\r\n]+", self._begun + text)
        self._begun = begun[-TAIL_MAX:]
        if last:
            lines.append(self._begun)
        for line in filter(None, lines):
            self._line(line)

    def end(self) -> str:
        return self._tail
