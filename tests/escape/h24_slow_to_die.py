# goal: make a process that takes the kernel long to tear down, then ignore the clock
# expect: killed at the wall limit; the reply says timed_out and arrives at most 0.5 s after the limit
# marker: the line "ESCAPED:" on stdout
# category: time
# severity: limit
# policy: none
# limits: wall=2 memory=256MiB
# unsandboxed: escaped (10 s)

def attack():
    import ctypes, threading, time
    libc = ctypes.CDLL(None)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
    libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    t = time.monotonic()
    size = 60000 << 12
    p = libc.mmap(None, size, 3, 0x22, -1, 0)
    for at in range(0, size, 8192):                   # as many areas as one process may have
        libc.mprotect(p + at, 4096, 1)
    keep = [bytearray(1 << 20) for _ in range(100)]
    for _ in range(20):
        try:
            threading.Thread(target=lambda: [None for _ in iter(int, 1)], daemon=True).start()
        except RuntimeError:
            break
    while time.monotonic() - t < 10:
        pass
    return "ran 10 s"


def _report():
    try:
        got, why = attack(), "no effect"
    except BaseException as exc:      # a refused step arrives here as an exception
        got, why = None, type(exc).__name__ + ": " + str(exc)
    line = ("ESCAPED: " + got) if got else ("CONTAINED: " + why)
    print(line.replace("\n", " ").replace("\r", " ")[:400], flush=True)


_report()
