# goal: send descriptors over the worker's own socket, many at a time, and keep them in flight
# expect: contained: the receiver closes what it did not ask for; its table does not fill
# marker: harness: exactly one well-formed reply within the caps; supervisor memory grows by less than 64 MiB; next run works
# category: reply-path
# severity: integrity
# policy: none
# harness: check-reply
# unsandboxed: contained

def attack():
    import os, socket
    sent = refused = 0
    for fd in range(3, 16):
        try:
            s = socket.socket(fileno=os.dup(fd))
        except OSError:
            continue
        s.setblocking(False)
        for n in (1, 16, 100, 253):
            for payload in (b"x", b"\0" * 24, bytes([99]) + bytes(23)):
                try:
                    socket.send_fds(s, [payload], [0] * n)
                    sent += n
                except OSError:
                    refused += 1
    raise RuntimeError("%d descriptors sent, %d messages refused" % (sent, refused))


def _report():
    try:
        got, why = attack(), "no effect"
    except BaseException as exc:      # a refused step arrives here as an exception
        got, why = None, type(exc).__name__ + ": " + str(exc)
    line = ("ESCAPED: " + got) if got else ("CONTAINED: " + why)
    print(line.replace("\n", " ").replace("\r", " ")[:400], flush=True)


_report()
