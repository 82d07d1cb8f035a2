# goal: overflow the C stack: nested calls of C code that take no Python frame
# expect: contained: a MemoryError, a RecursionError or a crash of the child alone
# marker: harness: exactly one well-formed reply within the caps; supervisor memory grows by less than 64 MiB; next run works
# category: crash
# severity: integrity
# policy: none
# limits: memory=256MiB wall=10
# harness: check-reply
# unsandboxed: contained

import functools
import sys

print("CONTAINED: overflowing", flush=True)
sys.setrecursionlimit(10 ** 9)


class Deep:
    def __getattr__(self, name):
        return getattr(self, name + "x"[:0])

    def __repr__(self):
        return repr(self)


try:
    repr(Deep())
except (RecursionError, MemoryError):
    pass
f = functools.partial(int)
for _ in range(1000000):
    f = [f]
repr(f)
