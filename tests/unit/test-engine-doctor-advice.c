/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "engine/doctor-advice.h"

#define AGENT "/usr/libexec/spr/spr-agent"

static const struct {
        DoctorHost host;
        Layer layer;
        DoctorState state;
        const char *agent, *advice; /* a part of it; NULL = none */
} rows[] = {
        {{.apparmor_restricts = true},
         LAYER_USER_NAMESPACE,
         DOCTOR_MISSING,
         AGENT,
         "profile spr-agent " AGENT " flags=(unconfined) {\\n  userns,"},
        {{.apparmor_restricts = true},
         LAYER_PID_NAMESPACE,
         DOCTOR_MISSING,
         "/opt/my tools/agent",
         "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"},
        {{.apparmor_restricts = true},
         LAYER_PID_NAMESPACE,
         DOCTOR_MISSING,
         "spr-agent",
         "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"},
        {{.userns_clone_is_off = true},
         LAYER_NET_NAMESPACE,
         DOCTOR_MISSING,
         AGENT,
         "sudo sysctl -w kernel.unprivileged_userns_clone=1"},
        {{.userns_max_is_zero = true, .apparmor_restricts = true},
         LAYER_MOUNT_NAMESPACE,
         DOCTOR_MISSING,
         AGENT,
         "sudo sysctl -w user.max_user_namespaces="},
        {{.container = true, .filtered = true},
         LAYER_USER_NAMESPACE,
         DOCTOR_MISSING,
         AGENT,
         "docker run --security-opt seccomp=unconfined"},
        {{.container = true},
         LAYER_MOUNT_NAMESPACE,
         DOCTOR_WEAK,
         AGENT,
         "docker run --security-opt systempaths=unconfined"},
        {{.filtered = true}, LAYER_IPC_NAMESPACE, DOCTOR_MISSING, AGENT, "no filter of system"},
        {{.root = false}, LAYER_UTS_NAMESPACE, DOCTOR_MISSING, AGENT, "sudo spr doctor"},
        {{.root = true}, LAYER_UTS_NAMESPACE, DOCTOR_MISSING, AGENT, NULL},
        {{.systemd = true},
         LAYER_CGROUP,
         DOCTOR_MISSING,
         AGENT,
         "systemd-run --user --scope -p Delegate=yes"},
        {{.systemd = false}, LAYER_CGROUP, DOCTOR_MISSING, AGENT, "sudo spr doctor"},
        {{.root = true}, LAYER_CGROUP, DOCTOR_MISSING, AGENT, "mount -t cgroup2"},
        {{.root = true, .container = true},
         LAYER_CGROUP,
         DOCTOR_MISSING,
         AGENT,
         "writable-cgroups=true"},
        {{.root = true, .container = true}, LAYER_UID, DOCTOR_MISSING, AGENT, "--cap-add SETUID"},
        {{.root = false}, LAYER_UID, DOCTOR_INAPPLICABLE, AGENT, NULL},
        {{.version = 510, .lsm_is_known = true, .lsm = "capability"},
         LAYER_LANDLOCK,
         DOCTOR_MISSING,
         AGENT,
         "boot Linux 5.13 or later"},
        {{.version = 601, .lsm_is_known = true, .lsm = "capability,yama"},
         LAYER_LANDLOCK,
         DOCTOR_MISSING,
         AGENT,
         "&lsm=landlock,capability,yama /' /etc/default/grub"},
        {{.version = 601, .lsm_is_known = true, .lsm = "landlock", .filtered = true},
         LAYER_LANDLOCK,
         DOCTOR_MISSING,
         AGENT,
         "no filter of system calls"},
        {{.version = 601}, LAYER_LANDLOCK, DOCTOR_MISSING, AGENT, "CONFIG_SECURITY_LANDLOCK=y"},
        {{.version = 601}, LAYER_LANDLOCK, DOCTOR_WEAK, AGENT, "boot Linux 6.12 or later"},
        {{.container = true}, LAYER_SECCOMP, DOCTOR_MISSING, AGENT, "seccomp=unconfined"},
        {{.version = 601}, LAYER_SECCOMP, DOCTOR_MISSING, AGENT, "CONFIG_SECCOMP_FILTER=y"},
        {{.version = 601}, LAYER_RLIMITS, DOCTOR_MISSING, AGENT, NULL},
        {{.apparmor_restricts = true}, LAYER_USER_NAMESPACE, DOCTOR_OK, AGENT, NULL},
        {{.apparmor_restricts = true}, LAYER_USER_NAMESPACE, DOCTOR_DIFFERS, AGENT, NULL},
};

static void test_table(void **state) {
        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                DoctorLayer found = {.state = rows[i].state};
                char text[1024] = {0};
                bool some;

                some = doctor_advise(&rows[i].host, rows[i].layer, &found, rows[i].agent, text,
                                     sizeof(text));
                assert_int_equal(some, rows[i].advice != NULL);
                if (rows[i].advice && !strstr(text, rows[i].advice))
                        fail_msg("row %zu: '%s'", i, text);
        }
}

static void test_room(void **state) {
        DoctorHost host = {.apparmor_restricts = true};
        DoctorLayer found = {.state = DOCTOR_MISSING};
        char text[1024];

        (void)state;
        for (size_t size = 1; size <= 300; ++size) {
                assert_true(doctor_advise(&host, LAYER_PID_NAMESPACE, &found, AGENT, text, size));
                assert_true(strlen(text) < size);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_table),
                cmocka_unit_test(test_room),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
