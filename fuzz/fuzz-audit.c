/* SPDX-License-Identifier: MIT */
/* Any bytes as an audit log: every fault has words. And a log of ours with any of its bytes made
 * others: there is a fault. */
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "client/audit-verify.h"

#define LINES 4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *good;
static size_t n_good;

static void good_make(void) {
        static const AuditDigests digests = {.code = AUDIT_HASH_NONE};
        AuditTip tip = AUDIT_TIP_NULL;
        SprResult *result;
        Buffer log;

        buffer_init(&log, LINES * AUDIT_LINE_MAX);
        if (result_new_message(&result, OUTCOME_DENIED, KILLED_BY_NOBODY, 1, "Import 'os' is"))
                abort();
        for (size_t i = 0; i < LINES; ++i) {
                _cleanup_(json_writer_deinit) JsonWriter writer;

                json_writer_init(&writer, AUDIT_LINE_MAX);
                if (i == 0)
                        audit_line_write_head(&writer, &tip);
                else
                        audit_line_write_run(&writer, &tip, &digests, result);
                if (buffer_append(&log, buffer_bytes(&writer.buffer),
                                  buffer_length(&writer.buffer)))
                        abort();
        }
        (void)spr_result_free(result);
        good = buffer_steal(&log, &n_good);
        if (!good)
                abort();
}

static void verify(const char *text, size_t size, bool expect_fault) {
        SprAudit *audit = calloc(1, sizeof(*audit));
        const char *fault;

        if (!audit || audit_verify_text(audit, "fuzz", text, size) != 0)
                abort();
        for (size_t i = 0; (fault = spr_audit_get_fault(audit, i)); ++i)
                if (utf8_span(fault, strlen(fault)) != strlen(fault))
                        __builtin_trap();
        if (expect_fault && spr_audit_get_ok(audit))
                __builtin_trap();
        if (!expect_fault && !spr_audit_get_ok(audit) && !spr_audit_get_fault(audit, 0))
                __builtin_trap();
        (void)spr_audit_free(audit);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(freep) char *text = NULL;

        verify((const char *)data, size, false);
        if (!good)
                good_make();
        text = malloc(n_good);
        if (!text)
                abort();
        memcpy(text, good, n_good);
        for (size_t i = 0; i + 2 < size; i += 3)
                text[(data[i] + 256u * data[i + 1]) % n_good] ^= (char)data[i + 2];
        verify(text, n_good, memcmp(text, good, n_good) != 0);
        return 0;
}
