# SPDX-License-Identifier: MIT
"""What every engine is that owns processes: closed by ``with`` and at the latest with the process,
named by its ``repr``, never copied."""

from __future__ import annotations

import weakref
from types import TracebackType
from typing import Any, NoReturn, TypeVar

Self = TypeVar("Self", bound="Owner")


class Owner:
    """The subclass sets ``_name``, and ``_finalizer`` once there is something to end.

    Attributes:
        _owns: what it has, for the words of who tries to copy it.
    """

    _owns = "a running agent"
    _name = ""
    _finalizer: weakref.finalize[Any, Any]

    def close(self) -> None:
        """End the runs in flight and all that was started for them. Any thread, twice too.

        Later runs raise :class:`~safe_py_runner.errors.ClosedError`.
        """
        self._finalizer()

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        kind = type(self).__name__
        finalizer = getattr(self, "_finalizer", None)  # none yet where __init__ raised
        if finalizer is None:
            return f"<{kind}>"
        return f"<{kind} {self._name}{'' if finalizer.alive else ', closed'}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            f"a {type(self).__name__} cannot be pickled or copied: it owns {self._owns}; "
            "make one in each process (after os.fork() it can be used as it is)"
        )
