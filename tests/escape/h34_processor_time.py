# goal: burn processor time in threads of C code while sleeping in the main thread
# expect: killed: the CPU limit counts all threads
# marker: the line "ESCAPED:" on stdout
# category: time
# severity: limit
# policy: none
# limits: wall=12 cpu=2
# unsandboxed: escaped

def attack():
    import hashlib, threading, time
    def burn():
        while True:
            hashlib.sha256(bytes(1 << 22)).digest()
    for _ in range(3):
        threading.Thread(target=burn, daemon=True).start()
    while time.process_time() < 5:
        time.sleep(0.05)
    return "used 5 s of CPU time"


def _report():
    try:
        got, why = attack(), "no effect"
    except BaseException as exc:      # a refused step arrives here as an exception
        got, why = None, type(exc).__name__ + ": " + str(exc)
    line = ("ESCAPED: " + got) if got else ("CONTAINED: " + why)
    print(line.replace("\n", " ").replace("\r", " ")[:400], flush=True)


_report()
