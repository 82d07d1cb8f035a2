# goal: speak the worker's protocol with well-formed frames and hostile contents
# expect: contained: a lying worker is killed or believed only about its own result; the reply is well-formed
# marker: harness: exactly one well-formed reply within the caps; supervisor memory grows by less than 64 MiB; next run works
# category: reply-path
# severity: integrity
# policy: none
# harness: check-reply
# unsandboxed: contained

def attack():
    import os, struct, random
    def frame(kind, payload, stream=1, length=None):
        return struct.pack("<BBHIQII", kind, 0, 0, len(payload) if length is None else length, stream, 0, 0) + payload
    result = lambda verdict, code, size, error: struct.pack("<IiQII", verdict, code, size, error, 0)
    frames = [frame(99, result(0, 0, 1 << 40, 0)), frame(99, result(200, 77777, 8, 1 << 31)), frame(99, result(4, -1, 0, 65537)),
              frame(97, bytes(40)), frame(98, b""), frame(96, b"\xff" * 16), frame(100, b"\xff" * 488), frame(78, bytes(32)),
              frame(57, bytes(120)), frame(99, b"", length=24), frame(99, result(0, 0, 0, 0), stream=2), b"", b"\0"]
    random.shuffle(frames)
    n = 0
    os.set_blocking(3, False)
    for f in frames[:random.randrange(1, 4)]:
        try:
            n += os.write(3, f) >= 0
        except OSError:
            break
    raise RuntimeError("%d frames sent" % n)


def _report():
    try:
        got, why = attack(), "no effect"
    except BaseException as exc:      # a refused step arrives here as an exception
        got, why = None, type(exc).__name__ + ": " + str(exc)
    line = ("ESCAPED: " + got) if got else ("CONTAINED: " + why)
    print(line.replace("\n", " ").replace("\r", " ")[:400], flush=True)


_report()
