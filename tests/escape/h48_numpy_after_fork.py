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
    try:
        import numpy
        word = '%s %s' % (numpy.random.rand(), numpy.random.default_rng().integers(1 << 40))
    except ImportError:
        import os
        word = 'no numpy here ' + os.urandom(8).hex()
    raise RuntimeError(word)


def _report():
    try:
        got, why = attack(), "no effect"
    except BaseException as exc:      # a refused step arrives here as an exception
        got, why = None, type(exc).__name__ + ": " + str(exc)
    line = ("ESCAPED: " + got) if got else ("CONTAINED: " + why)
    print(line.replace("\n", " ").replace("\r", " ")[:400], flush=True)


_report()
