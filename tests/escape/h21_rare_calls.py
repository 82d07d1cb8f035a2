# goal: try calls that no program needs: fanotify, kcmp, quotas, swap, modules, kexec, acct, handles, process_madvise, NUMA, clocks
# expect: blocked: EPERM, ENOSYS or SIGSYS before any kernel code of the call runs
# marker: the line "ESCAPED:" on stdout
# category: kernel-surface
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
    hits = []
    for name, nr, args in (("fanotify_init", (300, 262), (0, 0)), ("kcmp", (312, 272), (0, 0, 99)), ("quotactl", (179, 60), (0, 0, 0, 0)),
                           ("swapon", (167, 224), (0, 0)), ("init_module", (175, 105), (0, 0, 0)), ("finit_module", (313, 273), (-1, 0, 0)),
                           ("kexec_load", (246, 104), (0, 0, 0, 0)), ("acct", (163, 89), (1,)), ("name_to_handle_at", (303, 264), (-1, 0, 0, 0, 0)),
                           ("process_madvise", (440, 440), (-1, 0, 0, 0, 0)), ("process_mrelease", 448, (-1, 0)), ("mbind", (237, 235), (0, 4096, 99, 0, 0, 0)),
                           ("move_pages", (279, 239), (0, 0, 0, 0, 0, 99)), ("set_mempolicy", (238, 237), (99, 0, 0)), ("lookup_dcookie", (212, 18), (0, 0, 0)),
                           ("clock_settime", (227, 112), (99, 0)), ("adjtimex", (159, 171), (0,)), ("settimeofday", (164, 170), (1, 1)),
                           ("reboot", (169, 142), (0, 0, 0, 0)), ("sethostname", (170, 161), (0, -1)), ("syslog", (103, 116), (99, 0, 0)),
                           ("vmsplice", (278, 75), (-1, 0, 0, 0)), ("tee", (276, 77), (-1, -1, 0, 0)), ("sync_file_range", (277, 84), (-1, 0, 0, 99)),
                           ("futex_waitv", 449, (0, 0, 99, 0, 0)), ("landlock_create_ruleset", 444, (0, 0, 99)), ("pidfd_getfd", 438, (-1, 0, 99)),
                           ("fsmount", 432, (-1, 99, 0)), ("open_by_handle_at", (304, 265), (-1, 0, 0)), ("memfd_secret", 447, (99,)),
                           ("userfaultfd", (323, 282), (99,)), ("timerfd_create", (283, 85), (99, 99)), ("signalfd4", (289, 74), (-1, 0, 0, 99)),
                           ("inotify_init1", (294, 26), (99,)), ("copy_file_range", (326, 285), (-1, 0, -1, 0, 1, 99)), ("readahead", (187, 213), (-1, 0, 0)),
                           ("mlockall", (151, 230), (99,)), ("remap_file_pages", (216, 234), (1, 1, 1, 1, 1)), ("rt_tgsigqueueinfo", (297, 240), (1, 1, 0, 0))):
        r, e = call(nr, *args)
        if name == "copy_file_range" and e == 18:          # "other file systems": a filter's answer that libraries understand
            continue
        if r != -1 or e not in REFUSED:
            hits.append("%s=%d" % (name, e))
    if hits:
        return "reached: " + " ".join(hits)
    raise RuntimeError("all refused")


def _report():
    try:
        got, why = attack(), "no effect"
    except BaseException as exc:      # a refused step arrives here as an exception
        got, why = None, type(exc).__name__ + ": " + str(exc)
    line = ("ESCAPED: " + got) if got else ("CONTAINED: " + why)
    print(line.replace("\n", " ").replace("\r", " ")[:400], flush=True)


_report()
