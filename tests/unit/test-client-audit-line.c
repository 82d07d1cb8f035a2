/* SPDX-License-Identifier: MIT */
#include "audit-log.h"

#include <jansson.h>
#include <stdlib.h>

static json_t *line_parse(const Buffer *log) {
        json_t *object = json_loadb((const char *)buffer_bytes(log), buffer_length(log) - 1,
                                    JSON_REJECT_DUPLICATES, NULL);

        assert_non_null(object);
        return object;
}

static const char *line_string(const json_t *object, const char *key) {
        return json_string_value(json_object_get(object, key));
}

static void test_round(void **state) {
        _cleanup_(buffer_deinitp) Buffer log;
        AuditTip tip = AUDIT_TIP_NULL;
        const char *fault = NULL;
        AuditLine line;

        (void)state;
        buffer_init(&log, SIZE_MAX / 2);
        audit_log_add_head(&log, &tip);
        assert_int_equal(audit_line_read(&line, (const char *)buffer_bytes(&log),
                                         buffer_length(&log) - 1, &fault),
                         0);
        assert_true(line.head && !line.run);
        assert_int_equal(line.seq, 0);
        assert_string_equal(line.previous, AUDIT_HASH_NONE);
        assert_string_equal(line.hash, tip.previous);
        assert_string_equal(line.hash, line.actual);
        assert_int_equal(tip.seq, 1);
        buffer_clear(&log);
        audit_log_add_run(&log, &tip, OUTCOME_ERROR, "x");
        assert_int_equal(audit_line_read(&line, (const char *)buffer_bytes(&log),
                                         buffer_length(&log) - 1, &fault),
                         0);
        assert_true(line.run && !line.head);
        assert_int_equal(line.seq, 1);
        assert_int_equal(tip.seq, 2);
}

static void test_members(void **state) {
        static const char *const keys[] = {
                "v",          "seq",         "previous",     "time",          "event",
                "run_id",     "code_sha256", "input_sha256", "policy_sha256", "outcome",
                "exit_code",  "killed_by",   "usage",        "isolation",     "error",
                "violations", "hash",
        };
        _cleanup_(buffer_deinitp) Buffer log;
        AuditTip tip = AUDIT_TIP_NULL;
        size_t n = 0;
        const char *key, *time;
        json_t *object, *value;

        (void)state;
        buffer_init(&log, SIZE_MAX / 2);
        audit_log_add_run(&log, &tip, OUTCOME_ERROR, "first\nsecond");
        object = line_parse(&log);
        json_object_foreach(object, key, value) {
                assert_true(n < ARRAY_SIZE(keys));
                assert_string_equal(key, keys[n++]);
        }
        assert_int_equal(n, ARRAY_SIZE(keys));
        assert_string_equal(line_string(object, "error"), "first");
        assert_string_equal(line_string(object, "code_sha256"), audit_log_digests.code);
        assert_int_equal(json_array_size(json_object_get(object, "violations")), 0);
        time = line_string(object, "time");
        assert_int_equal(strlen(time), strlen("2026-01-02T03:04:05.678901Z"));
        assert_true(time[10] == 'T' && time[19] == '.' && time[26] == 'Z');
        json_decref(object);
}

/* Only the guard's own refusal is one; and whatever the text is like, the line is one line. */
static void test_violations(void **state) {
        static const struct {
                Outcome outcome;
                const char *error, *name;
        } cases[] = {
                {OUTCOME_DENIED, "ImportError: Import 'os.path' is blocked by policy", "os.path"},
                {OUTCOME_DENIED, "ImportError: Import 'x' is not allowed by policy", "x"},
                {OUTCOME_ERROR, "ImportError: Import 'os' is blocked by policy", NULL},
                {OUTCOME_DENIED, "\xff\x01 something else\n", NULL},
                {OUTCOME_DENIED, "Import '", ""},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); ++i) {
                _cleanup_(buffer_deinitp) Buffer log;
                AuditTip tip = AUDIT_TIP_NULL;
                json_t *object, *list;

                buffer_init(&log, SIZE_MAX / 2);
                audit_log_add_run(&log, &tip, cases[i].outcome, cases[i].error);
                object = line_parse(&log);
                list = json_object_get(object, "violations");
                assert_int_equal(json_array_size(list), cases[i].name ? 1 : 0);
                if (cases[i].name)
                        assert_string_equal(line_string(json_array_get(list, 0), "name"),
                                            cases[i].name);
                json_decref(object);
        }
}

/* The text is bounded, and cut between characters. */
static void test_long_error(void **state) {
        _cleanup_(buffer_deinitp) Buffer log;
        AuditTip tip = AUDIT_TIP_NULL;
        char error[8192] = "";
        json_t *object;

        (void)state;
        for (size_t i = 0; i < 3000; i += 3)
                memcpy(error + i, "\xe2\x82\xac", 3);
        buffer_init(&log, SIZE_MAX / 2);
        audit_log_add_run(&log, &tip, OUTCOME_ERROR, error);
        object = line_parse(&log);
        assert_int_equal(strlen(line_string(object, "error")), 1023);
        json_decref(object);
        memset(error, 1, sizeof(error) - 1);
        buffer_clear(&log);
        audit_log_add_run(&log, &tip, OUTCOME_DENIED, error);
        assert_true(buffer_length(&log) < AUDIT_LINE_MAX);
}

/* Any byte of a line that is another one is found. */
static void test_flips(void **state) {
        static const uint8_t masks[] = {1, 0x20, 0x80, 0xff};
        _cleanup_(buffer_deinitp) Buffer log;
        AuditTip tip = AUDIT_TIP_NULL;
        const char *fault;
        AuditLine line;
        size_t length;
        char *text;

        (void)state;
        buffer_init(&log, SIZE_MAX / 2);
        audit_log_add_run(&log, &tip, OUTCOME_DENIED, "Import 'os' is blocked by policy");
        text = buffer_steal(&log, &length);
        assert_non_null(text);
        --length;
        for (size_t i = 0; i < length; ++i)
                for (size_t m = 0; m < ARRAY_SIZE(masks); ++m) {
                        text[i] = (char)(text[i] ^ masks[m]);
                        fault = NULL;
                        assert_int_equal(audit_line_read(&line, text, length, &fault),
                                         AUDIT_LINE_E_FAULT);
                        assert_non_null(fault);
                        text[i] = (char)(text[i] ^ masks[m]);
                }
        for (size_t n = 0; n < length; ++n)
                assert_int_equal(audit_line_read(&line, text, n, &fault), AUDIT_LINE_E_FAULT);
        assert_int_equal(audit_line_read(&line, text, length, &fault), 0);
        free(text);
}

/* A hash that fits does not make a line of it. */
static void test_foreign(void **state) {
        static const char *const texts[] = {
                "",
                "{",
                "[1",
                "{\"v\": 1",
                "{\"v\": 2, \"seq\": 0, \"event\": \"run\"",
                "{\"v\": 1, \"seq\": -1, \"event\": \"run\", \"previous\": \"" AUDIT_HASH_NONE "\"",
                "{\"v\": 1, \"seq\": 0, \"event\": \"run\", \"previous\": \"short\"",
                "{\"v\": 1, \"v\": 1, \"seq\": 0, \"event\": \"run\", \"previous\": "
                "\"" AUDIT_HASH_NONE "\"",
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(texts); ++i) {
                char hash[SHA256_TEXT], text[1024];
                const char *fault = NULL;
                AuditLine line;
                int n;

                sha256_text(hash, texts[i], strlen(texts[i]));
                n = snprintf(text, sizeof(text), "%s, \"hash\": \"%s\"}", texts[i], hash);
                assert_int_equal(audit_line_read(&line, text, (size_t)n, &fault),
                                 AUDIT_LINE_E_FAULT);
                assert_string_equal(fault, "is no line of an audit log of this version");
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_round),      cmocka_unit_test(test_members),
                cmocka_unit_test(test_violations), cmocka_unit_test(test_long_error),
                cmocka_unit_test(test_flips),      cmocka_unit_test(test_foreign),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
