# SPDX-License-Identifier: MIT
"""S-11 in the long run. Pairs of runs: the first leaves a mark wherever code can leave one, the second looks for it.

Modules, files, environment, settings of the interpreter and of the process: what the second finds
must be what a run finds that came after none. Random numbers of all runs together: none twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

# What both programs import; warm in the zygote these are the state that all runs inherit.
PRELOADS = ["decimal", "random", "secrets", "ssl", "tempfile", "uuid"]
EVERYTHING: dict[str, object] = {"blocked_imports": [], "blocked_builtins": []}

DRAW = """
import builtins, decimal, gc, json, math, os, random, secrets, signal, ssl, sys, tempfile, time, types, uuid
import resource
try:
    import numpy
except ImportError:
    numpy = None

PLACES = ["/tmp/spr-mark", "spr-mark", os.path.expanduser("~/spr-mark"), "/dev/shm/spr-mark", "/var/tmp/spr-mark"]

def draw():
    drawn = {
        "random": random.random(),
        "randbytes": random.randbytes(16).hex(),
        "uuid4": uuid.uuid4().hex,
        "secrets": secrets.token_hex(16),
        "urandom": os.urandom(16).hex(),
        "ssl": ssl.RAND_bytes(16).hex(),
        "tempfile": os.path.basename(tempfile.mktemp()),
    }
    if numpy:
        drawn["numpy"] = numpy.random.random()
        drawn["numpy generator"] = numpy.random.default_rng().random()
    return drawn
"""

WRITE = (
    DRAW
    + """
drawn = draw()
mark = "mark %s"
json.spr_mark = builtins.spr_mark = mark
sys.modules["spr_mark"] = types.ModuleType(mark)
with open("spr_own.py", "w") as file:
    file.write("mark = 1")
sys.path.insert(0, os.getcwd())
import spr_own
math.pi = 3
decimal.getcontext().prec = 7
sys.path.insert(0, mark)
sys.setrecursionlimit(777)
gc.disable()
os.environ["SPR_MARK"] = mark
os.environ["TZ"] = "Asia/Tokyo"
time.tzset()
os.umask(0)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))
written = 0
for place in PLACES:
    try:
        with open(place, "w") as file:
            written += file.write(mark)
    except OSError:
        pass
assert written, "nowhere to write"
random.seed(42)
if numpy:
    numpy.random.seed(42)
uuid.uuid4 = secrets.token_hex = os.urandom = None
os.chdir("/")
result = {"drawn": drawn, "seeded": [random.random(), numpy.random.random() if numpy else None]}
"""
)

LOOK = (
    DRAW
    + """
def importable(name):
    try:
        __import__(name)
    except ImportError:
        return False
    return True

here = os.getcwd()
umask = os.umask(0o77)
result = {
    "drawn": draw(),
    "state": {
        "modules": [hasattr(json, "spr_mark"), hasattr(builtins, "spr_mark"), "spr_mark" in sys.modules, "spr_own" in sys.modules],
        "importable": importable("spr_own"),
        "pi": math.pi,
        "precision": decimal.getcontext().prec,
        "path": [entry.replace(here, ".") for entry in sys.path],
        "recursion": sys.getrecursionlimit(),
        "gc": gc.isenabled(),
        "environment": {name: value.replace(here, ".") for name, value in os.environ.items()},
        "zone": time.tzname,
        "umask": umask,
        "signal": str(signal.getsignal(signal.SIGTERM)),
        "limits": resource.getrlimit(resource.RLIMIT_NOFILE),
        "files": [os.path.exists(place) for place in PLACES],
        "own": sorted(os.listdir(here)),
    },
}
"""
)

Run = Callable[[str], Any]  # of a program, to its result


def _differences(fresh: dict[str, Any], found: dict[str, Any]) -> Iterator[str]:
    for name, value in fresh.items():
        if found[name] != value:
            yield f"{name}: {found[name]!r:.200}, not {value!r:.200}"


def complaints(run: Run, n_pairs: int) -> Iterator[str]:
    """Judges so many pairs."""
    drawn: Counter[tuple[str, object]] = Counter()
    seeded: set[object] = set()
    run(LOOK)  # the first run of an interpreter loads what the later ones find
    fresh = run(LOOK)["state"]

    for number in range(n_pairs):
        wrote = run(WRITE.replace("%s", str(number)))
        looked = run(LOOK)
        seeded |= set(wrote["seeded"]) - {None}
        for each in (wrote, looked):
            drawn.update(each["drawn"].items())
        for words in _differences(fresh, looked["state"]):
            yield f"pair {number}: {words}"
        if seeded & set(looked["drawn"].values()):
            yield f"pair {number}: a generator seeded by the run before: {looked['drawn']}"
    for (kind, value), n in drawn.items():
        if n > 1:
            yield f"{kind}: {value!r} came {n} times"


def first(n: int, words: Iterable[str]) -> list[str]:
    """All are counted, the first are told."""
    told, more = [], 0
    for each in words:
        if len(told) < n:
            told.append(each)
        else:
            more += 1
    return [*told, f"and {more} more"] if more else told
