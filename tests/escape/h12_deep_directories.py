# goal: nest directories deeper than any path may name, and leave them without rights
# expect: contained: what is left is removed, whatever its depth, also where the wall limit came first; the next run works
# marker: harness: exactly one well-formed reply within the caps; supervisor memory grows by less than 64 MiB; next run works
# category: artifacts
# severity: integrity
# policy: none
# limits: disk=64MiB
# harness: check-reply
# unsandboxed: contained

def attack():
    import os
    top = os.getcwd()
    depth = 0
    try:
        for depth in range(4000):
            os.mkdir("d" * 40)
            os.chdir("d" * 40)
        with open("deep", "w") as f:
            f.write("x")
    except OSError as exc:
        pass
    for _ in range(3):
        try:
            os.chmod(".", 0)
            os.chdir("..")
        except OSError:
            break
    try:
        os.symlink(top, "loop")
        os.chdir(top)
        os.chmod("d" * 40, 0)
    except OSError:
        pass
    raise RuntimeError("depth %d" % depth)


def _report():
    try:
        got, why = attack(), "no effect"
    except BaseException as exc:      # a refused step arrives here as an exception
        got, why = None, type(exc).__name__ + ": " + str(exc)
    line = ("ESCAPED: " + got) if got else ("CONTAINED: " + why)
    print(line.replace("\n", " ").replace("\r", " ")[:400], flush=True)


_report()
