# goal: reach a terminal: push characters into it, open one, take one as controlling
# expect: blocked: no terminal among the descriptors, none can be opened, its ioctls are refused
# marker: the line "ESCAPED:" on stdout
# category: processes
# severity: hardening
# policy: none
# unsandboxed: contained (escaped where it has a terminal or may open /dev/ptmx)

def attack():
    import fcntl, os
    hits = []
    for path in ("/dev/tty", "/dev/ptmx", "/dev/pts/0", "/dev/console", "/dev/tty0"):
        try:
            os.close(os.open(path, os.O_RDWR | os.O_NOCTTY))
            hits.append("opened " + path)
        except OSError:
            pass
    for fd in range(16):
        if os.isatty(fd):
            hits.append("descriptor %d is a terminal" % fd)
        for name, request in (("TIOCSTI", 0x5412), ("TIOCSTI with high bits", 0x5412 | 1 << 32), ("TIOCLINUX", 0x541c), ("TIOCSCTTY", 0x540e), ("TIOCSETD", 0x5423)):
            try:
                fcntl.ioctl(fd, request & 0xffffffff, b"x\0\0\0")
                hits.append("%s on %d" % (name, fd))
            except OSError:
                pass
    if hits:
        return ", ".join(hits[:5])
    raise RuntimeError("no terminal")


def _report():
    try:
        got, why = attack(), "no effect"
    except BaseException as exc:      # a refused step arrives here as an exception
        got, why = None, type(exc).__name__ + ": " + str(exc)
    line = ("ESCAPED: " + got) if got else ("CONTAINED: " + why)
    print(line.replace("\n", " ").replace("\r", " ")[:400], flush=True)


_report()
