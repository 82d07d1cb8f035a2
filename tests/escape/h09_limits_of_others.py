# goal: change limits, priority, affinity and scheduling of processes that are not its own
# expect: blocked: prlimit, setpriority, ioprio_set and the sched family reach nobody else
# marker: the line "ESCAPED:" on stdout
# category: processes
# severity: boundary
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
    mine, parent = os.getpid(), os.getppid()
    hits = []
    old = (ctypes.c_uint64 * 2)()
    mask = (ctypes.c_ulong * 16)()
    param = ctypes.c_int()
    for pid in [parent, *range(1, 400)]:
        if pid in (0, mine) or (parent == 0 and pid == 1):
            continue
        # what is set is what was there before: the permission counts, not the effect
        nice, _ = call((140, 141), 0, pid)
        io, _ = call((252, 31), 1, pid)
        size, _ = call((204, 123), pid, 128, ctypes.byref(mask))
        policy, _ = call((145, 120), pid)
        call((143, 121), pid, ctypes.byref(param))
        for name, known, nr, args in (("prlimit", True, (302, 261), (pid, 7, None, ctypes.byref(old))),
                                      ("sched_setaffinity", size > 0, (203, 122), (pid, size, ctypes.byref(mask))),
                                      ("setpriority", nice > 0, (141, 140), (0, pid, 20 - nice)),
                                      ("ioprio_set", io >= 0, (251, 30), (1, pid, io)),
                                      ("sched_setscheduler", policy >= 0, (144, 119), (pid, policy, ctypes.byref(param)))):
            if known and call(nr, *args)[0] == 0:
                hits.append("%s on %d" % (name, pid))
        if len(hits) > 5:
            break
    if parent != 0:                       # others of this user are in reach, so it must not be by user
        for name, nr, args in (("setpriority by user", (141, 140), (2, 0x7ffffff0, 1)), ("ioprio_set by user", (251, 30), (3, 0x7ffffff0, 0x4004))):
            r, e = call(nr, *args)
            if r == 0 or e not in REFUSED:
                hits.append("%s: errno %d" % (name, e))
    if hits:
        return ", ".join(hits[:6])
    raise RuntimeError("all refused")


def _report():
    try:
        got, why = attack(), "no effect"
    except BaseException as exc:      # a refused step arrives here as an exception
        got, why = None, type(exc).__name__ + ": " + str(exc)
    line = ("ESCAPED: " + got) if got else ("CONTAINED: " + why)
    print(line.replace("\n", " ").replace("\r", " ")[:400], flush=True)


_report()
