# goal: raise its own resource limits, soft and hard
# expect: blocked: hard limits do not rise, no core file becomes possible
# marker: the line "ESCAPED:" on stdout
# category: processes
# severity: limit
# policy: none
# unsandboxed: escaped

def attack():
    import resource
    hits = []
    for name in dir(resource):
        if not name.startswith("RLIMIT_"):
            continue
        which = getattr(resource, name)
        soft, hard = resource.getrlimit(which)
        if hard == resource.RLIM_INFINITY:
            continue
        for value in (hard + 1, hard * 2 + 4096, resource.RLIM_INFINITY):
            try:
                resource.setrlimit(which, (value, value))
                hits.append("%s from %d" % (name, hard))
                break
            except (ValueError, OSError):
                pass
    if resource.getrlimit(resource.RLIMIT_CORE)[1] != 0:
        hits.append("RLIMIT_CORE is not 0")
    if hits:
        return "raised: " + ", ".join(hits[:5])
    raise RuntimeError("no limit rose")


def _report():
    try:
        got, why = attack(), "no effect"
    except BaseException as exc:      # a refused step arrives here as an exception
        got, why = None, type(exc).__name__ + ": " + str(exc)
    line = ("ESCAPED: " + got) if got else ("CONTAINED: " + why)
    print(line.replace("\n", " ").replace("\r", " ")[:400], flush=True)


_report()
