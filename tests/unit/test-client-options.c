/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/engine.h"
#include "client/options.h"
#include "wire/messages.h"

static SprEngineOptions *new_options(void) {
        SprEngineOptions *options;

        assert_int_equal(spr_engine_options_new(&options), 0);
        return options;
}

static void assert_strings(const SprEngineOptions *options, const char *strings, size_t size) {
        Failure failure = FAILURE_NULL;
        EnvOpenFrame frame;
        Blob *blob;

        assert_int_equal(options_to_environment(options, &blob, &failure), 0);
        memcpy(&frame, blob->bytes, sizeof(frame));
        assert_int_equal(frame.n_preloads, options->n_preloads);
        assert_int_equal(frame.startup_timeout_ns, options->startup_timeout_ns);
        assert_int_equal(blob->size, sizeof(frame) + size);
        assert_memory_equal(blob->bytes + sizeof(frame), strings, size);
        (void)blob_unref(blob);
}

static void test_defaults(void **state) {
        SprEngineOptions *options = new_options();

        (void)state;
        assert_strings(options, "/usr/bin/python3", sizeof("/usr/bin/python3"));
        assert_int_equal(options->startup_timeout_ns, UINT64_C(30000000000));
        assert_null(spr_engine_options_free(options));
        assert_null(spr_engine_options_free(NULL));
}

static void test_all_set(void **state) {
        static const char strings[] = "/venv/bin/python\0json\0numpy";
        SprEngineOptions *options = new_options();

        (void)state;
        assert_int_equal(spr_engine_options_set_python(options, "/other"), 0);
        assert_int_equal(spr_engine_options_set_venv(options, "/venv"), 0);
        assert_int_equal(spr_engine_options_set_agent(options, "/agent"), 0);
        assert_string_equal(options->agent, "/agent");
        assert_int_equal(spr_engine_options_add_preload(options, "json"), 0);
        assert_int_equal(spr_engine_options_add_preload(options, "numpy"), 0);
        assert_int_equal(spr_engine_options_set_startup_timeout_ns(options, 7), 0);
        assert_int_equal(spr_engine_options_set_startup_timeout_ns(options, 0), SPR_E_INVALID);
        spr_engine_options_set_debug(options, true);
        assert_strings(options, strings, sizeof(strings));
        assert_true(options->debug);
        (void)spr_engine_options_free(options);
}

static void test_bad_preloads(void **state) {
        static const struct {
                const char *name, *words;
        } rows[] = {
                {"", "cannot preload '': not the name of a module"},
                {"a b", "cannot preload 'a b': not the name of a module"},
                {"1a", "cannot preload '1a': not the name of a module"},
                {".a", "cannot preload '.a': not the name of a module"},
                {"a.", "cannot preload 'a.': not the name of a module"},
                {"a..b", "cannot preload 'a..b': not the name of a module"},
                {"a.1", "cannot preload 'a.1': not the name of a module"},
                {"a-b", "cannot preload 'a-b': not the name of a module"},
                {"a\nb", "cannot preload 'a b': not the name of a module"},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                SprEngineOptions *options = new_options();
                SprEngine *engine;
                SprError error;

                assert_int_equal(spr_engine_options_add_preload(options, "os.path"), 0);
                assert_int_equal(spr_engine_options_add_preload(options, rows[i].name),
                                 SPR_E_INVALID);
                assert_int_equal(spr_engine_options_add_preload(options, "-"), SPR_E_INVALID);
                assert_int_equal(spr_engine_new(&engine, options, &error), SPR_E_INVALID);
                assert_string_equal(error.message, rows[i].words);
                (void)spr_engine_options_free(options);
        }
}

static void test_preload_auto(void **state) {
        static const char strings[] = "/usr/bin/python3\0_a.b1.\xc3\xa9";
        SprEngineOptions *options = new_options();
        Failure failure = FAILURE_NULL;
        EnvOpenFrame frame;
        Blob *blob;

        (void)state;
        assert_int_equal(spr_engine_options_add_preload(options, "_a.b1.\xc3\xa9"), 0);
        assert_strings(options, strings, sizeof(strings));
        for (int on = 1; on >= 0; --on) {
                spr_engine_options_set_preload_auto(options, on);
                assert_int_equal(options_to_environment(options, &blob, &failure), 0);
                memcpy(&frame, blob->bytes, sizeof(frame));
                assert_int_equal(frame.flags, on ? ENV_FLAG_PRELOAD_AUTO : 0);
                (void)blob_unref(blob);
        }
        (void)spr_engine_options_free(options);
}

static void test_queue_limits(void **state) {
        SprEngineOptions *options = new_options();
        SprEngine *engine;

        (void)state;
        assert_int_equal(options->queue.max_concurrency, 0);
        assert_int_equal(options->queue.max_queue, 65536);
        assert_int_equal(options->queue.acquire_timeout_ns, UINT64_MAX);
        spr_engine_options_set_max_concurrency(options, 4);
        spr_engine_options_set_max_queue(options, 5);
        spr_engine_options_set_acquire_timeout_ns(options, 6);
        assert_int_equal(spr_engine_new(&engine, options, NULL), 0);
        assert_int_equal(engine->queue.limits.max_concurrency, 4);
        assert_int_equal(engine->queue.limits.max_queue, 5);
        assert_int_equal(engine->queue.limits.acquire_timeout_ns, 6);
        (void)spr_engine_free(engine);
        (void)spr_engine_options_free(options);
}

static void test_relative_python(void **state) {
        SprEngineOptions *options = new_options();
        char here[PATH_MAX], expected[PATH_MAX + 32];
        int length;

        (void)state;
        assert_non_null(getcwd(here, sizeof(here)));
        length = snprintf(expected, sizeof(expected), "%s/venv/bin/python", here);
        assert_int_equal(spr_engine_options_set_venv(options, "venv"), 0);
        assert_strings(options, expected, (size_t)length + 1);
        (void)spr_engine_options_free(options);
}

static void test_bare_name(void **state) {
        SprEngineOptions *options = new_options();
        Failure failure = FAILURE_NULL;
        SprEngine *engine;
        SprError error;
        Blob *blob;

        (void)state;
        assert_int_equal(spr_engine_options_set_python(options, "python3"), 0);
        assert_true(options_to_environment(options, &blob, &failure) < 0);
        assert_string_equal(failure.text, "cannot use interpreter 'python3': not a path");
        assert_int_equal(spr_engine_new(&engine, options, &error), SPR_E_INVALID);
        assert_string_equal(error.message, failure.text);
        (void)spr_engine_options_free(options);
}

static void test_too_many_preloads(void **state) {
        SprEngineOptions *options = new_options();
        Failure failure = FAILURE_NULL;
        char name[1024];
        Blob *blob;
        int r = 0;

        (void)state;
        memset(name, 'm', sizeof(name) - 1);
        name[sizeof(name) - 1] = '\0';
        for (size_t i = 0; i < 63; ++i)
                assert_int_equal(spr_engine_options_add_preload(options, name), 0);
        name[991] = '\0';
        assert_int_equal(spr_engine_options_add_preload(options, name), 0);
        r = options_to_environment(options, &blob, &failure);
        assert_true(r < 0);
        assert_string_equal(failure.text, "the interpreter's path and preloads are too long");
        assert_int_equal(spr_engine_options_add_preload(options, name), SPR_E_INVALID);
        assert_int_equal(options_to_environment(options, &blob, &failure), -EINVAL);
        assert_non_null(strstr(failure.text, "mmm': too many names"));
        (void)spr_engine_options_free(options);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_defaults),          cmocka_unit_test(test_all_set),
                cmocka_unit_test(test_relative_python),   cmocka_unit_test(test_bare_name),
                cmocka_unit_test(test_too_many_preloads), cmocka_unit_test(test_bad_preloads),
                cmocka_unit_test(test_preload_auto),      cmocka_unit_test(test_queue_limits),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
