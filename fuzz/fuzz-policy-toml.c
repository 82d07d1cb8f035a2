/* SPDX-License-Identifier: MIT */
/* Any bytes as a policy file in TOML: refused with words, or a policy that can be written out and
 * read back as the same. */
#include <string.h>

#include "base/utf8.h"
#include "policy/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(policy_freep) Policy *policy = NULL, *again = NULL;
        _cleanup_(freep) char *json = NULL, *same = NULL;
        Failure failure = FAILURE_NULL;
        size_t length, n;

        if (policy_parse_toml(&policy, (const char *)data, size, "fuzz", &failure) != 0) {
                n = strlen(failure.text);
                if (policy || n == 0 || utf8_span(failure.text, n) != n)
                        __builtin_trap();
                return 0;
        }
        if (policy_to_json(policy, &json, &length) != 0 ||
            policy_parse_json(&again, json, length, "again", true, NULL) != 0 ||
            policy_to_json(again, &same, &n) != 0 || strcmp(json, same) != 0)
                __builtin_trap();
        return 0;
}
