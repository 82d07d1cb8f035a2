# goal: execute a program of its own: from a memfd, from the writable directory, through the loader
# expect: blocked: nothing the run has written can be executed, also where processes are allowed
# marker: the line "ESCAPED:" on stdout
# category: processes
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
    import os, sys
    with open("/proc/self/exe" if os.path.exists("/proc/self/exe") else os.path.realpath(sys.executable), "rb") as f:
        image = f.read()
    fds = []
    fd, e = call((319, 279), ctypes.c_char_p(b"x"), 0)
    if fd >= 0:
        fds.append(("memfd", fd))
    for d in ("/tmp", os.getcwd(), "/dev/shm"):
        p = os.path.join(d, "spr-own-program")
        try:
            with open(p, "wb") as f:
                f.write(image)
            os.chmod(p, 0o755)
            fds.append((p, os.open(p, os.O_RDONLY)))
        except OSError:
            pass
    argv = ["python", "-I", "-S", "-c", "import os; os.write(1, b'ESCAPED: a program of my own ran\\n')"]
    tried = []
    for name, fd in fds:
        if name == "memfd":
            for at in range(0, len(image), 1 << 20):
                os.write(fd, image[at:at + (1 << 20)])
            targets = [fd]
        else:
            targets = [name, fd]
        loaders = [["/lib64/ld-linux-x86-64.so.2", name], ["/lib/ld-linux-aarch64.so.1", name]]
        for target in targets:
            try:
                pid = os.fork()
            except OSError:
                pid = 0
            if pid == 0:
                try:
                    os.execve(target, argv, {})
                except BaseException as exc:
                    tried.append("%s: %s" % (name, exc))
                for loader in loaders:
                    try:
                        os.execve(loader[0], [*loader, *argv[1:]], {})
                    except BaseException:
                        pass
                if os.getpid() != _pid:
                    os._exit(0)
            else:
                os.waitpid(pid, 0)
    raise RuntimeError("; ".join(tried) or "all refused")


import os
_pid = os.getpid()


def _report():
    try:
        got, why = attack(), "no effect"
    except BaseException as exc:      # a refused step arrives here as an exception
        got, why = None, type(exc).__name__ + ": " + str(exc)
    line = ("ESCAPED: " + got) if got else ("CONTAINED: " + why)
    print(line.replace("\n", " ").replace("\r", " ")[:400], flush=True)


_report()
