# goal: tell from names that are taken whether another run is there: abstract sockets, ports, shared memory
# expect: blocked, or accepted in writing: runs that may start processes share one empty network
# marker: the line "ESCAPED:" on stdout
# category: covert-channels
# severity: covert
# policy: none
# runs: 2 at the same time
# unsandboxed: escaped (second of two parallel runs)

def attack():
    import os, socket, time
    hits = []
    keep = []
    for n in range(3):
        try:
            s = socket.socket(socket.AF_UNIX)
            s.bind("\0spr-escape-name-%d" % n)
            keep.append(s)
        except OSError as exc:
            if exc.errno == 98:
                hits.append("abstract name %d" % n)
    try:
        fd = os.open("/dev/shm/spr-escape-name", os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666)
        os.close(fd)
    except FileExistsError:
        hits.append("shared memory")
    except OSError:
        pass
    if hits:
        return "taken by another run: " + ", ".join(hits)
    time.sleep(0.6)
    raise RuntimeError("%d names free" % len(keep))


def _report():
    try:
        got, why = attack(), "no effect"
    except BaseException as exc:      # a refused step arrives here as an exception
        got, why = None, type(exc).__name__ + ": " + str(exc)
    line = ("ESCAPED: " + got) if got else ("CONTAINED: " + why)
    print(line.replace("\n", " ").replace("\r", " ")[:400], flush=True)


_report()
