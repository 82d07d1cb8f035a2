/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent-host.h"
#include "agent/imports.h"

#define LEARN(imports, names) imports_learn(imports, (const uint8_t *)(names), sizeof(names) - 1)

/* What is not a dotted name of ASCII is ignored, and so is what has no end. */
static void test_names(void **state) {
        static const char good[] = "json\0a.b_c.D9\0_x\0";
        static const char bad[] = "\0.a\0a.\0a..b\0009a\0a.9b\0a b\0a-b\0\xc3\xa4\0../x\0cut";
        char longest[IMPORT_NAME_MAX + 1];
        const char *names[IMPORTS_MAX];
        Imports imports = {.n = 0};

        (void)state;
        LEARN(&imports, good);
        LEARN(&imports, bad);
        memset(longest, 'a', sizeof(longest));
        longest[IMPORT_NAME_MAX] = '\0';
        imports_learn(&imports, (const uint8_t *)longest, sizeof(longest));
        assert_int_equal(imports.n, 3);
        assert_false(imports_have_news(&imports)); /* of one run only */
        LEARN(&imports, good);
        assert_true(imports_have_news(&imports));
        assert_int_equal(imports_try(&imports, names, IMPORTS_MAX), 3);
        assert_string_equal(names[1], "a.b_c.D9");
}

static void test_states(void **state) {
        const char *names[IMPORTS_MAX];
        Imports imports = {.n = 0};

        (void)state;
        LEARN(&imports, "good\0");
        LEARN(&imports, "good\0");
        assert_int_equal(imports_try(&imports, names, IMPORTS_MAX), 1);
        assert_false(imports_have_news(&imports));
        imports_settle(&imports, IMPORT_WARM);
        LEARN(&imports, "bad\0");
        LEARN(&imports, "bad\0");
        assert_true(imports_have_news(&imports));
        assert_int_equal(imports_try(&imports, names, IMPORTS_MAX), 2);
        imports_settle(&imports, IMPORT_REFUSED);
        LEARN(&imports, "bad\0");
        assert_false(imports_have_news(&imports));
        assert_int_equal(imports_try(&imports, names, IMPORTS_MAX), 1);
        assert_string_equal(names[0], "good");
        assert_int_equal(imports_try(&imports, names, 0), 0);
}

/* Hostile code names as many as it likes. */
static void test_full(void **state) {
        Imports imports = {.n = 0};
        char name[16];

        (void)state;
        for (unsigned int i = 0; i < 2 * IMPORTS_MAX; ++i) {
                int n = snprintf(name, sizeof(name), "m%u", i);

                imports_learn(&imports, (const uint8_t *)name, (size_t)n + 1);
        }
        assert_int_equal(imports.n, IMPORTS_MAX);
}

static int setup_auto(void **state) {
        host_env_flags = ENV_FLAG_PRELOAD_AUTO;
        return host_setup(state);
}

/* A module that two runs had to import is there when another one begins; one that no zygote can
 * import, and one that was already there, change nothing. */
static void test_learned(void **state) {
        static const char code[] = "import sys\n"
                                   "result = 'wave' in sys.modules\n"
                                   "import wave, json\n"
                                   "sys.modules['made.up'] = sys\n"
                                   "del sys.modules['made.up']\n"
                                   "sys.path.insert(0, '/tmp')\n"
                                   "open('/tmp/mine.py', 'w').close()\n"
                                   "import mine\n";
        bool warm = false;

        (void)state;
        for (uint64_t id = 1; !warm; ++id) {
                _cleanup_(host_result_deinit) HostResult result;

                host_submit(id, code);
                host_result(id, &result);
                assert_false(result.failed);
                assert_int_equal(result.frame.outcome, OUTCOME_OK);
                warm = !strcmp(result.data[DATA_RESULT], "true");
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_names),
                cmocka_unit_test(test_states),
                cmocka_unit_test(test_full),
                cmocka_unit_test_setup_teardown(test_learned, setup_auto, host_teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
