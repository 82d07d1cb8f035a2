# goal: return a result nested a hundred thousand deep, past the recursion limit
# expect: contained: refused or delivered; nobody who reads it overflows
# marker: harness: exactly one well-formed reply within the caps; supervisor memory grows by less than 64 MiB; next run works
# category: reply-path
# severity: integrity
# policy: none
# harness: check-reply
# unsandboxed: contained

import sys

print("CONTAINED: result prepared", flush=True)
sys.setrecursionlimit(10 ** 6)
result = []
for _n in range(100000):
    result = [result] if _n % 2 else {"a": result}
