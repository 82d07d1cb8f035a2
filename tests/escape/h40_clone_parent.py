# goal: make a child that is a child of the zygote, and let it end in odd ways
# expect: contained: refused, or the zygote takes no notice; the next runs work
# marker: harness: exactly one well-formed reply within the caps; supervisor memory grows by less than 64 MiB; next run works
# category: processes
# severity: integrity
# policy: none
# harness: check-reply
# unsandboxed: contained

def _caller():
    """raw syscalls, by name, on x86-64 and arm64"""
    import ctypes, sys
    arch = "aarch64" if "aarch64" in getattr(sys.implementation, "_multiarch", "") else "x86_64"
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long

    def call(numbers, *args):
        nr = numbers if isinstance(numbers, int) else numbers[0 if arch == "x86_64" else 1]
        if nr is None:
            return -1, 38
        conv = []
        for a in args:
            conv.append(ctypes.c_long(a) if isinstance(a, int) else a)
        ctypes.set_errno(0)
        r = libc.syscall(ctypes.c_long(nr), *conv)
        return r, (ctypes.get_errno() if r == -1 else 0)
    return call, ctypes


REFUSED = (1, 13, 38)   # EPERM EACCES ENOSYS

def attack():
    call, ctypes = _caller()
    import os
    n = 0
    for code in (0, 1, 255, 9):
        r, e = call((56, 220), 0x8000 | 17, 0, 0, 0, 0)
        if r == 0:
            if code == 9:
                os.kill(os.getpid(), 9)
            os._exit(code)
        n += r > 0
    raise RuntimeError("%d children of the parent" % n)


def _report():
    try:
        got, why = attack(), "no effect"
    except BaseException as exc:      # a refused step arrives here as an exception
        got, why = None, type(exc).__name__ + ": " + str(exc)
    line = ("ESCAPED: " + got) if got else ("CONTAINED: " + why)
    print(line.replace("\n", " ").replace("\r", " ")[:400], flush=True)


_report()
