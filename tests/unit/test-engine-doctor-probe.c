/* SPDX-License-Identifier: MIT */
#include "scratch.h"

#include "engine/doctor-probe.h"

static void test_lines(void **state) {
        static const struct {
                const char *line;
                bool understood;
                Layer layer;
                DoctorState state;
                const char *error, *detail;
        } rows[] = {
                {"landlock\tok\t-\tABI 7", true, LAYER_LANDLOCK, DOCTOR_OK, "", "ABI 7"},
                {"landlock ok - ABI 7", true, LAYER_LANDLOCK, DOCTOR_OK, "", "ABI 7"},
                {"landlock\tweak\t-\tABI 1: files only", true, LAYER_LANDLOCK, DOCTOR_WEAK, "",
                 "ABI 1: files only"},
                {"seccomp\tmissing\tENOSYS\tno filter", true, LAYER_SECCOMP, DOCTOR_MISSING,
                 "ENOSYS", "no filter"},
                {"uid\tinapplicable\t-\t", true, LAYER_UID, DOCTOR_INAPPLICABLE, "", ""},
                {"uid ok -", true, LAYER_UID, DOCTOR_OK, "", ""},
                {"telepathy\tok\t-\tof a newer agent", true, LAYER_UID, DOCTOR_MISSING, "", ""},
                {"uid\tdiffers\t-\t", false, LAYER_UID, DOCTOR_MISSING, "", ""},
                {"uid\tgood\t-\t", false, LAYER_UID, DOCTOR_MISSING, "", ""},
                {"uid\tok", false, LAYER_UID, DOCTOR_MISSING, "", ""},
                {"uid", false, LAYER_UID, DOCTOR_MISSING, "", ""},
                {"", false, LAYER_UID, DOCTOR_MISSING, "", ""},
                {"\tok\t-\t", false, LAYER_UID, DOCTOR_MISSING, "", ""},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                DoctorProbe probe = DOCTOR_PROBE_NULL;
                const DoctorLayer *layer = &probe.layers[rows[i].layer];

                assert_int_equal(doctor_probe_take(&probe, rows[i].line), rows[i].understood);
                assert_int_equal(layer->state, rows[i].state);
                assert_string_equal(layer->error, rows[i].error);
                assert_string_equal(layer->detail, rows[i].detail);
        }
}

/* A layer counts where it is there, fully or less; one that was not spoken of does not. */
static void test_layers_and_comparison(void **state) {
        DoctorProbe probe = DOCTOR_PROBE_NULL;

        (void)state;
        assert_true(doctor_probe_take(&probe, "rlimits\tok\t-\t"));
        assert_true(doctor_probe_take(&probe, "landlock\tweak\t-\tABI 1"));
        assert_true(doctor_probe_take(&probe, "uid\tinapplicable\t-\t"));
        assert_true(doctor_probe_take(&probe, "seccomp\tok\t-\t"));
        assert_true(
                doctor_probe_layers(&probe) ==
                (LAYER_BIT(LAYER_RLIMITS) | LAYER_BIT(LAYER_LANDLOCK) | LAYER_BIT(LAYER_SECCOMP)));
        doctor_probe_compare(&probe, LAYER_BIT(LAYER_RLIMITS) | LAYER_BIT(LAYER_LANDLOCK) |
                                             LAYER_BIT(LAYER_CGROUP));
        assert_int_equal(probe.layers[LAYER_RLIMITS].state, DOCTOR_OK);
        assert_int_equal(probe.layers[LAYER_LANDLOCK].state, DOCTOR_WEAK);
        assert_int_equal(probe.layers[LAYER_UID].state, DOCTOR_INAPPLICABLE);
        assert_int_equal(probe.layers[LAYER_SECCOMP].state, DOCTOR_DIFFERS);
        assert_int_equal(probe.layers[LAYER_CGROUP].state, DOCTOR_DIFFERS);
        assert_non_null(strstr(probe.layers[LAYER_SECCOMP].detail, "a real run lacks it"));
        assert_non_null(strstr(probe.layers[LAYER_CGROUP].detail, "a real run has it"));
}

static void test_run(void **state) {
        static const struct {
                const char *script;
                int r;
                const char *words;
        } rows[] = {
                {"#!/bin/sh\n[ \"$1\" = --probe ] && printf 'uid\\tok\\t-\\t\\n'\n", 0, NULL},
                {"#!/bin/sh\necho Illegal instruction\nexit 3\n", -EPROTO, "failed: Illegal"},
                {"#!/bin/sh\necho hello\n", -EPROTO, "failed: hello"},
                {"#!/bin/sh\nkill -9 $$\n", -EPROTO, "failed"},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                Failure failure = FAILURE_NULL;
                DoctorProbe probe;

                assert_int_equal(
                        doctor_probe_run(&probe, scratch_write("agent", rows[i].script), &failure),
                        rows[i].r);
                if (rows[i].r == 0)
                        assert_int_equal(probe.layers[LAYER_UID].state, DOCTOR_OK);
                else
                        assert_non_null(strstr(failure.text, rows[i].words));
        }
}

static void test_no_agent(void **state) {
        Failure failure = FAILURE_NULL;
        DoctorProbe probe;

        (void)state;
        assert_int_equal(doctor_probe_run(&probe, "/nowhere/spr-agent", &failure), -ENOENT);
        assert_int_equal(failure.stage, FAILURE_STAGE_AGENT);
}

static void test_words(void **state) {
        (void)state;
        assert_string_equal(doctor_state_name(DOCTOR_DIFFERS), "differs");
        assert_string_equal(doctor_state_name(_DOCTOR_STATE_N), "unknown");
        for (unsigned int i = 0; i < _LAYER_N; ++i)
                assert_non_null(doctor_layer_protects((Layer)i));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_lines), cmocka_unit_test(test_layers_and_comparison),
                cmocka_unit_test(test_run),   cmocka_unit_test(test_no_agent),
                cmocka_unit_test(test_words),
        };

        return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
