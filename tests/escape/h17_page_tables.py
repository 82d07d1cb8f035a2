# goal: use memory that no resident page shows: page tables of a huge sparse mapping
# expect: killed or refused: page tables count, or the address space is bounded
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
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
    libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    n = 0
    step = 64 << 30
    for _ in range(16):                                # 1 TiB in all, one byte of each 2 MiB is read
        p = libc.mmap(None, step, 1, 0x4022, -1, 0)      # read-only, private, anonymous, no reserve
        if p in (None, ctypes.c_void_p(-1).value):
            raise RuntimeError("%d pages of page tables, then mmap: errno %d" % (n, ctypes.get_errno()))
        libc.madvise(p, step, 15)                        # no huge pages
        for at in range(0, step, 2 << 20):
            ctypes.c_char.from_address(p + at).value
            n += 1
        if n >= 160000:
            return "%d MiB of page tables" % (n * 4096 >> 20)
    raise RuntimeError("%d" % n)


def _report():
    try:
        got, why = attack(), "no effect"
    except BaseException as exc:      # a refused step arrives here as an exception
        got, why = None, type(exc).__name__ + ": " + str(exc)
    line = ("ESCAPED: " + got) if got else ("CONTAINED: " + why)
    print(line.replace("\n", " ").replace("\r", " ")[:400], flush=True)


_report()
