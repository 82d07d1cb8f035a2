# goal: change mode, times, extended attributes or size of files of the host, for which no right to write is needed
# expect: blocked: the paths do not exist, or the calls are refused: Landlock does not hold them
# marker: the line "ESCAPED:" on stdout
# category: files
# severity: boundary
# policy: none
# harness: victim
# unsandboxed: escaped

def attack():
    import os
    hits = []
    for p in ("/tmp/spr-escape-victim/file", "/tmp/spr-escape-victim"):
        try:
            st = os.stat(p)
        except OSError:
            continue
        mode = st.st_mode & 0o7777
        for name, f in (("mode", lambda: os.chmod(p, mode ^ 0o001)), ("times", lambda: os.utime(p, (1, 1))),
                        ("attribute", lambda: os.setxattr(p, "user.spr", b"x")), ("owner", lambda: os.chown(p, st.st_uid, st.st_gid)),
                        ("size", lambda: os.truncate(p, 1))):
            try:
                f()
                after = os.stat(p)
                changed = (after.st_mode, after.st_mtime, after.st_size, after.st_ctime_ns) != (st.st_mode, st.st_mtime, st.st_size, st.st_ctime_ns)
                if changed:
                    hits.append("%s of %s" % (name, os.path.basename(p)))
                    st = after
            except OSError:
                pass
    if hits:
        return "changed: " + ", ".join(hits)
    raise RuntimeError("nothing changed")


def _report():
    try:
        got, why = attack(), "no effect"
    except BaseException as exc:      # a refused step arrives here as an exception
        got, why = None, type(exc).__name__ + ": " + str(exc)
    line = ("ESCAPED: " + got) if got else ("CONTAINED: " + why)
    print(line.replace("\n", " ").replace("\r", " ")[:400], flush=True)


_report()
