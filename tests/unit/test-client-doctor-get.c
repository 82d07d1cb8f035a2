/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json-text.h"
#include "client/doctor.h"

#define LAYERS_KERNEL                                                                              \
        (LAYER_BIT(LAYER_NO_NEW_PRIVS) | LAYER_BIT(LAYER_RLIMITS) | LAYER_BIT(LAYER_UNDUMPABLE) |  \
         LAYER_BIT(LAYER_LANDLOCK) | LAYER_BIT(LAYER_SECCOMP))

static void test_ok(void **state) {
        static const struct {
                LayerSet reached;
                IsolationLevel demanded;
                const char *error, *level;
                bool ok;
        } rows[] = {
                {LAYERS_KERNEL, ISOLATION_KERNEL, "", "kernel", true},
                {LAYERS_KERNEL, ISOLATION_FULL, "", "kernel", false},
                {LAYERS_KERNEL & ~LAYER_BIT(LAYER_SECCOMP), ISOLATION_KERNEL, "", "process", false},
                {0, ISOLATION_NONE, "", "none", true},
                {0, ISOLATION_NONE, "no interpreter", "none", false},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
                SprDoctor doctor = {.reached = rows[i].reached, .demanded = rows[i].demanded};

                (void)strncpy(doctor.run_error, rows[i].error, sizeof(doctor.run_error) - 1);
                assert_int_equal(spr_doctor_get_ok(&doctor), rows[i].ok);
                assert_string_equal(spr_doctor_get_level(&doctor), rows[i].level);
        }
}

static void test_layers(void **state) {
        SprDoctor doctor = {.advice = {[LAYER_UID] = "do this"}, .python = "3.11.2"};
        size_t n = 0;

        (void)state;
        while (spr_doctor_get_layer(&doctor, n))
                ++n;
        assert_int_equal(n, _LAYER_N);
        assert_null(spr_doctor_get_state(&doctor, n));
        assert_null(spr_doctor_get_protects(&doctor, n));
        assert_null(spr_doctor_get_detail(&doctor, n));
        assert_null(spr_doctor_get_advice(&doctor, n));
        assert_string_equal(spr_doctor_get_layer(&doctor, LAYER_UID), "uid");
        assert_string_equal(spr_doctor_get_advice(&doctor, LAYER_UID), "do this");
        assert_null(spr_doctor_get_advice(&doctor, LAYER_RLIMITS));
        assert_null(spr_doctor_get_detail(&doctor, LAYER_UID));
        assert_string_equal(spr_doctor_get_python(&doctor), "3.11.2");
        assert_null(spr_doctor_get_kernel(&doctor));
}

static void test_json(void **state) {
        SprDoctor doctor = {
                .host = {.kernel = "6.1.0"},
                .advice = {[LAYER_SECCOMP] = "say \"please\""},
                .reached = LAYERS_KERNEL & ~LAYER_BIT(LAYER_SECCOMP),
                .demanded = ISOLATION_KERNEL,
        };
        char *json = NULL;

        (void)state;
        assert_int_equal(spr_doctor_to_json(&doctor, &json), 0);
        assert_int_equal(json_text_check(json, strlen(json), 8, NULL), 0);
        assert_non_null(
                strstr(json, "{\"level\": \"process\", \"ok\": false, \"layers\": [{\"name\""));
        assert_non_null(strstr(json, "\"advice\": \"say \\\"please\\\"\""));
        assert_non_null(strstr(json, "\"run\": {\"ok\": true, \"error\": null, \"level\": "
                                     "\"process\", \"layers\": [\"no_new_privs\", \"rlimits\", "
                                     "\"undumpable\", \"landlock\"]}"));
        assert_non_null(strstr(json, "\"kernel\": \"6.1.0\", \"python\": null}"));
        free(json);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_ok),
                cmocka_unit_test(test_layers),
                cmocka_unit_test(test_json),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
