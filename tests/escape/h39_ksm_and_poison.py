# goal: use madvise for what it can do to others: merge pages with other runs, poison memory
# expect: blocked: MADV_MERGEABLE and the poisoning advices are refused
# marker: the line "ESCAPED:" on stdout
# category: covert-channels
# severity: covert
# policy: none
# unsandboxed: escaped

def attack():
    import ctypes
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
    libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    p = libc.mmap(None, 1 << 20, 3, 0x22, -1, 0)
    hits = [name for name, advice in (("mergeable", 12), ("hwpoison", 100), ("soft offline", 101)) if libc.madvise(p, 1 << 20, advice) == 0]
    if hits:
        return "accepted: " + ", ".join(hits)
    raise RuntimeError("refused")


def _report():
    try:
        got, why = attack(), "no effect"
    except BaseException as exc:      # a refused step arrives here as an exception
        got, why = None, type(exc).__name__ + ": " + str(exc)
    line = ("ESCAPED: " + got) if got else ("CONTAINED: " + why)
    print(line.replace("\n", " ").replace("\r", " ")[:400], flush=True)


_report()
