# goal: make own bytes executable by way of a file: map it executable, add the right later, load it as a library
# expect: blocked: what can be written is mounted noexec
# marker: the line "ESCAPED:" on stdout
# category: audit-and-memory
# severity: hardening
# policy: none
# unsandboxed: escaped

def attack():
    import ctypes, os
    hits = []
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
    libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    bad = ctypes.c_void_p(-1).value
    for d in dict.fromkeys(("/tmp", os.getcwd(), "/dev/shm", "/var/tmp", os.path.expanduser("~"))):
        try:
            fd = os.open(os.path.join(d, "spr-own-code"), os.O_RDWR | os.O_CREAT, 0o700)
            os.pwrite(fd, b"\xc3" * 4096, 0)
        except OSError:
            continue
        for how, flags in (("private", 2), ("shared", 1)):
            p = libc.mmap(None, 4096, 5, flags, fd, 0)
            if p not in (bad, None):
                hits.append("%s mapped executable, %s" % (d, how))
            p = libc.mmap(None, 4096, 1, flags, fd, 0)
            if p not in (bad, None) and libc.mprotect(p, 4096, 5) == 0:
                hits.append("%s made executable, %s" % (d, how))
        try:
            import _ctypes
            with open(_ctypes.__file__, "rb") as f, open(os.path.join(d, "spr-own.so"), "wb") as g:
                g.write(f.read())
            ctypes.CDLL(os.path.join(d, "spr-own.so"))
            hits.append("a library loaded from " + d)
        except (OSError, ImportError, AttributeError):
            pass
        for name in ("spr-own-code", "spr-own.so"):
            try:
                os.unlink(os.path.join(d, name))
            except OSError:
                pass
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
