# goal: make own bytes executable by way of what was left open, a memfd, or tricks with mprotect
# expect: blocked: no executable mapping of anything the run can write
# marker: the line "ESCAPED:" on stdout
# category: audit-and-memory
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
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
    libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    bad = ctypes.c_void_p(-1).value
    files = []
    fd, e = call((319, 279), ctypes.c_char_p(b"x"), 0)
    if fd >= 0:
        files.append(("memfd", fd))
    for fd in range(3, 16):
        try:
            if os.fstat(fd).st_size >= 4096:
                files.append(("descriptor %d" % fd, fd))
        except OSError:
            pass
    for name, fd in files:
        try:
            os.pwrite(fd, b"\xc3" * 4096, 0)
        except OSError:
            pass
        for how, flags in (("private", 2), ("shared", 1)):
            p = libc.mmap(None, 4096, 5, flags, fd, 0)
            if p not in (bad, None):
                hits.append("%s mapped executable, %s" % (name, how))
            p = libc.mmap(None, 4096, 1, flags, fd, 0)
            if p not in (bad, None) and libc.mprotect(p, 4096, 5) == 0:
                hits.append("%s made executable, %s" % (name, how))
            if p not in (bad, None) and call((329, 288), p, 4096, 5, -1)[0] == 0:
                hits.append("%s made executable by pkey_mprotect, %s" % (name, how))
    p = libc.mmap(None, 4096, 3, 0x22, -1, 0)
    if p not in (bad, None) and libc.mprotect(p, 4096, 5 | 0x01000000) == 0:
        hits.append("mprotect with PROT_GROWSDOWN")
    p = libc.mmap(None, 4096, 0, 0x22, -1, 0)
    if p not in (bad, None) and libc.mprotect(p, 4096, 7) == 0:
        hits.append("PROT_NONE made executable")
    r, e = call((30, 196), -1, 0, 0x8000)         # shmat(SHM_EXEC)
    if e not in REFUSED and e != 22:
        hits.append("shmat(SHM_EXEC): errno %d" % e)
    if hits:
        return "; ".join(hits[:5])
    raise RuntimeError("all refused, %d files tried" % len(files))


def _report():
    try:
        got, why = attack(), "no effect"
    except BaseException as exc:      # a refused step arrives here as an exception
        got, why = None, type(exc).__name__ + ": " + str(exc)
    line = ("ESCAPED: " + got) if got else ("CONTAINED: " + why)
    print(line.replace("\n", " ").replace("\r", " ")[:400], flush=True)


_report()
