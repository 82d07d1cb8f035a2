# goal: shrink, grow, punch, seal and overwrite the memory that is shared with the supervisor
# expect: contained: its size is sealed, its counters are not believed; the reply is well-formed
# marker: harness: exactly one well-formed reply within the caps; supervisor memory grows by less than 64 MiB; next run works
# category: reply-path
# severity: integrity
# policy: none
# harness: check-reply silent
# unsandboxed: contained

def attack():
    import os, fcntl, mmap
    done = []
    for fd in range(3, 16):
        try:
            size = os.fstat(fd).st_size
        except OSError:
            continue
        if not size:
            continue
        for name, f in (("shrunk", lambda: os.ftruncate(fd, 0)), ("grown", lambda: os.ftruncate(fd, 1 << 40)),
                        ("sealed", lambda: fcntl.fcntl(fd, 1033, 0x1f)), ("allocated", lambda: os.posix_fallocate(fd, size, 1 << 30)),
                        ("filled head", lambda: os.pwrite(fd, b"\xff" * 4096, 0)),
                        ("filled all", lambda: [os.pwrite(fd, b"\xff" * 65536, o) for o in range(4096, size, 1 << 22)])):
            try:
                f()
                done.append(name)
            except OSError:
                pass
        try:
            m = mmap.mmap(fd, 4096)
            m[:] = b"\xfe\xff\xff\xff\xff\xff\xff\x7f" * 512
            done.append("counters near the end")
        except (OSError, ValueError):
            pass
    raise RuntimeError(", ".join(done) or "nothing")


def _report():
    try:
        got, why = attack(), "no effect"
    except BaseException as exc:      # a refused step arrives here as an exception
        got, why = None, type(exc).__name__ + ": " + str(exc)
    line = ("ESCAPED: " + got) if got else ("CONTAINED: " + why)
    print(line.replace("\n", " ").replace("\r", " ")[:400], flush=True)


_report()
