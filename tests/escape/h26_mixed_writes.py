# goal: write a million times one byte to both descriptors and both streams from four threads
# expect: contained: the run ends in time or is killed at the wall limit; what is kept is within the caps
# marker: harness: exactly one well-formed reply within the caps; supervisor memory grows by less than 64 MiB; next run works
# category: output
# severity: integrity
# policy: none
# limits: output=1MiB
# harness: check-reply
# unsandboxed: contained

def attack():
    import os, sys, threading
    def bare(fd):
        for _ in range(150000):
            os.write(fd, b"\xe2")
    def text(stream):
        for _ in range(150000):
            stream.write("\u20ac")
    threads = [threading.Thread(target=f, args=(x,)) for f, x in ((bare, 1), (bare, 2), (text, sys.stdout), (text, sys.stderr))]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    raise RuntimeError("written")


def _report():
    try:
        got, why = attack(), "no effect"
    except BaseException as exc:      # a refused step arrives here as an exception
        got, why = None, type(exc).__name__ + ": " + str(exc)
    line = ("ESCAPED: " + got) if got else ("CONTAINED: " + why)
    print(line.replace("\n", " ").replace("\r", " ")[:400], flush=True)


_report()
