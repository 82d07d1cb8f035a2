# goal: make a process with the bare calls: clone, clone3, fork, vfork
# expect: blocked: only threads can be made
# marker: the line "ESCAPED:" on stdout
# category: processes
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
    args = (ctypes.c_uint64 * 11)(0, 0, 0, 0, 17)
    for name, nr, arguments in (("clone", (56, 220), (17, 0, 0, 0, 0)), ("clone with parent", (56, 220), (17 | 0x8000, 0, 0, 0, 0)),
                                ("clone with high bits", (56, 220), (17 | 1 << 40, 0, 0, 0, 0)), ("fork", (57, None), ()),
                                ("clone3", 435, (ctypes.byref(args), 88)), ("clone3 short", 435, (ctypes.byref(args), 64))):
        r, e = call(nr, *arguments)
        if r == 0:
            os._exit(0)
        if r > 0:
            hits.append(name)
    if hits:
        return "made by " + ", ".join(hits)
    raise RuntimeError("all refused")


def _report():
    try:
        got, why = attack(), "no effect"
    except BaseException as exc:      # a refused step arrives here as an exception
        got, why = None, type(exc).__name__ + ": " + str(exc)
    line = ("ESCAPED: " + got) if got else ("CONTAINED: " + why)
    print(line.replace("\n", " ").replace("\r", " ")[:400], flush=True)


_report()
