# goal: take back what prctl has set: dumpable, death signal, and more
# expect: blocked: these options of prctl are refused
# marker: the line "ESCAPED:" on stdout
# category: kernel-surface
# severity: hardening
# policy: none
# unsandboxed: escaped

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
    hits = []
    for name, args in (("PR_SET_DUMPABLE", (4, 1, 0, 0, 0)), ("PR_SET_PDEATHSIG", (1, 0, 0, 0, 0)), ("PR_SET_PTRACER", (0x59616d61, -1, 0, 0, 0)),
                       ("PR_SET_CHILD_SUBREAPER", (36, 1, 0, 0, 0)), ("PR_SET_SECUREBITS", (28, 0, 0, 0, 0)), ("PR_SET_KEEPCAPS", (8, 1, 0, 0, 0)),
                       ("PR_SET_SYSCALL_USER_DISPATCH", (59, 0, 0, 0, 0)), ("PR_SCHED_CORE", (62, 1, 0, 0, 0)), ("PR_SET_MEMORY_MERGE", (67, 1, 0, 0, 0)),
                       ("PR_SET_THP_DISABLE", (41, 1, 0, 0, 0)), ("PR_SET_MM", (35, 99, 0, 0, 0)), ("PR_SET_SPECULATION_CTRL", (53, 0, 99, 0, 0)),
                       ("PR_CAP_AMBIENT", (47, 4, 0, 0, 0)), ("PR_SET_DUMPABLE with high bits", (4 | 1 << 32, 1, 0, 0, 0))):
        r, e = call((157, 167), *args)
        if r == 0:
            hits.append(name)
    if hits:
        return "accepted: " + ", ".join(hits)
    raise RuntimeError("all refused")


def _report():
    try:
        got, why = attack(), "no effect"
    except BaseException as exc:      # a refused step arrives here as an exception
        got, why = None, type(exc).__name__ + ": " + str(exc)
    line = ("ESCAPED: " + got) if got else ("CONTAINED: " + why)
    print(line.replace("\n", " ").replace("\r", " ")[:400], flush=True)


_report()
