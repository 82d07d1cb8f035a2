/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/handles.h"
#include "cli/run-policy.h"
#include "cli/status.h"

static void assert_holds(const SprPolicy *policy, const char *text) {
        char *json;

        assert_int_equal(spr_policy_to_json(policy, &json), 0);
        if (!strstr(json, text))
                fail_msg("'%s' lacks '%s'", json, text);
        free(json);
}

/* Without options the file's values stay; with them they give way, and lists grow. */
static void test_over_a_file(void **state) {
        static const char text[] = "disk_mb = 5\nmax_processes = 9\nnetwork = 'host'\n"
                                   "allow_processes = true\nread_only_paths = ['/a']\n"
                                   "[env]\nA = '1'\nB = '2'\n";
        const char *env[] = {"B=x=y", "C="}, *paths[] = {"/b/", "."};
        char path[] = "/tmp/spr-run-policy-XXXXXX", *here = realpath(".", NULL), expected[4200];
        int fd = mkstemp(path);
        RunOptions options = {.policy = path};
        Fault fault = {0};

        (void)state;
        assert_non_null(here);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
        (void)close(fd);
        for (int given = 0; given < 2; given++) {
                _cleanup_(spr_policy_freep) SprPolicy *policy = NULL;

                assert_int_equal(run_policy_load(&options, NULL, &policy, &fault), 0);
                assert_holds(policy, "\"allow_processes\":true");
                assert_holds(policy, given ? "\"disk_mb\":1," : "\"disk_mb\":5,");
                assert_holds(policy, given ? "\"max_processes\":3" : "\"max_processes\":9");
                assert_holds(policy, given ? "\"network\":\"none\"" : "\"network\":\"host\"");
                assert_holds(policy, given ? "\"cpu_seconds\":0.5" : "\"cpu_seconds\":0,");
                assert_holds(policy, given ? "\"env\":{\"A\":\"1\",\"B\":\"x=y\",\"C\":\"\"}"
                                           : "\"env\":{\"A\":\"1\",\"B\":\"2\"}");
                (void)snprintf(expected, sizeof(expected),
                               given ? "\"read_only_paths\":[\"/a\",\"/b\",\"%s\"]"
                                     : "\"read_only_paths\":[\"/a\"]",
                               here);
                assert_holds(policy, expected);
                options.disk_bytes = 1 << 20;
                options.max_processes = 3;
                options.cpu_ns = 500000000;
                options.network = "none";
                options.env = (OptionList){env, 2};
                options.paths = (OptionList){paths, 2};
        }
        (void)unlink(path);
        free(here);
}

static void test_flags(void **state) {
        _cleanup_(spr_policy_freep) SprPolicy *policy = NULL;
        RunOptions options = {.allow_processes = true, .proc = true, .network = "host"};
        Fault fault = {0};

        (void)state;
        assert_int_equal(run_policy_load(&options, NULL, &policy, &fault), 0);
        assert_holds(policy, "\"allow_processes\":true");
        assert_holds(policy, "\"proc\":true");
        assert_holds(policy, "\"network\":\"host\"");
}

static void test_mistakes(void **state) {
        static const struct {
                const char *env, *path, *network, *text;
        } rows[] = {
                {"A", NULL, NULL, "--env 'A': not NAME=VALUE"},
                {"=1", NULL, NULL, "'env' sets '', which is empty"},
                {"A-B=1", NULL, NULL, "'env' sets 'A-B', which is not the name of a variable"},
                {NULL, "nonexistent", NULL, "--read-only 'nonexistent': No such file or directory"},
                {NULL, "/a/../b", NULL, "'read_only_paths' holds '/a/../b', which holds '..'"},
                {NULL, NULL, "all", "--network 'all': not none or host"},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                const char *env = rows[i].env, *path = rows[i].path;
                RunOptions options = {
                        .env = {&env, env != NULL},
                        .paths = {&path, path != NULL},
                        .network = rows[i].network,
                };
                SprPolicy *policy = NULL;
                Fault fault = {0};

                assert_int_equal(run_policy_load(&options, NULL, &policy, &fault), STATUS_USAGE);
                assert_null(policy);
                assert_string_equal(fault.text, rows[i].text);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_over_a_file),
                cmocka_unit_test(test_flags),
                cmocka_unit_test(test_mistakes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
