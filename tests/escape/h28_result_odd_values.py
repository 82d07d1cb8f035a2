# goal: return numbers and keys that strain a reader: huge integers, infinities, lone surrogates, a million keys
# expect: contained: refused or delivered; the reply is well-formed
# marker: harness: exactly one well-formed reply within the caps; supervisor memory grows by less than 64 MiB; next run works
# category: reply-path
# severity: integrity
# policy: none
# harness: check-reply
# unsandboxed: contained

import sys

print("CONTAINED: result prepared", flush=True)
if hasattr(sys, "set_int_max_str_digits"):
    sys.set_int_max_str_digits(0)
result = {
    "int": 10 ** 30000,
    "inf": [float("inf"), -float("inf"), float("nan"), 1e308 * 10, -0.0, 5e-324],
    "text": "\ud800\udfff\0\x1b[2J\u2028" + chr(0x10ffff),
    "keys": {str(n): n for n in range(300000)},
    "\ud800": {1: "int", 1.5: "float", None: "none", True: "bool"},
}
