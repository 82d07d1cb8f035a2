# goal: leave symbolic and hard links for whoever cleans up or collects after the run
# expect: contained: nobody follows them; a directory of the host is whole afterwards
# marker: the line "ESCAPED:" on stdout
# category: artifacts
# severity: boundary
# policy: none
# harness: victim
# unsandboxed: escaped

def attack():
    import os
    victim = "/tmp/spr-escape-victim"
    made = []
    for name, f in (("link to a directory", lambda: os.symlink(victim, "victim")), ("link to a file", lambda: os.symlink(victim + "/file", "file")),
                    ("link to /", lambda: os.symlink("/", "root")), ("link upwards", lambda: os.symlink("../" * 40, "up")),
                    ("link to a descriptor", lambda: os.symlink("/proc/self/fd/3", "fd")), ("hard link", lambda: os.link(victim + "/file", "hard")),
                    ("rename over the work directory", lambda: (os.mkdir("/tmp/spr-x"), os.rename(os.getcwd(), "/tmp/spr-x/y"), os.symlink(victim, os.getcwd()))),
                    ("fifo", lambda: os.mkfifo("fifo"))):
        try:
            f()
            made.append(name)
        except OSError:
            pass
    for f in (lambda: os.unlink(victim + "/file"), lambda: os.truncate(victim + "/file", 0), lambda: os.rename(victim, victim + "-gone")):
        try:
            f()
            return "a directory of the host was changed"
        except OSError:
            pass
    raise RuntimeError("made: " + (", ".join(made) or "nothing"))


def _report():
    try:
        got, why = attack(), "no effect"
    except BaseException as exc:      # a refused step arrives here as an exception
        got, why = None, type(exc).__name__ + ": " + str(exc)
    line = ("ESCAPED: " + got) if got else ("CONTAINED: " + why)
    print(line.replace("\n", " ").replace("\r", " ")[:400], flush=True)


_report()
