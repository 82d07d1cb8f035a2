# goal: queue signals to itself until refused: they are counted per user, not per run
# expect: blocked: RLIMIT_SIGPENDING small, or the calls refused
# marker: the line "ESCAPED:" on stdout
# category: memory
# severity: limit
# policy: none
# unsandboxed: escaped

def attack():
    import ctypes, os, signal
    signal.pthread_sigmask(signal.SIG_BLOCK, range(34, 65))
    libc = ctypes.CDLL(None, use_errno=True)
    libc.sigqueue.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_void_p]
    n = 0
    while n < 5000 and libc.sigqueue(os.getpid(), 40, None) == 0:
        n += 1
    if n >= 5000:
        return "5000 signals queued"
    raise RuntimeError("%d signals queued, errno %d" % (n, ctypes.get_errno()))


def _report():
    try:
        got, why = attack(), "no effect"
    except BaseException as exc:      # a refused step arrives here as an exception
        got, why = None, type(exc).__name__ + ": " + str(exc)
    line = ("ESCAPED: " + got) if got else ("CONTAINED: " + why)
    print(line.replace("\n", " ").replace("\r", " ")[:400], flush=True)


_report()
