/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "cli/run-engine.h"
#include "cli/status.h"

static void test_contradictions(void **state) {
        static const char *packages[] = {"numpy==2.0.0"};
        static const struct {
                RunOptions options;
                const char *words; /* NULL: none */
        } rows[] = {
                {{.engine = NULL}, NULL},
                {{.engine = "local"}, NULL},
                {{.engine = "local", .venv = "x"}, NULL},
                {{.command = "ssh h python3"}, NULL},
                {{.engine = "cmd", .command = "python3", .shell_hop = true}, NULL},
                {{.engine = "docker"}, "no engine 'docker'"},
                {{.engine = ""}, "no engine ''"},
                {{.engine = "cmd"}, "--engine cmd needs --command"},
                {{.engine = "local", .command = "python3"}, "--command is not for --engine local"},
                {{.shell_hop = true}, "--shell-hop is of use with --command only"},
                {{.command = "python3", .python = "p"}, "are for this machine"},
                {{.command = "python3", .venv = "v"}, "are for this machine"},
                {{.command = "python3", .script_deps = true}, "are for this machine"},
                {{.command = "python3", .packages = {.items = packages, .n_items = 1}},
                 "are for this machine"},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                Fault fault = {0};

                assert_int_equal(run_engine_check(&rows[i].options, &fault),
                                 rows[i].words ? STATUS_USAGE : 0);
                if (rows[i].words)
                        assert_non_null(strstr(fault.text, rows[i].words));
        }
}

static void test_words_of_a_command(void **state) {
        static const struct {
                const char *command, *words; /* NULL: an engine is made of it */
        } rows[] = {
                {"python3", NULL},
                {"ssh -o 'ProxyCommand=nc %h %p' host python3", NULL},
                {"ssh 'host", "not words as a shell understands them"},
                {"echo $(id)", "not words as a shell understands them"},
                {"a | b", "not words as a shell understands them"},
                {"a $SPR_TEST_NOT_SET", "not words as a shell understands them"},
                {"  ", "--command is empty"},
        };
        CliContext context = {.executable = NULL};

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                RunOptions options = {.command = rows[i].command};
                RunEnvironment environment = {.context = &context, .options = &options};
                SprEngine *engine = NULL;
                Fault fault = {0};

                assert_int_equal(run_engine_make(&environment, &engine, &fault),
                                 rows[i].words ? STATUS_USAGE : 0);
                if (rows[i].words)
                        assert_non_null(strstr(fault.text, rows[i].words));
                else
                        assert_non_null(engine);
                (void)spr_engine_free(engine);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_contradictions),
                cmocka_unit_test(test_words_of_a_command),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
