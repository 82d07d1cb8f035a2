# goal: make empty files and directories until refused
# expect: blocked: the writable filesystem has a limit of inodes; or killed at that limit, where the agent holds it
# marker: the line "ESCAPED:" on stdout
# category: disk
# severity: limit
# policy: none
# limits: memory=256MiB disk=64MiB wall=60
# unsandboxed: escaped

def attack():
    import os
    os.makedirs("many", exist_ok=True)
    n = 0
    try:
        for n in range(150000):
            if n % 5000 == 0:
                os.mkdir("many/%d" % n)
                d = "many/%d/" % n
            os.close(os.open(d + str(n), os.O_CREAT | os.O_WRONLY, 0o600))
    except OSError as exc:
        raise RuntimeError("%d files, then %s" % (n, exc))
    return "150000 files"


def _report():
    try:
        got, why = attack(), "no effect"
    except BaseException as exc:      # a refused step arrives here as an exception
        got, why = None, type(exc).__name__ + ": " + str(exc)
    line = ("ESCAPED: " + got) if got else ("CONTAINED: " + why)
    print(line.replace("\n", " ").replace("\r", " ")[:400], flush=True)


_report()
