/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/check.h"

/* A document of one scalar under @key in line 7. */
static int check_one(const char *key, Value value, Policy **policyp, Failure *failure) {
        _cleanup_(document_deinitp) Document document = DOCUMENT_NULL;
        Entry *entry;

        assert_int_equal(policy_new(policyp), 0);
        assert_int_equal(document_add(&document, key, strlen(key), &entry), 0);
        value.line = 7;
        value.text = NULL;
        entry->value = value;
        if (value.type == VALUE_STRING || value.type == VALUE_OBJECT)
                assert_int_equal(value_set_text(&entry->value, "{}", 2), 0);
        return check_document(*policyp, &document, "p", failure);
}

#define INTEGER(n)                                                                                 \
        { .type = VALUE_INTEGER, .integer = (n), .real = (double)(n) }
#define REAL(x)                                                                                    \
        { .type = VALUE_REAL, .real = (x) }

static void test_numbers(void **state) {
        static const struct {
                const char *key;
                Value value;
                uint64_t stored; /* 0 = refused */
        } rows[] = {
                {"timeout_seconds", INTEGER(1), 1000000000},
                {"timeout_seconds", INTEGER(86400), POLICY_TIMEOUT_MAX_NS},
                {"timeout_seconds", INTEGER(86401), 0},
                {"timeout_seconds", INTEGER(INT64_MAX), 0},
                {"timeout_seconds", INTEGER(INT64_MIN), 0},
                {"timeout_seconds", INTEGER(0), 0},
                {"timeout_seconds", REAL(0.25), 250000000},
                {"timeout_seconds", REAL(0.1), 100000000},
                {"timeout_seconds", REAL(1e-9), 1},
                {"timeout_seconds", REAL(1e-10), 0},
                {"timeout_seconds", REAL(86400.5), 0},
                {"timeout_seconds", REAL(-0.0), 0},
                {"timeout_seconds", REAL(__builtin_nan("")), 0},
                {"timeout_seconds", REAL(__builtin_inf()), 0},
                {"memory_limit_mb", INTEGER(1), POLICY_MEMORY_MIN_BYTES},
                {"memory_limit_mb", INTEGER(1048576), POLICY_MEMORY_MAX_BYTES},
                {"memory_limit_mb", INTEGER(1048577), 0},
                {"memory_limit_mb", INTEGER(INT64_MAX), 0},
                {"memory_limit_mb", INTEGER(-1), 0},
                {"memory_limit_mb", REAL(256), 0},
                {"max_output_kb", INTEGER(65536), POLICY_OUTPUT_MAX_BYTES},
                {"max_output_kb", INTEGER(65537), 0},
                {"max_output_kb", INTEGER(-1), 0},
                {"cpu_seconds", REAL(0.5), 500000000},
                {"cpu_seconds", INTEGER(86401), 0},
                {"cpu_seconds", REAL(-1e-9), 0},
                {"cpu_seconds", REAL(1e-10), 0},
                {"cpu_seconds", REAL(__builtin_nan("")), 0},
                {"max_processes", INTEGER(1), 1},
                {"max_processes", INTEGER(4096), 4096},
                {"max_processes", INTEGER(4097), 0},
                {"max_processes", INTEGER(0), 0},
                {"max_file_mb", INTEGER(2), 2 << 20},
                {"disk_mb", INTEGER(1048576), POLICY_DISK_MAX_BYTES},
                {"disk_mb", INTEGER(0), 0},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                _cleanup_(policy_freep) Policy *policy = NULL;
                Failure failure = FAILURE_NULL;
                const SchemaKey *key = schema_find(rows[i].key, strlen(rows[i].key));
                int r = check_one(rows[i].key, rows[i].value, &policy, &failure);

                if (r != (rows[i].stored ? 0 : -EINVAL))
                        fail_msg("row %zu: %d %s", i, r, failure.text);
                if (rows[i].stored)
                        assert_int_equal(*schema_number(key, policy), rows[i].stored);
                else
                        assert_memory_equal(failure.text, "p:7: '", 6);
        }
}

/* Every key refuses every type that is not its own, and says so. */
static void test_types(void **state) {
        static const struct {
                SchemaType type;
                unsigned int accepts; /* bits of ValueType */
        } rows[] = {
                {SCHEMA_CHOICE, 1u << VALUE_STRING},
                {SCHEMA_BOOLEAN, 1u << VALUE_BOOLEAN},
                {SCHEMA_NUMBER, 1u << VALUE_INTEGER},
                {SCHEMA_SECONDS, 1u << VALUE_INTEGER | 1u << VALUE_REAL},
                {SCHEMA_NAMES, 1u << VALUE_LIST},
                {SCHEMA_PATHS, 1u << VALUE_LIST},
                {SCHEMA_VARIABLES, 1u << VALUE_OBJECT},
                {SCHEMA_GLOBALS, 1u << VALUE_OBJECT},
        };

        (void)state;
        for (size_t i = 0; i < SCHEMA_KEYS; ++i)
                for (unsigned int type = 0; type < _VALUE_TYPE_N; ++type) {
                        _cleanup_(policy_freep) Policy *policy = NULL;
                        Failure failure = FAILURE_NULL;
                        Value value = {.type = (ValueType)type, .integer = 1, .real = 1};
                        int r = check_one(schema_keys[i].name, value, &policy, &failure);

                        if (rows[schema_keys[i].type].accepts & 1u << type) {
                                if (r)
                                        assert_null(strstr(failure.text, "must be"));
                                continue;
                        }
                        assert_int_equal(r, -EINVAL);
                        assert_non_null(strstr(failure.text, schema_keys[i].name));
                        assert_non_null(strstr(failure.text, value_type_name((ValueType)type)));
                }
}

/* A limit of processor time may be none. */
static void test_zero(void **state) {
        static const Value zeros[] = {INTEGER(0), REAL(0.0)};

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(zeros); ++i) {
                _cleanup_(policy_freep) Policy *policy = NULL;
                Failure failure = FAILURE_NULL;

                assert_int_equal(check_one("cpu_seconds", zeros[i], &policy, &failure), 0);
                assert_int_equal(policy->cpu_ns, 0);
        }
        assert_int_equal(check_stored(schema_at(offsetof(Policy, cpu_ns)), 0, NULL), 0);
}

static void test_booleans(void **state) {
        (void)state;
        for (int64_t truth = 0; truth < 2; ++truth) {
                _cleanup_(policy_freep) Policy *policy = NULL;
                Failure failure = FAILURE_NULL;
                Value value = {.type = VALUE_BOOLEAN, .integer = truth};

                assert_int_equal(check_one("proc", value, &policy, &failure), 0);
                assert_int_equal(policy->proc, truth);
                assert_false(policy->allow_processes);
        }
}

static void test_names_limit(void **state) {
        static const char key[] = "allowed_imports";

        (void)state;
        for (size_t n = POLICY_LIST_MAX; n < POLICY_LIST_MAX + 2; ++n) {
                _cleanup_(policy_freep) Policy *policy = NULL;
                _cleanup_(document_deinitp) Document document = DOCUMENT_NULL;
                Failure failure = FAILURE_NULL;
                Entry *entry;
                int r;

                assert_int_equal(policy_new(&policy), 0);
                assert_int_equal(document_add(&document, key, strlen(key), &entry), 0);
                entry->value.type = VALUE_LIST;
                for (size_t i = 0; i < n; ++i) {
                        char name[16];
                        Value *item;

                        (void)snprintf(name, sizeof(name), "m%zu", i);
                        assert_int_equal(entry_add_item(entry, &item), 0);
                        item->type = VALUE_STRING;
                        item->line = 9;
                        assert_int_equal(value_set_text(item, name, strlen(name)), 0);
                }
                r = check_document(policy, &document, "p", &failure);
                assert_int_equal(r, n > POLICY_LIST_MAX ? -EINVAL : 0);
                if (r)
                        assert_string_equal(failure.text,
                                            "p:9: 'allowed_imports' holds more than 4096 names");
                else
                        assert_int_equal(policy->allowed_imports.n_items, n);
        }
}

static void test_twice(void **state) {
        _cleanup_(policy_freep) Policy *policy = NULL;
        _cleanup_(document_deinitp) Document document = DOCUMENT_NULL;
        Failure failure = FAILURE_NULL;
        Entry *entry;

        (void)state;
        assert_int_equal(policy_new(&policy), 0);
        for (unsigned int line = 3; line <= 5; line += 2) {
                assert_int_equal(document_add(&document, "max_output_kb", 13, &entry), 0);
                entry->value = (Value){.type = VALUE_INTEGER, .line = line};
        }
        assert_int_equal(check_document(policy, &document, "p", &failure), -EINVAL);
        assert_string_equal(failure.text, "p:5: 'max_output_kb' is set twice, first in line 3");
}

static void test_stored(void **state) {
        const SchemaKey *timeout = schema_at(offsetof(Policy, timeout_ns));
        const SchemaKey *memory = schema_at(offsetof(Policy, memory_bytes));
        Failure failure;

        (void)state;
        assert_int_equal(check_stored(timeout, 1, &failure), 0);
        assert_int_equal(check_stored(timeout, POLICY_TIMEOUT_MAX_NS, &failure), 0);
        assert_int_equal(check_stored(timeout, 0, &failure), -EINVAL);
        assert_string_equal(failure.text, "'timeout_seconds' must be more than 0");
        assert_int_equal(check_stored(timeout, UINT64_MAX, &failure), -EINVAL);
        assert_string_equal(failure.text, "'timeout_seconds' must be at most 86400");
        assert_int_equal(check_stored(memory, POLICY_MEMORY_MIN_BYTES, NULL), 0);
        assert_int_equal(check_stored(memory, POLICY_MEMORY_MIN_BYTES - 1, &failure), -EINVAL);
        assert_string_equal(failure.text, "'memory_limit_mb' must be at least 1");
        assert_int_equal(check_stored(memory, POLICY_MEMORY_MAX_BYTES + 1, NULL), -EINVAL);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_numbers),     cmocka_unit_test(test_types),
                cmocka_unit_test(test_names_limit), cmocka_unit_test(test_twice),
                cmocka_unit_test(test_stored),      cmocka_unit_test(test_zero),
                cmocka_unit_test(test_booleans),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
