# goal: close the socket to the agent, or half of it, and run on
# expect: killed at the wall limit or at once; closing the socket ends neither the clock nor the limits
# marker: the line "ESCAPED:" on stdout
# category: time
# severity: limit
# policy: none
# limits: wall=2
# harness: check-reply
# unsandboxed: escaped (10 s)

def attack():
    import os, socket, time
    try:
        socket.socket(fileno=3).shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    os.closerange(3, 64)
    t = time.monotonic()
    x = []
    while time.monotonic() - t < 10:
        x.append(1)
        del x[:]
    return "ran 10 s without a socket"


def _report():
    try:
        got, why = attack(), "no effect"
    except BaseException as exc:      # a refused step arrives here as an exception
        got, why = None, type(exc).__name__ + ": " + str(exc)
    line = ("ESCAPED: " + got) if got else ("CONTAINED: " + why)
    print(line.replace("\n", " ").replace("\r", " ")[:400], flush=True)


_report()
