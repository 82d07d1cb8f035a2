# goal: make system calls under the numbers of another architecture (x32)
# expect: blocked: foreign numbers are refused whatever they mean
# marker: the line "ESCAPED:" on stdout
# category: kernel-surface
# severity: hardening
# policy: none
# unsandboxed: contained (escaped on a kernel with x32)

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
    hits = []
    for name, nr in (("getpid", 39), ("ptrace", 521), ("io_uring_setup", 425), ("openat", 257), ("execve", 520), ("socket", 41), ("bpf", 321)):
        r, e = call(0x40000000 | nr, 99, -1, -1, 99)
        if r >= 0 or e not in REFUSED:
            hits.append("x32 %s: %d, errno %d" % (name, r, e))
    for nr in (0x80000000 | 39, 512, 521, 547, 1 << 20):
        r, e = call(nr, 99, -1, -1, 99)
        if r >= 0 or e not in REFUSED:
            hits.append("number 0x%x: %d, errno %d" % (nr, r, e))
    if hits:
        return "; ".join(hits[:5])
    raise RuntimeError("all refused")


def _report():
    try:
        got, why = attack(), "no effect"
    except BaseException as exc:      # a refused step arrives here as an exception
        got, why = None, type(exc).__name__ + ": " + str(exc)
    line = ("ESCAPED: " + got) if got else ("CONTAINED: " + why)
    print(line.replace("\n", " ").replace("\r", " ")[:400], flush=True)


_report()
