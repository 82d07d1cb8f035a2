/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sandbox/cgroup-find.h"

#define V2 _CGROUP_ROLE_N

typedef struct PlaceRow {
        const char *name, *mountinfo, *membership;
        int role;
        const char *mount; /* NULL: none is found */
        const char *group; /* NULL: it is not known */
        bool read_only;
} PlaceRow;

#define SYSTEMD                                                                                    \
        "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"                                  \
        "30 22 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
#define HYBRID                                                                                     \
        "30 22 0:26 / /sys/fs/cgroup ro,nosuid - tmpfs tmpfs ro,mode=755\n"                        \
        "31 30 0:27 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"                            \
        "32 30 0:28 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd\n"           \
        "33 30 0:29 / /sys/fs/cgroup/memory rw shared:9 master:2 - cgroup cgroup rw,memory\n"      \
        "34 30 0:30 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"              \
        "35 30 0:31 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"                        \
        "36 30 0:32 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n"
#define HYBRID_MEMBER                                                                              \
        "12:memory:/user.slice\n11:cpu,cpuacct:/a:b c\n10:cpuset:/none\n9:pids:/gone (deleted)\n"  \
        "1:name=systemd:/user.slice/x.scope\n0::/user.slice/x.scope\n"

static const PlaceRow rows[] = {
        {"systemd", SYSTEMD, "0::/user.slice/user-1000.slice/x.scope\n", V2, "/sys/fs/cgroup",
         "/user.slice/user-1000.slice/x.scope", false},
        {"root group", SYSTEMD, "0::/\n", V2, "/sys/fs/cgroup", "", false},
        {"no v1", SYSTEMD, "0::/\n", CGROUP_MEMORY, NULL, NULL, false},
        {"last line is not ended", "1 2 0:3 / /sys/fs/cgroup rw - cgroup2 none rw", "0::/x", V2,
         "/sys/fs/cgroup", "/x", false},
        {"hybrid: v2", HYBRID, HYBRID_MEMBER, V2, "/sys/fs/cgroup/unified", "/user.slice/x.scope",
         false},
        {"hybrid: memory", HYBRID, HYBRID_MEMBER, CGROUP_MEMORY, "/sys/fs/cgroup/memory",
         "/user.slice", false},
        {"hybrid: cpu, with a colon and a blank", HYBRID, HYBRID_MEMBER, CGROUP_CPU,
         "/sys/fs/cgroup/cpu,cpuacct", "/a:b c", false},
        {"hybrid: pids, not cpuset", HYBRID, HYBRID_MEMBER, CGROUP_PIDS, "/sys/fs/cgroup/pids",
         "/gone (deleted)", false},
        {"named systemd is no v2", "32 30 0:28 / /sys/fs/cgroup rw - cgroup c rw,name=systemd\n",
         "1:name=systemd:/\n", V2, NULL, NULL, false},
        {"escapes", "1 2 0:3 /a\\040b /sys/fs/cgroup/m\\134\\011 rw - cgroup c rw,memory\n",
         "3:memory:/a b/c\n", CGROUP_MEMORY, "/sys/fs/cgroup/m\\\t", "/c", false},
        {"half an escape", "1 2 0:3 / /sys/fs/cgroup/m\\04 rw - cgroup c rw,memory\n",
         "3:memory:/\n", CGROUP_MEMORY, "/sys/fs/cgroup/m\\04", "", false},
        {"container, no cgroup namespace",
         "1 2 0:3 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n",
         "3:memory:/docker/abc\n", CGROUP_MEMORY, "/sys/fs/cgroup/memory", "", true},
        {"container, deeper", "1 2 0:3 /docker/abc /sys/fs/cgroup rw - cgroup2 cgroup rw\n",
         "0::/docker/abc/inner\n", V2, "/sys/fs/cgroup", "/inner", false},
        {"bind mount of a sibling", "1 2 0:3 /docker/abc /sys/fs/cgroup rw - cgroup2 cgroup rw\n",
         "0::/docker/abcd\n", V2, "/sys/fs/cgroup", NULL, false},
        {"cgroup namespace", SYSTEMD, "0::/\n", V2, "/sys/fs/cgroup", "", false},
        {"mounted outside the namespace", "1 2 0:3 /../.. /sys/fs/cgroup rw - cgroup2 c rw\n",
         "0::/\n", V2, "/sys/fs/cgroup", NULL, false},
        {"moved out of the namespace", SYSTEMD, "0::/../other\n", V2, "/sys/fs/cgroup", NULL,
         false},
        {"not below the root", "1 2 0:3 / /sys/fs/cgroups rw - cgroup2 c rw\n", "0::/\n", V2, NULL,
         NULL, false},
        {"no line of ours", SYSTEMD, "3:memory:/x\n", V2, "/sys/fs/cgroup", NULL, false},
        {"the writable one of two",
         "1 2 0:3 / /sys/fs/cgroup/a rw - cgroup2 c rw\n2 2 0:3 / /sys/fs/cgroup/b ro - cgroup2 c "
         "rw\n",
         "0::/\n", V2, "/sys/fs/cgroup/a", "", false},
        {"the later one of two",
         "1 2 0:3 / /sys/fs/cgroup/a rw - cgroup2 c rw\n2 2 0:3 / /sys/fs/cgroup/b rw - cgroup2 c "
         "rw\n",
         "0::/\n", V2, "/sys/fs/cgroup/b", "", false},
        {"the one that shows the own group",
         "1 2 0:3 /x /sys/fs/cgroup/a rw - cgroup2 c rw\n2 2 0:3 /z /sys/fs/cgroup/b rw - cgroup2 "
         "c rw\n",
         "0::/x/y\n", V2, "/sys/fs/cgroup/a", "/y", false},
        {"no dash", "1 2 0:3 / /sys/fs/cgroup rw cgroup2 c rw\n", "0::/\n", V2, NULL, NULL, false},
        {"cut", "1 2 0:3 / /sys/fs/cgroup rw - cgroup2", "0::/\n", V2, NULL, NULL, false},
        {"rubbish", "\n \n-\n\\", ":\n::\n\n", V2, NULL, NULL, false},
        {"nothing", "", "", V2, NULL, NULL, false},
};

static void test_places(void **state) {
        const PlaceRow *row = *state;
        _cleanup_(cgroup_places_freep) CgroupPlaces *places = NULL;
        const CgroupPlace *place;

        places = cgroup_places_new("/sys/fs/cgroup", row->mountinfo, row->membership);
        assert_non_null(places);
        place = row->role == V2 ? &places->v2 : &places->v1[row->role];
        assert_int_equal(place->mounted, row->mount != NULL);
        if (!row->mount)
                return;
        assert_string_equal(place->mount, row->mount);
        assert_int_equal(place->group_known, row->group != NULL);
        assert_string_equal(place->group, row->group ? row->group : "");
        assert_int_equal(place->read_only, row->read_only);
}

/* What does not fit is as if it were not there. */
static void test_long_paths(void **state) {
        static char mountinfo[CGROUP_PATH_MAX * 2], membership[CGROUP_PATH_MAX * 2];
        const int longest = CGROUP_PATH_MAX - 1 - 15;

        (void)state;
        for (int extra = 0; extra < 2; ++extra) {
                CgroupPlaces *places;

                (void)snprintf(mountinfo, sizeof(mountinfo),
                               "1 2 0:3 / /sys/fs/cgroup/%0*d rw - cgroup2 c rw\n", longest + extra,
                               0);
                (void)snprintf(membership, sizeof(membership), "0::/%0*d\n",
                               CGROUP_PATH_MAX - 2 + extra, 0);
                places = cgroup_places_new("/sys/fs/cgroup", mountinfo, "0::/\n");
                assert_int_equal(places->v2.mounted, !extra);
                (void)cgroup_places_free(places);
                places = cgroup_places_new("/sys/fs/cgroup", SYSTEMD, membership);
                assert_true(places->v2.mounted && places->v2.group_known == !extra);
                (void)cgroup_places_free(places);
        }
}

static void test_list(void **state) {
        (void)state;
        assert_true(cgroup_list_has("cpu io memory pids\n", "memory"));
        assert_true(cgroup_list_has("rw,memory", "memory"));
        assert_true(cgroup_list_has("pids", "pids"));
        assert_false(cgroup_list_has("cpuset cpuacct", "cpu"));
        assert_false(cgroup_list_has("", "cpu"));
}

int main(void) {
        struct CMUnitTest tests[ARRAY_SIZE(rows) + 2] = {
                cmocka_unit_test(test_long_paths),
                cmocka_unit_test(test_list),
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i)
                tests[i + 2] = (struct CMUnitTest){rows[i].name, test_places, NULL, NULL,
                                                   (void *)(uintptr_t)&rows[i]};
        return cmocka_run_group_tests(tests, NULL, NULL);
}
