# goal: talk to another run: abstract and bound sockets, datagrams, loopback
# expect: blocked: two runs at the same time find no common place
# marker: the line "ESCAPED:" on stdout
# category: covert-channels
# severity: boundary
# policy: none
# runs: 2 at the same time
# unsandboxed: escaped (second of two parallel runs)

def attack():
    import socket, time
    name = "\0spr-escape-peer"
    try:
        c = socket.socket(socket.AF_UNIX)
        c.settimeout(0.3)
        c.connect(name)
        if c.recv(64).startswith(b"spr-peer"):
            return "talked to another run over an abstract socket"
    except OSError as exc:
        why = exc
    s = socket.socket(socket.AF_UNIX)
    try:
        s.bind(name)
    except OSError as exc:
        raise RuntimeError("no peer answers, though a name may be taken: %s" % exc)
    s.listen(1)
    s.settimeout(3)
    try:
        c, _ = s.accept()
        c.sendall(b"spr-peer hello")
        raise RuntimeError("a peer came")
    except TimeoutError:
        raise RuntimeError("no peer within 3 s")


def _report():
    try:
        got, why = attack(), "no effect"
    except BaseException as exc:      # a refused step arrives here as an exception
        got, why = None, type(exc).__name__ + ": " + str(exc)
    line = ("ESCAPED: " + got) if got else ("CONTAINED: " + why)
    print(line.replace("\n", " ").replace("\r", " ")[:400], flush=True)


_report()
