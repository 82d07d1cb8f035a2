# goal: overwrite the shared memory from threads while the reply is made and read
# expect: contained: what is read twice is checked twice; the reply is well-formed
# marker: harness: exactly one well-formed reply within the caps; supervisor memory grows by less than 64 MiB; next run works
# category: reply-path
# severity: integrity
# policy: none
# harness: check-reply silent
# unsandboxed: contained

import mmap, os, threading


def scribble(m):
    import random
    n = len(m)
    while True:
        o = random.randrange(0, n - 64, 8)
        m[o:o + 8] = random.randbytes(8)
        m[0:16] = random.randbytes(16)


for _fd in range(3, 16):
    try:
        _m = mmap.mmap(_fd, min(os.fstat(_fd).st_size, 80 << 20))
    except (OSError, ValueError):
        continue
    for _ in range(2):
        threading.Thread(target=scribble, args=(_m,), daemon=True).start()
print("CONTAINED: scribbling", flush=True)
result = [{"n": n, "text": "x" * 100} for n in range(20000)]
