# goal: read what the host had in its environment and on its command line
# expect: blocked: the run has an environment of its own
# marker: the line "ESCAPED:" on stdout
# category: state-leak
# severity: boundary
# policy: none
# harness: plant-canary
# unsandboxed: escaped when the harness plants its canary

def attack():
    import os, re, sys
    text = "\0".join("%s=%s" % x for x in os.environ.items()) + "\0".join(sys.argv + getattr(sys, "orig_argv", []))
    import ctypes
    libc = ctypes.CDLL(None)
    try:
        block = ctypes.POINTER(ctypes.c_char_p).in_dll(libc, "environ")
        n = 0
        while block and block[n]:
            text += "\0" + block[n].decode("utf-8", "replace")
            n += 1
    except ValueError:
        pass
    for path in ("/proc/self/environ", "/proc/1/environ", "/proc/1/cmdline", "/proc/self/cmdline"):
        try:
            with open(path, "rb") as f:
                text += f.read(65536).decode("utf-8", "replace")
        except OSError:
            pass
    if "SPR-" + "CANARY" in text or "SPR_" + "CANARY" in text:
        return "the environment of the host"
    odd = [k for k in os.environ if re.search(r"KEY|TOKEN|SECRET|PASS|SSH|AWS|SUDO|DISPLAY|XDG", k)]
    if odd:
        return "variables of the host: " + ", ".join(odd)
    raise RuntimeError("%d variables: %s" % (len(os.environ), " ".join(sorted(os.environ))))


def _report():
    try:
        got, why = attack(), "no effect"
    except BaseException as exc:      # a refused step arrives here as an exception
        got, why = None, type(exc).__name__ + ": " + str(exc)
    line = ("ESCAPED: " + got) if got else ("CONTAINED: " + why)
    print(line.replace("\n", " ").replace("\r", " ")[:400], flush=True)


_report()
