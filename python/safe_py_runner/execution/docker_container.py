# SPDX-License-Identifier: MIT
"""One container: a CommandEngine behind `docker run`, and why it ended."""

from __future__ import annotations

import contextlib
import re
import secrets
import shutil
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace

from ..errors import AgentError, ClosedError, InterpreterError
from .command_engine import CommandEngine
from .docker_client import DockerClient, DockerError
from .docker_faults import explain, explain_as, explain_missing
from .docker_image import Image
from .docker_run import NAME_PREFIX, ContainerSettings, RunLimits, run_arguments

__all__ = ["ContainerPlan", "DockerContainer", "Verdict"]

_PYTHONS = ("python3", "python")
_ATTEMPTS_MAX = 5  # each for another reason
_REMOVE_SECONDS = 5.0
_EVENTS_SECONDS = 1.5
_EVENTS_SETTLE_SECONDS = 0.3  # the daemon learns of an end a moment after us
_EVENTS_SINCE_SECONDS = 3600
_EVENTS_FORMAT = "{{.TimeNano}} {{.Action}}"
# How an engine says that it has no agent any more.
_WAY_LOST = re.compile(r"^'.*' ended|silent|no agent has answered|^the agent ")
# Causes for which no code was started.
_NOT_STARTED = ("name-conflict", "image-absent")


def _new_id() -> str:
    return secrets.token_hex(8)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why a run came to nothing.

    Attributes:
        text: the cause and the next step.
        unstarted: the code was not started, and may be elsewhere. By the daemon's clock: where that
            is wrong, code may run twice, of which nothing but an answer comes out.
        broken: the container serves nobody any more.
    """

    text: str
    unstarted: bool
    broken: bool


@dataclass(frozen=True, slots=True)
class _Event:
    time_ns: int
    action: str


@dataclass(eq=False)
class ContainerPlan:
    """What the containers of one engine share. What one of them finds out about the image serves
    the next ones.

    Attributes:
        settings: what is the same for all of them; the rest is filled in.
        python: named by the caller, or None to try the usual names.
        preparing: entered while the image is pulled or built.
        n_started: containers so far.
    """

    client: DockerClient
    image: Image
    settings: ContainerSettings
    python: str | None
    preload: list[str]
    standbys: int | None
    startup_timeout: float
    preparing: Callable[[], AbstractContextManager[None]] = contextlib.nullcontext
    found_python: str | None = None
    needs_tmpfs: bool = False
    n_started: int = 0
    engine_id: str = field(default_factory=_new_id)

    @property
    def title(self) -> str:
        """The client's name."""
        return self.client.target.client

    def container(self, limits: RunLimits) -> DockerContainer:
        """One that is not started yet."""
        return DockerContainer(self, limits)

    def names_of_python(self) -> list[str]:
        """To be tried in this order."""
        known = self.python or self.found_python
        return [known] if known else list(_PYTHONS)

    def reference(self) -> str:
        """The image, pulled or built if that has to come first."""
        if self.image.ready:
            return self.image.get()
        with self.preparing():
            return self.image.get()

    def forget(self) -> None:
        """In a forked child: the containers, and what they are found by, are the parent's."""
        self.image.forget()
        self.n_started = 0
        self.engine_id = _new_id()


class DockerContainer:
    """One container and the engine in it; see :class:`docker_pool.Container`."""

    def __init__(self, plan: ContainerPlan, limits: RunLimits) -> None:
        self._plan = plan
        self._limits = limits
        self._lock = threading.Lock()
        self._engine: CommandEngine | None = None
        self._closed = False
        self._suspect = False
        self._events: list[_Event] | None = None  # once it has ended
        self.name = ""

    @property
    def engine(self) -> CommandEngine:
        """Runs code, once :meth:`start` has returned."""
        assert self._engine is not None
        return self._engine

    def start(self) -> None:
        """Block until it is warm.

        Raises:
            DockerError: it does not start, with cause and next step.
            InterpreterError: its Python does not.
            ClosedError: :meth:`close` was called.
        """
        program = self._plan.client.target.argv()[0]
        if shutil.which(program) is None:
            raise DockerError(explain_missing(program, FileNotFoundError()))
        reference = self._plan.reference()
        pythons = self._plan.names_of_python()
        for _ in range(_ATTEMPTS_MAX):
            try:
                self._try(reference, pythons[0])
            except DockerError as error:
                reference = self._mend(error, reference, pythons)
                continue
            self._plan.found_python = pythons[0]
            return
        raise AgentError(f"no container of {reference} starts")

    def _try(self, reference: str, python: str) -> None:
        self._plan.n_started += 1
        self.name = f"{NAME_PREFIX}{self._plan.image.env_hash[:8]}-{secrets.token_hex(6)}"
        engine = self._new_engine(reference, python)
        with self._lock:
            if self._closed:
                raise ClosedError("the engine was closed")
            self._engine = engine
        try:
            engine.start()
        except InterpreterError:
            self._discard(engine)
            raise
        except (AgentError, OSError) as error:
            self._discard(engine)
            raise DockerError(explain(self._plan.title, str(error))) from None

    def _new_engine(self, reference: str, python: str) -> CommandEngine:
        plan = self._plan
        target = plan.client.target
        settings = replace(
            plan.settings,
            limits=self._limits,
            image=reference,
            env_hash=plan.image.env_hash,
            python=python,
            executable_tmpfs=plan.needs_tmpfs,
        )
        return CommandEngine(
            target.argv(*run_arguments(target.client, self.name, settings, plan.engine_id)),
            shell_hop=target.shell_hop,
            exclusive_tmp=settings.slots == 1,
            startup_timeout=plan.startup_timeout,
            preload=plan.preload,
            max_concurrency=settings.slots,
            standbys=plan.standbys,
        )

    def _discard(self, engine: CommandEngine) -> None:
        engine.close()
        self._remove()

    def _mend(self, error: DockerError, reference: str, pythons: list[str]) -> str:
        """Do what may help; the image to try next. Raises ``error`` where nothing is left."""
        plan = self._plan
        if error.cause == "image-absent":
            with plan.preparing():
                return plan.image.absent(reference)
        if error.cause == "no-python" and len(pythons) > 1:
            del pythons[0]
        elif error.cause == "no-exec" and not plan.needs_tmpfs:
            plan.needs_tmpfs = True
        elif error.cause != "name-conflict":
            raise error
        return reference

    def close(self) -> None:
        """Remove it: the agent ends when its stream does, and the container with it."""
        with self._lock:
            self._closed = True
            engine, suspect = self._engine, self._suspect
        if engine is not None:
            engine.close()
            if suspect:
                self._remove()

    def _remove(self) -> None:
        """Whatever the daemon still has of it. Where it does not answer, the agent's lease ends."""
        with contextlib.suppress(DockerError):
            words = ["container", "rm", "--force", self.name]
            self._plan.client.run(words, _REMOVE_SECONDS)

    # --- why it ended ---

    def explain(self, said: str, begun_ns: int) -> Verdict:
        """A run in it, begun at that time (of :func:`time.time_ns`), came to nothing: what that
        means."""
        fault = explain(self._plan.title, said)
        if fault.cause != "failed":
            return self._verdict(fault.text, fault.cause in _NOT_STARTED)
        events = self._events_at_the_end()
        cause = _cause_of_death(events or [])
        if cause is not None:
            text = explain_as(self._plan.title, cause, said).text
            return self._verdict(text, _died(events or []) < begun_ns)
        if events is None or _WAY_LOST.search(said):
            return self._verdict(fault.text, False)
        return Verdict(said, unstarted=False, broken=False)  # the run's own, as on any machine

    def _verdict(self, text: str, unstarted: bool) -> Verdict:
        with self._lock:
            self._suspect = True
        return Verdict(text, unstarted, broken=True)

    def _events_at_the_end(self) -> list[_Event] | None:
        """What the daemon remembers of it; None where it does not say. Asked until it has ended."""
        with self._lock:
            if self._events is None:
                events = self._ask_for_events()
                if _cause_of_death(events or []) is None:
                    return events
                self._events = events
            return self._events

    def _ask_for_events(self) -> list[_Event] | None:
        if self._plan.title != "docker":
            return self._ask_podman()
        now = time.time()
        words = ["events", "--filter", f"container={self.name}", "--format", _EVENTS_FORMAT]
        words += ["--since", f"{now - _EVENTS_SINCE_SECONDS:.3f}"]
        words += ["--until", f"{now + _EVENTS_SETTLE_SECONDS:.3f}"]
        try:
            answer = self._plan.client.run(words, _EVENTS_SECONDS)
        except DockerError:
            return None
        pairs = (line.partition(" ") for line in answer.stdout.splitlines())
        events = [_Event(int(when), what) for when, _, what in pairs if when.isdecimal()]
        return events if answer.status == 0 or events else None

    def _ask_podman(self) -> list[_Event] | None:
        """Others have events of their own kinds; that it runs is no event at all."""
        words = ["container", "inspect", "--format", "{{.State.Running}}", self.name]
        try:
            answer = self._plan.client.run(words, _EVENTS_SECONDS)
        except DockerError:
            return None
        return [] if answer.stdout.strip() == "true" else None


def _died(events: list[_Event]) -> int:
    return max(event.time_ns for event in events if event.action == "die")


def _cause_of_death(events: list[_Event]) -> str | None:
    """Neither the daemon nor we kill one that takes too much memory: that is the kernel's."""
    actions = [event.action for event in events]
    if "die" not in actions:
        return None
    if "oom" in actions:
        return "out-of-memory"
    return "killed" if "kill" in actions else "died"
