/* SPDX-License-Identifier: MIT */
#include "audit-log.h"

#include <stdio.h>
#include <stdlib.h>

#include "client/audit-verify.h"

#define LINES_MAX      10000
#define LINES_VALGRIND 200 /* where each takes fifty times as long */

static size_t n_lines;

typedef struct Log {
        char *text;
        size_t length;
        size_t starts[LINES_MAX + 1];
} Log;

static Log whole;

static int log_setup(void **state) {
        AuditTip tip = AUDIT_TIP_NULL;
        Buffer log;
        size_t n = 1;

        (void)state;
        n_lines = getenv("UNDER_VALGRIND") ? LINES_VALGRIND : LINES_MAX;
        buffer_init(&log, SIZE_MAX / 2);
        audit_log_fill(&log, &tip, n_lines);
        whole.text = buffer_steal(&log, &whole.length);
        buffer_deinit(&log);
        for (size_t i = 0; whole.text && i < whole.length; ++i)
                if (whole.text[i] == '\n')
                        whole.starts[n++] = i + 1;
        return whole.text && n == n_lines + 1 ? 0 : -1;
}

static int log_teardown(void **state) {
        (void)state;
        free(whole.text);
        return 0;
}

static SprAudit *verify(const char *text, size_t length) {
        SprAudit *audit = calloc(1, sizeof(*audit));

        assert_non_null(audit);
        assert_int_equal(audit_verify_text(audit, "log", text, length), 0);
        return audit;
}

/* The first fault is in this line, from 1. */
static void expect_fault(const char *text, size_t length, size_t line, const char *words) {
        SprAudit *audit = verify(text, length);
        const char *fault = spr_audit_get_fault(audit, 0);
        char place[64];

        (void)snprintf(place, sizeof(place), "log:%zu: ", line);
        assert_false(spr_audit_get_ok(audit));
        assert_non_null(fault);
        assert_memory_equal(fault, place, strlen(place));
        if (words)
                assert_non_null(strstr(fault, words));
        (void)spr_audit_free(audit);
}

static void test_whole(void **state) {
        SprAudit *audit = verify(whole.text, whole.length);
        char *json, expected[64];

        (void)state;
        assert_true(spr_audit_get_ok(audit));
        assert_int_equal(spr_audit_get_lines(audit), n_lines);
        assert_int_equal(spr_audit_get_runs(audit), n_lines - 1);
        assert_null(spr_audit_get_fault(audit, 0));
        assert_int_equal(spr_audit_to_json(audit, &json), 0);
        (void)snprintf(expected, sizeof(expected), "\"ok\": true, \"lines\": %zu, \"runs\": %zu",
                       n_lines, n_lines - 1);
        assert_non_null(strstr(json, expected));
        free(json);
        (void)spr_audit_free(audit);
}

/* Every byte of three lines in the middle of the log, and of the first and the last one. The
 * verifier is as it was before the line, so that one flip costs three lines and not ten thousand.
 */
static void flip_line(const AuditVerifier *before, size_t number) {
        size_t start = whole.starts[number], end = whole.starts[number + 1];

        for (size_t i = start; i < end - 1; ++i) {
                AuditVerifier verifier = *before;

                whole.text[i] = (char)(whole.text[i] ^ 1);
                assert_int_equal(audit_verifier_feed(&verifier, number + 1, whole.text + start,
                                                     end - 1 - start, true),
                                 AUDIT_VERIFIER_E_FAULT);
                whole.text[i] = (char)(whole.text[i] ^ 1);
                /* it is named once: the next lines are held against it, and are well */
                for (size_t n = number + 1; n < number + 3 && n < n_lines; ++n)
                        assert_int_equal(audit_verifier_feed(
                                                 &verifier, n + 1, whole.text + whole.starts[n],
                                                 whole.starts[n + 1] - 1 - whole.starts[n], true),
                                         0);
        }
}

static void test_flips(void **state) {
        const size_t numbers[] = {0, 1, n_lines / 2, n_lines / 2 + 1, n_lines - 1};
        AuditVerifier verifier = {.n_lines = 0};
        size_t next = 0;

        (void)state;
        for (size_t n = 0; n < n_lines; ++n) {
                if (next < ARRAY_SIZE(numbers) && n == numbers[next]) {
                        flip_line(&verifier, n);
                        ++next;
                }
                assert_int_equal(audit_verifier_feed(&verifier, n + 1, whole.text + whole.starts[n],
                                                     whole.starts[n + 1] - 1 - whole.starts[n],
                                                     true),
                                 0);
        }
        assert_int_equal(next, ARRAY_SIZE(numbers));
}

/* Newlines, too, over the whole log. */
static void test_newlines(void **state) {
        size_t at = whole.starts[n_lines / 2];

        (void)state;
        whole.text[at - 1] = ' ';
        expect_fault(whole.text, whole.length, n_lines / 2, "was changed");
        whole.text[at - 1] = '\n';
        whole.text[at + 40] = (char)(whole.text[at + 40] ^ 2);
        expect_fault(whole.text, whole.length, n_lines / 2 + 1, "was changed");
        whole.text[at + 40] = (char)(whole.text[at + 40] ^ 2);
}

/* @text without the lines from @from up to, and not with, @to. */
static void expect_dropped(size_t from, size_t to, size_t line, const char *words) {
        size_t gone = whole.starts[to] - whole.starts[from];
        char *text = malloc(whole.length);

        assert_non_null(text);
        memcpy(text, whole.text, whole.starts[from]);
        memcpy(text + whole.starts[from], whole.text + whole.starts[to],
               whole.length - whole.starts[to]);
        expect_fault(text, whole.length - gone, line, words);
        free(text);
}

static void test_dropped(void **state) {
        (void)state;
        expect_dropped(0, 1, 1, "lines are missing before it");
        expect_dropped(1, 2, 2, "has number 2 where 1 is due: 1 line is missing");
        expect_dropped(150, 151, 151, "has number 151 where 150 is due");
        expect_dropped(150, 157, 151, "7 lines are missing");
        expect_dropped(n_lines - 2, n_lines - 1, n_lines - 1, "1 line is missing");
}

static size_t line_length(size_t number) {
        return whole.starts[number + 1] - whole.starts[number];
}

static void test_swapped(void **state) {
        size_t first = 100, a, b, length;
        char *text = malloc(whole.length), words[64];

        (void)state;
        assert_non_null(text);
        while (line_length(first) != line_length(first + 1))
                ++first;
        a = whole.starts[first], b = whole.starts[first + 1], length = b - a;
        memcpy(text, whole.text, whole.length);
        memcpy(text + a, whole.text + b, length);
        memcpy(text + b, whole.text + a, length);
        (void)snprintf(words, sizeof(words), "has number %zu where %zu is due", first + 1, first);
        expect_fault(text, whole.length, first + 1, words);
        /* twice the same line */
        memcpy(text, whole.text, whole.length);
        memcpy(text + b, whole.text + a, length);
        (void)snprintf(words, sizeof(words), "has number %zu where %zu is due", first, first + 1);
        expect_fault(text, whole.length, first + 2, words);
        free(text);
}

static void test_truncated(void **state) {
        size_t last = whole.starts[n_lines - 1];

        (void)state;
        expect_fault(whole.text, whole.length - 1, n_lines, "its newline is missing");
        expect_fault(whole.text, whole.length - 2, n_lines, "is not whole: its end is missing");
        expect_fault(whole.text, last + 10, n_lines, "is not whole");
        expect_fault(whole.text, 0, 1, "is empty");
}

/* Another log's line, with the number that is due. */
static void test_foreign_line(void **state) {
        _cleanup_(buffer_deinitp) Buffer other, mixed;
        AuditTip tip = AUDIT_TIP_NULL;

        (void)state;
        buffer_init(&other, SIZE_MAX / 2);
        buffer_init(&mixed, SIZE_MAX / 2);
        audit_log_add_head(&other, &tip);
        audit_log_add_run(&other, &tip, OUTCOME_CRASH, "of another log");
        audit_log_add_run(&other, &tip, OUTCOME_CRASH, "of another log");
        assert_int_equal(buffer_append(&mixed, whole.text, whole.starts[2]), 0);
        assert_int_equal(
                buffer_append(&mixed, audit_log_line(&other, 2),
                              (size_t)(audit_log_line(&other, 3) - audit_log_line(&other, 2))),
                0);
        expect_fault((const char *)buffer_bytes(&mixed), buffer_length(&mixed), 3,
                     "does not follow the line before it");
}

static void test_files(void **state) {
        _cleanup_(buffer_deinitp) Buffer old, new, other;
        AuditTip tip = AUDIT_TIP_NULL, none = AUDIT_TIP_NULL;
        SprAudit audit = {.n_faults = 0};

        (void)state;
        buffer_init(&old, SIZE_MAX / 2);
        buffer_init(&new, SIZE_MAX / 2);
        buffer_init(&other, SIZE_MAX / 2);
        audit_log_fill(&old, &tip, 4);
        audit_log_fill(&new, &tip, 3);
        audit_log_fill(&other, &none, 2);
        assert_int_equal(audit_verify_text(&audit, "old", (const char *)buffer_bytes(&old),
                                           buffer_length(&old)),
                         0);
        assert_int_equal(audit_verify_text(&audit, "new", (const char *)buffer_bytes(&new),
                                           buffer_length(&new)),
                         0);
        assert_true(spr_audit_get_ok(&audit));
        assert_int_equal(spr_audit_get_lines(&audit), 7);
        assert_string_equal(spr_audit_get_last_hash(&audit), tip.previous);
        assert_int_equal(audit_verify_text(&audit, "other", (const char *)buffer_bytes(&other),
                                           buffer_length(&other)),
                         0);
        assert_int_equal(spr_audit_get_n_faults(&audit), 1);
        assert_memory_equal(spr_audit_get_fault(&audit, 0), "other:1: does not go on from", 28);
        strings_deinit(&audit.faults);
}

static void test_many_faults(void **state) {
        char text[1024];
        SprAudit *audit;

        (void)state;
        memset(text, '\n', sizeof(text));
        audit = verify(text, sizeof(text));
        assert_int_equal(spr_audit_get_n_faults(audit), sizeof(text));
        assert_non_null(spr_audit_get_fault(audit, AUDIT_FAULTS_MAX - 1));
        assert_null(spr_audit_get_fault(audit, AUDIT_FAULTS_MAX));
        (void)spr_audit_free(audit);
}

static void test_no_file(void **state) {
        static const char *const paths[] = {"/nowhere/audit.log"};
        SprError error = {0};
        SprAudit *audit = NULL;

        (void)state;
        assert_int_equal(spr_audit_verify(&audit, paths, 1, &error), SPR_E_AUDIT);
        assert_string_equal(error.message,
                            "cannot read the audit log '/nowhere/audit.log': No such file or "
                            "directory");
        assert_null(audit);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_whole),        cmocka_unit_test(test_flips),
                cmocka_unit_test(test_newlines),     cmocka_unit_test(test_dropped),
                cmocka_unit_test(test_swapped),      cmocka_unit_test(test_truncated),
                cmocka_unit_test(test_foreign_line), cmocka_unit_test(test_files),
                cmocka_unit_test(test_many_faults),  cmocka_unit_test(test_no_file),
        };

        return cmocka_run_group_tests(tests, log_setup, log_teardown);
}
