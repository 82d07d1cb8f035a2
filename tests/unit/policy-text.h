#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Policies of a test, from text
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "policy/policy.h"
#include "policy/schema.h"

static inline Policy *policy_of(const char *toml) {
        Failure failure = FAILURE_NULL;
        Policy *policy = NULL;

        if (policy_parse_toml(&policy, toml, strlen(toml), "p.toml", &failure))
                fail_msg("%s", failure.text);
        return policy;
}

static inline void expect_refused(const char *toml, const char *words) {
        Failure failure = FAILURE_NULL;
        Policy *policy = NULL;

        assert_true(policy_parse_toml(&policy, toml, strlen(toml), "p.toml", &failure) < 0);
        assert_null(policy);
        assert_string_equal(failure.text, words);
}

static inline void expect_origin(const Policy *policy, const char *key, const char *origin) {
        const SchemaKey *row = schema_find(key, strlen(key));
        char text[256];

        assert_non_null(row);
        assert_string_equal(policy_origin(policy, (size_t)(row - schema_keys), text, sizeof(text)),
                            origin);
}

/* All values are the same, wherever they came from. */
static inline void expect_same(const Policy *a, const Policy *b) {
        _cleanup_(freep) char *json_a = NULL, *json_b = NULL;
        size_t length;

        assert_int_equal(policy_to_json(a, &json_a, &length), 0);
        assert_int_equal(policy_to_json(b, &json_b, &length), 0);
        assert_string_equal(json_a, json_b);
}
