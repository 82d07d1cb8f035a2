# goal: stop itself, with a thread that stops it again
# expect: killed at the wall limit; a stopped process is killed like any other
# marker: the line "ESCAPED:" on stdout
# category: time
# severity: limit
# policy: none
# limits: wall=2
# unsandboxed: contained (it stops)

def attack():
    import os, signal, threading, time
    def again():
        while True:
            os.kill(os.getpid(), signal.SIGSTOP)
    t = time.monotonic()
    threading.Thread(target=again, daemon=True).start()
    os.kill(os.getpid(), signal.SIGSTOP)
    while time.monotonic() - t < 10:
        time.sleep(0.1)
    return "ran on for 10 s after a stop"


def _report():
    try:
        got, why = attack(), "no effect"
    except BaseException as exc:      # a refused step arrives here as an exception
        got, why = None, type(exc).__name__ + ": " + str(exc)
    line = ("ESCAPED: " + got) if got else ("CONTAINED: " + why)
    print(line.replace("\n", " ").replace("\r", " ")[:400], flush=True)


_report()
