/* SPDX-License-Identifier: MIT */
#include <ifaddrs.h>
#include <net/if.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "namespaces.h"
#include "sandbox/capabilities.h"
#include "sandbox/namespaces.h"

#define ALL                                                                                        \
        (LAYER_BIT(LAYER_NET_NAMESPACE) | LAYER_BIT(LAYER_IPC_NAMESPACE) |                         \
         LAYER_BIT(LAYER_UTS_NAMESPACE))

static int enter(void) {
        struct ifaddrs *addresses = NULL;
        struct utsname names;

        namespaces_unshare(0);
        CHECK(namespaces_enter_empty(~(LayerSet)0) == ALL);
        CHECK(uname(&names) == 0 && strcmp(names.nodename, "sandbox") == 0);
        CHECK(getifaddrs(&addresses) == 0);
        for (struct ifaddrs *a = addresses; a; a = a->ifa_next)
                CHECK(!(a->ifa_flags & IFF_UP));
        freeifaddrs(addresses);
        return CHILD_PASSED;
}

static int enter_some(void) {
        struct utsname before, after;

        namespaces_unshare(0);
        CHECK(uname(&before) == 0);
        CHECK(namespaces_enter_empty(LAYER_BIT(LAYER_IPC_NAMESPACE)) ==
              LAYER_BIT(LAYER_IPC_NAMESPACE));
        CHECK(uname(&after) == 0 && strcmp(before.nodename, after.nodename) == 0);
        return CHILD_PASSED;
}

static int enter_cgroup(void) {
        char before[64] = "", after[64] = "";

        namespaces_unshare(0);
        CHECK(namespaces_probe_cgroup() == 1);
        CHECK(readlink("/proc/self/ns/cgroup", before, sizeof(before) - 1) > 0);
        CHECK(namespaces_enter_cgroup(NULL) == 0);
        CHECK(readlink("/proc/self/ns/cgroup", after, sizeof(after) - 1) > 0);
        CHECK(strcmp(before, after) != 0);
        CHECK(capabilities_drop(NULL) == 0);
        CHECK(namespaces_enter_cgroup(NULL) < 0 && namespaces_probe_cgroup() == 0);
        return CHILD_PASSED;
}

/* What is refused is not claimed. */
static int refused(void) {
        struct utsname before, after;

        CHECK(uname(&before) == 0);
        CHECK(capabilities_drop(NULL) == 0);
        CHECK(namespaces_enter_empty(~(LayerSet)0) == 0);
        CHECK(uname(&after) == 0 && strcmp(before.nodename, after.nodename) == 0);
        return CHILD_PASSED;
}

static void test_enter(void **state) {
        (void)state;
        child_run(enter);
}

static void test_enter_some(void **state) {
        (void)state;
        child_run(enter_some);
}

static void test_enter_cgroup(void **state) {
        (void)state;
        child_run(enter_cgroup);
}

static void test_refused(void **state) {
        (void)state;
        child_run(refused);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_enter),
                cmocka_unit_test(test_enter_some),
                cmocka_unit_test(test_enter_cgroup),
                cmocka_unit_test(test_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
