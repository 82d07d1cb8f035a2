/* SPDX-License-Identifier: MIT */
#include "scratch.h"

#include "client/doctor.h"

#define LAYERS_ALL ((LAYER_BIT(_LAYER_N)) - 1)

static SprEngineOptions *make_options(const char *agent) {
        SprEngineOptions *options = NULL;

        assert_int_equal(spr_engine_options_new(&options), 0);
        assert_int_equal(spr_engine_options_set_agent(options, agent), 0);
        return options;
}

/* What disagrees has no advice: nobody knows what is wrong there. */
static void test_conclude(void **state) {
        SprDoctor doctor = {.host = {.root = true, .version = 601}};

        (void)state;
        for (unsigned int i = 0; i < _LAYER_N; ++i)
                doctor.probe.layers[i].state = DOCTOR_OK;
        doctor.probe.layers[LAYER_SECCOMP] =
                (DoctorLayer){DOCTOR_MISSING, "ENOSYS", "the kernel takes no filter"};
        doctor.reached = LAYERS_ALL & ~(LAYER_BIT(LAYER_SECCOMP) | LAYER_BIT(LAYER_LANDLOCK));
        doctor_conclude(&doctor, "/a");
        assert_string_equal(doctor.details[LAYER_SECCOMP], "the kernel takes no filter: ENOSYS");
        assert_string_equal(doctor.advice[LAYER_SECCOMP],
                            "boot a kernel with CONFIG_SECCOMP_FILTER=y");
        assert_int_equal(doctor.probe.layers[LAYER_LANDLOCK].state, DOCTOR_DIFFERS);
        assert_string_equal(doctor.advice[LAYER_LANDLOCK], "");
        assert_string_equal(doctor.details[LAYER_RLIMITS], "");
}

/* A run that failed says nothing about layers. */
static void test_conclude_without_a_run(void **state) {
        SprDoctor doctor = {.run_error = "no interpreter"};

        (void)state;
        doctor.probe.layers[LAYER_SECCOMP].state = DOCTOR_OK;
        doctor_conclude(&doctor, "/a");
        assert_int_equal(doctor.probe.layers[LAYER_SECCOMP].state, DOCTOR_OK);
}

static void test_agent_that_cannot_run(void **state) {
        SprEngineOptions *options =
                make_options(scratch_write("agent", "#!/bin/sh\n[ \"$1\" = --probe ] || exit 1\n"
                                                    "printf 'rlimits\\tok\\t-\\t\\n'\n"));
        SprDoctor *doctor = NULL;
        SprError error = {0};

        (void)state;
        assert_int_equal(spr_doctor_new(&doctor, options, &error), 0);
        assert_non_null(spr_doctor_get_run_error(doctor));
        assert_false(spr_doctor_get_ok(doctor));
        assert_string_equal(spr_doctor_get_level(doctor), "none");
        assert_string_equal(spr_doctor_get_state(doctor, LAYER_RLIMITS), "ok");
        assert_string_equal(spr_doctor_get_state(doctor, LAYER_SECCOMP), "missing");
        assert_null(spr_doctor_free(doctor));
        (void)spr_engine_options_free(options);
}

static void test_no_agent(void **state) {
        SprEngineOptions *options = make_options("/nowhere/spr-agent");
        SprDoctor *doctor = NULL;
        SprError error = {0};

        (void)state;
        assert_int_equal(spr_doctor_new(&doctor, options, &error), SPR_E_AGENT);
        assert_non_null(strstr(error.message, "/nowhere/spr-agent"));
        assert_null(spr_doctor_free(NULL));
        (void)spr_engine_options_free(options);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_conclude),
                cmocka_unit_test(test_conclude_without_a_run),
                cmocka_unit_test(test_agent_that_cannot_run),
                cmocka_unit_test(test_no_agent),
        };

        return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
