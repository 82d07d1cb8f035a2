# goal: get the same 'random' values as the run before: state that every child of one zygote inherits
# expect: contained: the second run sees other values
# marker: harness: the two runs print different lines
# category: state-leak
# severity: boundary
# policy: none
# runs: 2
# harness: lines-differ
# unsandboxed: contained (a fresh process each time)

def attack():
    import random
    word = '%.17g %s' % (random.random(), random.randbytes(4).hex())
    raise RuntimeError(word)


def _report():
    try:
        got, why = attack(), "no effect"
    except BaseException as exc:      # a refused step arrives here as an exception
        got, why = None, type(exc).__name__ + ": " + str(exc)
    line = ("ESCAPED: " + got) if got else ("CONTAINED: " + why)
    print(line.replace("\n", " ").replace("\r", " ")[:400], flush=True)


_report()
