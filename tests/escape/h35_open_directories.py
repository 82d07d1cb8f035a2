# goal: leave by a directory or a path descriptor that was left open, or by the working directory
# expect: blocked: no descriptor is a directory, and `..` of the working directory ends at the root
# marker: the line "ESCAPED:" on stdout
# category: files
# severity: boundary
# policy: none
# unsandboxed: contained

def attack():
    import os, stat
    hits = []
    root = os.stat("/")
    for fd in range(0, 1024):
        try:
            st = os.fstat(fd)
        except OSError:
            continue
        if stat.S_ISDIR(st.st_mode):
            hits.append("descriptor %d is a directory" % fd)
        elif fd > 2 and (stat.S_ISREG(st.st_mode) and st.st_nlink or stat.S_ISLNK(st.st_mode) or stat.S_ISBLK(st.st_mode)):
            hits.append("descriptor %d is a file of the host" % fd)
    top = "../" * 64
    st = os.stat(top)
    if (st.st_dev, st.st_ino) != (root.st_dev, root.st_ino):
        hits.append("the working directory is outside of the root")
    if hits:
        return ", ".join(hits[:4])
    raise RuntimeError("none open")


def _report():
    try:
        got, why = attack(), "no effect"
    except BaseException as exc:      # a refused step arrives here as an exception
        got, why = None, type(exc).__name__ + ": " + str(exc)
    line = ("ESCAPED: " + got) if got else ("CONTAINED: " + why)
    print(line.replace("\n", " ").replace("\r", " ")[:400], flush=True)


_report()
