# goal: hold 600 MiB in files of memory that are not mapped, so that no resident page shows
# expect: blocked or killed: memfd_create refused, or its pages count against the memory limit
# marker: the line "ESCAPED:" on stdout
# category: memory
# severity: limit
# policy: none
# limits: memory=256MiB disk=64MiB
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
    import os, time
    n = 0
    for fd in range(3, 16):
        try:
            for at in range(0, os.fstat(fd).st_size, 1 << 20):
                n += os.pwrite(fd, bytes(1 << 20), at) >> 20
        except OSError:
            pass
    shared = n
    fd, e = call((319, 279), ctypes.c_char_p(b"x"), 0)
    if fd < 0:
        fd, e = call((447, 447), 0)                      # memfd_secret
    if fd < 0:
        raise RuntimeError("%d MiB in what was shared, no file of memory: errno %d" % (shared, e))
    try:
        while n < 600:
            n += os.write(fd, bytes(1 << 20)) >> 20
            time.sleep(0.001)
    except OSError as exc:
        raise RuntimeError("%d MiB, then %s" % (n, exc))
    return "%d MiB in a file of memory" % n


def _report():
    try:
        got, why = attack(), "no effect"
    except BaseException as exc:      # a refused step arrives here as an exception
        got, why = None, type(exc).__name__ + ": " + str(exc)
    line = ("ESCAPED: " + got) if got else ("CONTAINED: " + why)
    print(line.replace("\n", " ").replace("\r", " ")[:400], flush=True)


_report()
