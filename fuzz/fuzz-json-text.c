/* SPDX-License-Identifier: MIT */
/* Any bytes: the check ends; what passed it can be walked, decoded and copied, and every part and
 * copy of it passes again. */
#include "base/json-text.h"
#include "base/json-write.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_again(const char *text, size_t length) {
        if (json_text_check(text, length, 64, NULL) != 0)
                __builtin_trap();
}

static void check_copies(const char *text, size_t length) {
        _cleanup_(buffer_deinitp) Buffer compact = BUFFER_NULL, finite = BUFFER_NULL;
        bool lossy;

        buffer_init(&compact, length);
        buffer_init(&finite, 2 * length);
        if (json_write_compact(&compact, text, length) != 0 ||
            json_write_finite(&finite, text, length, &lossy) != 0)
                __builtin_trap();
        check_again((const char *)buffer_bytes(&compact), buffer_length(&compact));
        check_again((const char *)buffer_bytes(&finite), buffer_length(&finite));
}

static void check_items(const char *text, size_t length) {
        JsonTextKind kind = json_text_kind(text, length);
        JsonTextWalk walk;
        JsonTextItem item;

        if (kind != JSON_TEXT_OBJECT && kind != JSON_TEXT_ARRAY)
                return;
        json_text_walk(&walk, text, length);
        while (json_text_next(&walk, &item)) {
                char out[64];
                size_t n;

                check_again(item.value.start, item.value.length);
                if (item.key.start)
                        (void)json_text_unescape(&item.key, out, sizeof(out), &n);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        const char *text = (const char *)data;
        JsonTextFault fault = {0};

        if (json_text_check(text, size, 64, &fault) != 0) {
                if (fault.offset > size || !fault.reason)
                        __builtin_trap();
                return 0;
        }
        check_copies(text, size);
        check_items(text, size);
        return 0;
}
