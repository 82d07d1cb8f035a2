# goal: reach the processes around the run: read their memory, take their descriptors, signal them
# expect: blocked: the calls are refused, and nothing but the run's own processes can be named
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
    mine = os.getpid()
    private = os.getppid() == 0          # a pid namespace of the run: its pid 1 is its own init
    hits = []
    buf = ctypes.create_string_buffer(64)
    class iov(ctypes.Structure):
        _fields_ = [("base", ctypes.c_void_p), ("len", ctypes.c_size_t)]
    local, remote = iov(ctypes.addressof(buf), 64), iov(0x400000, 64)
    for pid in [os.getppid(), *range(1, 400)]:
        if pid in (0, mine) or (private and pid == 1):
            continue
        for name, nr, args in (("kill", (62, 129), (pid, 0)), ("tkill", (200, 130), (pid, 0)), ("tgkill", (234, 131), (pid, pid, 0)),
                               ("process group", (62, 129), (-pid, 0))):
            if name == "process group" and pid in (1, os.getpgrp()):     # -1 means everybody, see e15
                continue
            r, e = call(nr, *args)
            if r == 0:
                hits.append("%s %d" % (name, pid))
        r, e = call((310, 270), pid, ctypes.byref(local), 1, ctypes.byref(remote), 1, 0)
        if r > 0 or e == 14:
            hits.append("process_vm_readv %d" % pid)
        fd, e = call(434, pid, 0)
        if fd >= 0:
            if call(424, fd, 0, 0, 0)[0] == 0:
                hits.append("pidfd_send_signal %d" % pid)
            got, e = call(438, fd, 0, 0)
            if got >= 0:
                hits.append("pidfd_getfd %d" % pid)
                os.close(got)
            os.close(fd)
        if len(hits) > 6:
            break
    if hits:
        return ", ".join(hits[:6])
    raise RuntimeError("none reached, parent is %d" % os.getppid())


def _report():
    try:
        got, why = attack(), "no effect"
    except BaseException as exc:      # a refused step arrives here as an exception
        got, why = None, type(exc).__name__ + ": " + str(exc)
    line = ("ESCAPED: " + got) if got else ("CONTAINED: " + why)
    print(line.replace("\n", " ").replace("\r", " ")[:400], flush=True)


_report()
