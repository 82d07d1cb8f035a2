/* SPDX-License-Identifier: MIT */
#include "scratch.h"

#include "engine/doctor-host.h"

/* Nothing can be read: nothing is assumed. */
static void test_empty(void **state) {
        DoctorHost host;

        (void)state;
        doctor_host_read(&host, scratch_path("nowhere"), 1000);
        assert_false(host.root || host.container || host.filtered || host.systemd);
        assert_false(host.apparmor_restricts || host.userns_clone_is_off);
        assert_false(host.userns_max_is_zero || host.lsm_is_known);
        assert_string_equal(host.lsm, "");
        assert_string_equal(host.kernel, "");
        assert_int_equal(host.version, 0);
}

static void test_all(void **state) {
        DoctorHost host;

        (void)state;
        (void)scratch_write("full/.dockerenv", "");
        (void)scratch_write("full/run/systemd/system/x", "");
        (void)scratch_write("full/proc/self/status", "Name:\tspr\nNoNewPrivs:\t0\nSeccomp:\t2\n");
        (void)scratch_write("full/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1\n");
        (void)scratch_write("full/proc/sys/kernel/unprivileged_userns_clone", "0\n");
        (void)scratch_write("full/proc/sys/user/max_user_namespaces", "0\n");
        (void)scratch_write("full/proc/sys/kernel/osrelease", "6.8.0-45-generic\n");
        (void)scratch_write("full/sys/kernel/security/lsm", "capability,landlock,apparmor");
        doctor_host_read(&host, scratch_path("full"), 0);
        assert_true(host.root && host.container && host.filtered && host.systemd);
        assert_true(host.apparmor_restricts && host.userns_clone_is_off);
        assert_true(host.userns_max_is_zero && host.lsm_is_known);
        assert_string_equal(host.lsm, "capability,landlock,apparmor");
        assert_string_equal(host.kernel, "6.8.0-45-generic");
        assert_int_equal(host.version, 608);
}

static void test_versions(void **state) {
        static const struct {
                const char *release;
                unsigned int version;
        } rows[] = {
                {"5.10.0-28-amd64", 510},
                {"6.1", 601},
                {"10.2.3", 1002},
                {"6", 0},
                {"six", 0},
                {"6.x", 0},
                {"6.100", 0},
                {"1000.1", 0},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                DoctorHost host;

                (void)scratch_write("v/proc/sys/kernel/osrelease", rows[i].release);
                doctor_host_read(&host, scratch_path("v"), 0);
                assert_int_equal(host.version, rows[i].version);
        }
}

static void test_other_values(void **state) {
        DoctorHost host;

        (void)state;
        (void)scratch_write("other/run/.containerenv", "");
        (void)scratch_write("other/proc/self/status", "Seccomp:\t2\nSeccomp_filters:\t1\n");
        (void)scratch_write("other/proc/sys/kernel/unprivileged_userns_clone", "1\n");
        (void)scratch_write("other/proc/sys/user/max_user_namespaces", "01\n");
        doctor_host_read(&host, scratch_path("other"), 0);
        assert_true(host.container);
        assert_false(host.filtered); /* the first line is no line of status */
        assert_false(host.userns_clone_is_off || host.userns_max_is_zero);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_empty),
                cmocka_unit_test(test_all),
                cmocka_unit_test(test_versions),
                cmocka_unit_test(test_other_values),
        };

        return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
