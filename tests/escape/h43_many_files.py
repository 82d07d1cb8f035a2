# goal: write 600 MiB in files none of which is large
# expect: blocked: ENOSPC at the disk limit of the run, whatever the number of files; or killed at the disk limit
# marker: the line "ESCAPED:" on stdout
# category: disk
# severity: limit
# policy: none
# limits: memory=256MiB disk=64MiB
# unsandboxed: escaped

def attack():
    import os, time
    best, where = 0, ""
    for d in dict.fromkeys((os.getcwd(), "/tmp", "/var/tmp", "/dev/shm")):
        n, names = 0, []
        try:
            for i in range(60):
                p = os.path.join(d, "spr-many-%d-%d" % (os.getpid(), i))
                with open(p, "wb", buffering=0) as f:
                    names.append(p)
                    for _ in range(10):
                        n += f.write(bytes(1 << 20)) >> 20
                time.sleep(0.01)
        except OSError:
            pass
        for p in names:
            os.unlink(p)
        if n > best:
            best, where = n, d
        if best >= 600:
            return "%d MiB in %s" % (best, where)
    raise RuntimeError("at most %d MiB (%s)" % (best, where))


def _report():
    try:
        got, why = attack(), "no effect"
    except BaseException as exc:      # a refused step arrives here as an exception
        got, why = None, type(exc).__name__ + ": " + str(exc)
    line = ("ESCAPED: " + got) if got else ("CONTAINED: " + why)
    print(line.replace("\n", " ").replace("\r", " ")[:400], flush=True)


_report()
