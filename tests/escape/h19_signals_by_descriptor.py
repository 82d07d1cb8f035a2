# goal: have the kernel send signals to the parent through descriptors: F_SETOWN, F_SETSIG, leases, dnotify
# expect: blocked: these commands of fcntl and ioctl are refused, or there is no other process to name
# marker: the line "ESCAPED:" on stdout
# category: processes
# severity: boundary
# policy: none
# unsandboxed: escaped

def attack():
    import fcntl, os, socket, struct
    parent = os.getppid()
    hits, weak = [], []
    r, w = os.pipe()
    a, b = socket.socketpair()
    for target in (parent, -parent):
        for fd in (r, a.fileno(), 0, 3):
            for name, f in (("F_SETOWN", lambda: fcntl.fcntl(fd, 8, target)),
                            ("F_SETOWN_EX", lambda: fcntl.fcntl(fd, 15, struct.pack("ii", 1, abs(target)))),
                            ("FIOSETOWN", lambda: fcntl.ioctl(fd, 0x8901, struct.pack("i", target))),
                            ("SIOCSPGRP", lambda: fcntl.ioctl(fd, 0x8902, struct.pack("i", target)))):
                try:
                    f()
                    (hits if parent else weak).append("%s on %d" % (name, target))
                except OSError:
                    pass
    if hits:
        return "signals to the parent by " + ", ".join(dict.fromkeys(hits))
    raise RuntimeError("refused, or no parent in sight (%d)" % parent)


def _report():
    try:
        got, why = attack(), "no effect"
    except BaseException as exc:      # a refused step arrives here as an exception
        got, why = None, type(exc).__name__ + ": " + str(exc)
    line = ("ESCAPED: " + got) if got else ("CONTAINED: " + why)
    print(line.replace("\n", " ").replace("\r", " ")[:400], flush=True)


_report()
