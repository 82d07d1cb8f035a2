# SPDX-License-Identifier: MIT
"""An sshd on loopback, for the user that runs the tests, with a port and keys of its own."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import guest

PATIENCE_S = 30
SSHD = "/usr/sbin/sshd"  # wants to be called by its whole path


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _key(path: Path) -> Path:
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return path


def _await(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"sshd does not answer: {log.read_text()}")
            time.sleep(0.05)


@contextmanager
def sshd(message_of_the_day: str = "") -> Iterator[list[str]]:
    """The ssh command, up to the host's name and with it."""
    guest.need_programs({"ssh": "openssh-client", SSHD: "openssh-server"})
    place = Path(tempfile.mkdtemp(prefix="spr-sshd-"))
    try:
        key, port = _key(place / "key"), _free_port()
        place.joinpath("authorized").write_text(key.with_suffix(".pub").read_text())
        place.joinpath("banner").write_text(message_of_the_day)
        lines = {
            "Port": port,
            "ListenAddress": "127.0.0.1",
            "HostKey": _key(place / "host"),
            "AuthorizedKeysFile": place / "authorized",
            "PidFile": "none",
            "StrictModes": "no",  # the directory is below /tmp
            "PasswordAuthentication": "no",
            "MaxStartups": "100",
            "MaxSessions": "100",
            "Banner": place / "banner",
        }
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)
        text = "".join(f"{name} {value}\n" for name, value in lines.items())
        place.joinpath("config").write_text(text)
        log = place / "log"
        with open(log, "wb") as stream:
            command = [SSHD, "-D", "-e", "-f", str(place / "config")]
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=stream)
        try:
            _await(port, process, log)
            options = ["-F", "none", "-i", str(key), "-p", str(port), "-o", "BatchMode=yes"]
            options += ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"]
            yield ["ssh", *options, "-o", "LogLevel=ERROR", f"{getpass.getuser()}@127.0.0.1"]
        finally:
            process.terminate()
            process.wait()
    finally:
        shutil.rmtree(place)
