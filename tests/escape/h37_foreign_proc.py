# goal: read /proc of processes that are not of the run
# expect: blocked: no /proc, or one in which nobody else is
# marker: the line "ESCAPED:" on stdout
# category: proc
# severity: boundary
# policy: none
# unsandboxed: escaped

def attack():
    import os
    mine = {os.getpid(), os.getppid() or -1} if os.getppid() == 0 else {os.getpid()}
    hits = []
    try:
        pids = [int(x) for x in os.listdir("/proc") if x.isdigit()]
    except OSError as exc:
        pids, why = range(1, 500), exc
    for pid in pids:
        if pid == os.getpid() or (os.getppid() == 0 and pid == 1):
            continue
        for name in ("cmdline", "comm", "stat", "environ", "maps"):
            try:
                with open("/proc/%d/%s" % (pid, name), "rb") as f:
                    if f.read(64):
                        hits.append("/proc/%d/%s" % (pid, name))
                        break
            except OSError:
                pass
    for p in ("/proc/kallsyms", "/proc/kcore", "/proc/sched_debug", "/proc/timer_list", "/proc/keys", "/proc/net/unix", "/sys/kernel/notes", "/proc/modules"):
        try:
            with open(p, "rb") as f:
                if f.read(256):
                    hits.append(p)
        except OSError:
            pass
    if hits:
        return "%d readable: %s" % (len(hits), ", ".join(hits[:5]))
    raise RuntimeError("none readable")


def _report():
    try:
        got, why = attack(), "no effect"
    except BaseException as exc:      # a refused step arrives here as an exception
        got, why = None, type(exc).__name__ + ": " + str(exc)
    line = ("ESCAPED: " + got) if got else ("CONTAINED: " + why)
    print(line.replace("\n", " ").replace("\r", " ")[:400], flush=True)


_report()
