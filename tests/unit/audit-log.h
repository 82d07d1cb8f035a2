#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Audit log of a test: lines as the engine writes them, in memory
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/buffer.h"
#include "client/audit-line.h"

static const AuditDigests audit_log_digests = {
        .code = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        .input = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        .policy = "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
};

/* Adds what the writer holds to @log. */
static inline void audit_log_take(Buffer *log, JsonWriter *writer) {
        assert_int_equal(writer->r, 0);
        assert_int_equal(
                buffer_append(log, buffer_bytes(&writer->buffer), buffer_length(&writer->buffer)),
                0);
        json_writer_deinit(writer);
}

static inline void audit_log_add_head(Buffer *log, AuditTip *tip) {
        JsonWriter writer;

        json_writer_init(&writer, AUDIT_LINE_MAX);
        audit_line_write_head(&writer, tip);
        audit_log_take(log, &writer);
}

static inline void
audit_log_add_run(Buffer *log, AuditTip *tip, Outcome outcome, const char *error) {
        SprResult *result;
        JsonWriter writer;

        assert_int_equal(result_new_message(&result, outcome, KILLED_BY_NOBODY, 1, error), 0);
        result->run_id = tip->seq;
        json_writer_init(&writer, AUDIT_LINE_MAX);
        audit_line_write_run(&writer, tip, &audit_log_digests, result);
        audit_log_take(log, &writer);
        (void)spr_result_free(result);
}

/* A head and runs, @n lines in all. */
static inline void audit_log_fill(Buffer *log, AuditTip *tip, size_t n) {
        audit_log_add_head(log, tip);
        for (size_t i = 1; i < n; ++i)
                audit_log_add_run(log, tip, i % 3 ? OUTCOME_ERROR : OUTCOME_DENIED,
                                  i % 3 ? "ValueError: no"
                                        : "ImportError: Import 'os' is blocked by policy");
}

/* The start of line @number, from 0; of the line behind the last one, the end. */
static inline const char *audit_log_line(const Buffer *log, size_t number) {
        const char *at = (const char *)buffer_bytes(log);

        for (; number > 0; --number)
                at = (const char *)memchr(at, '\n', buffer_length(log)) + 1;
        return at;
}
