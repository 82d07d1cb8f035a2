# goal: reach unix sockets of the host by datagrams and by path, also from a socketpair
# expect: blocked: no socket can be made that takes an address, or none of the host's is in reach
# marker: the line "ESCAPED:" on stdout
# category: network
# severity: boundary
# policy: none
# harness: listeners
# unsandboxed: escaped

def attack():
    import socket
    hits, last = [], None
    makers = [("socket", lambda kind: socket.socket(socket.AF_UNIX, kind)), ("socketpair", lambda kind: socket.socketpair(socket.AF_UNIX, kind)[0])]
    kinds = [("stream", socket.SOCK_STREAM), ("datagram", socket.SOCK_DGRAM), ("packet", socket.SOCK_SEQPACKET)]
    for how, make in makers:
        for kind_name, kind in kinds:
            for address in ("\0spr-escape-canary", "\0spr-escape-datagram", "/tmp/spr-escape-canary.sock", "/tmp/spr-escape-datagram.sock"):
                for name, send in (("connect", lambda s: s.connect(address)), ("sendto", lambda s: s.sendto(b"x", address)),
                                   ("sendmsg", lambda s: s.sendmsg([b"x"], [], 0, address))):
                    try:
                        s = make(kind)
                        s.settimeout(0.3)
                        send(s)
                        # a connected stream or packet socket does not look at the address
                        if how == "socketpair" and name != "connect" and kind != socket.SOCK_DGRAM:
                            continue
                        hits.append("%s of a %s %s to %r" % (name, kind_name, how, address))
                    except (OSError, AttributeError) as exc:
                        last = exc
    if hits:
        return "; ".join(hits[:3])
    raise RuntimeError("last: %s" % last)


def _report():
    try:
        got, why = attack(), "no effect"
    except BaseException as exc:      # a refused step arrives here as an exception
        got, why = None, type(exc).__name__ + ": " + str(exc)
    line = ("ESCAPED: " + got) if got else ("CONTAINED: " + why)
    print(line.replace("\n", " ").replace("\r", " ")[:400], flush=True)


_report()
