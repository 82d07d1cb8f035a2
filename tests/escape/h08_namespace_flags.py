# goal: slip each namespace flag through clone, clone3, unshare and setns, alone and beside the flags of a thread
# expect: blocked: EPERM or ENOSYS before the kernel looks at the rest
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
    import os
    hits = []
    thread = 0x3d0e00                    # of a thread, but without CLONE_VM: EINVAL, where it comes so far
    for name, flag in (("user", 0x10000000), ("mount", 0x20000), ("net", 0x40000000), ("pid", 0x20000000), ("ipc", 0x08000000),
                       ("uts", 0x04000000), ("cgroup", 0x02000000), ("time", 0x80)):
        for how, flags in (("thread", flag | thread), ("high bits", flag | 1 << 32 | thread), ("process", flag | 0x800)):
            if name == "time":                # to clone the bit is one of a signal's number
                continue
            r, e = call((56, 220), flags, 0, 0, 0, 0)
            if r == 0:
                os._exit(0)
            if r > 0 or e not in REFUSED:
                hits.append("clone %s %s: errno %d" % (name, how, e))
        args = (ctypes.c_uint64 * 11)(flag | thread, 0, 0, 0, 0)
        r, e = call(435, ctypes.byref(args), 88)
        if r == 0:
            os._exit(0)
        if r > 0 or e not in REFUSED:
            hits.append("clone3 %s: errno %d" % (name, e))
        r, e = call((272, 97), flag | 0x10000)
        if r == 0 or e not in REFUSED:
            hits.append("unshare %s: errno %d" % (name, e))
        r, e = call((308, 268), 0, flag)
        if r == 0 or e not in REFUSED:
            hits.append("setns %s: errno %d" % (name, e))
    if hits:
        return "; ".join(hits[:6])
    raise RuntimeError("all refused")


def _report():
    try:
        got, why = attack(), "no effect"
    except BaseException as exc:      # a refused step arrives here as an exception
        got, why = None, type(exc).__name__ + ": " + str(exc)
    line = ("ESCAPED: " + got) if got else ("CONTAINED: " + why)
    print(line.replace("\n", " ").replace("\r", " ")[:400], flush=True)


_report()
