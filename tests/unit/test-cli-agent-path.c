/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/attr.h"
#include "base/fd.h"
#include "cli/agent-path.h"

static char root[] = "/tmp/spr-test-agent-path-XXXXXX";

/* In the order in which they are made; removed in the other one. */
static const char *const directories[] = {
        "bin",
        "libexec",
        "libexec/spr",
        "lib",
        "lib/python3.12",
        "lib/python3.12/site-packages",
        "lib/python3.12/site-packages/safe_py_runner",
        "lib64",
        "lib64/python3",
        "lib64/python3/dist-packages",
        "lib64/python3/dist-packages/safe_py_runner",
};

static const char *at(char *path, const char *name) {
        (void)snprintf(path, PATH_MAX, "%s/%s", root, name);
        return path;
}

static int tree_make(void **state) {
        char path[PATH_MAX];

        (void)state;
        if (!mkdtemp(root))
                return -1;
        for (size_t i = 0; i < ARRAY_SIZE(directories); i++)
                if (mkdir(at(path, directories[i]), 0755) < 0)
                        return -1;
        return 0;
}

static int tree_remove(void **state) {
        char path[PATH_MAX];

        (void)state;
        for (size_t i = ARRAY_SIZE(directories); i-- > 0;)
                (void)rmdir(at(path, directories[i]));
        return rmdir(root);
}

static void test_places(void **state) {
        static const struct {
                const char *place, *found;
        } cases[] = {
                {"bin/spr-agent", "bin/spr-agent"},
                {"libexec/spr/spr-agent", "bin/../libexec/spr/spr-agent"},
                {"lib/python3.12/site-packages/safe_py_runner/spr-agent",
                 "bin/../lib/python3.12/site-packages/safe_py_runner/spr-agent"},
                {"lib64/python3/dist-packages/safe_py_runner/spr-agent",
                 "bin/../lib64/python3/dist-packages/safe_py_runner/spr-agent"},
        };
        char spr[PATH_MAX], place[PATH_MAX], expected[PATH_MAX];

        (void)state;
        (void)at(spr, "bin/spr");
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(freep) char *none = NULL, *found = NULL;

                (void)at(place, cases[i].place);
                (void)fd_close(open(place, O_CREAT | O_CLOEXEC | O_WRONLY, 0644));
                assert_int_equal(agent_path_find(spr, &none), 0);
                assert_null(none); /* not executable */

                assert_int_equal(chmod(place, 0755), 0);
                assert_int_equal(agent_path_find(spr, &found), 0);
                assert_non_null(found);
                assert_string_equal(found, at(expected, cases[i].found));
                assert_int_equal(unlink(place), 0);
        }
}

static void test_nowhere(void **state) {
        static const char *const programs[] = {"/nonexistent/bin/spr", "spr", ""};
        char *path = NULL;

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
                assert_int_equal(agent_path_find(programs[i], &path), 0);
                assert_null(path);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_places, tree_make, tree_remove),
                cmocka_unit_test(test_nowhere),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
