# goal: start threads until refused
# expect: blocked: threads count against the task limit
# marker: the line "ESCAPED:" on stdout
# category: processes
# severity: limit
# policy: none
# limits: tasks=64 wall=10
# unsandboxed: escaped

def attack():
    import threading, time
    threading.stack_size(65536)
    n, why = 0, ""
    try:
        for n in range(400):
            threading.Thread(target=time.sleep, args=(30,), daemon=True).start()
    except (RuntimeError, MemoryError, OSError) as exc:
        why = str(exc)
    if n >= 399:
        return "400 threads"
    raise RuntimeError("%d threads, then %s" % (n, why))


def _report():
    try:
        got, why = attack(), "no effect"
    except BaseException as exc:      # a refused step arrives here as an exception
        got, why = None, type(exc).__name__ + ": " + str(exc)
    line = ("ESCAPED: " + got) if got else ("CONTAINED: " + why)
    print(line.replace("\n", " ").replace("\r", " ")[:400], flush=True)


_report()
