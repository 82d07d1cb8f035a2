# goal: let a child that ignores everything hold the output open and write after the answer
# expect: killed: when the answer is given every process of the run is gone
# marker: the line "ESCAPED:" on stdout
# category: after-reply
# severity: boundary
# policy: none
# harness: wait=3 check-file=/tmp/spr-escape-orphan
# unsandboxed: escaped

import os
import signal
import time

result = "parent"
try:
    for n in range(3):
        if os.fork() == 0:
            os.setsid()
            for s in range(1, 65):
                try:
                    signal.signal(s, signal.SIG_IGN)
                except (OSError, ValueError):
                    pass
            if n == 1:
                os.kill(os.getpid(), signal.SIGSTOP)
            if n == 2 and os.fork():
                os._exit(0)
            time.sleep(1.5)
            try:
                with open("/tmp/spr-escape-orphan", "w") as f:
                    f.write("alive")
            except OSError:
                pass
            os.write(1, b"ESCAPED: a child wrote 1.5 s after the end of the program\n")
            os._exit(0)
except OSError as exc:
    result = str(exc)
print("CONTAINED: " + str(result), flush=True)
