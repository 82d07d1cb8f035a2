/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "corpus.h"
#include "policy/policy.h"

static void assert_list(const StringList *list, const char *expected) {
        char joined[256] = "";

        for (size_t i = 0; i < list->n_items; ++i)
                (void)snprintf(joined + strlen(joined), sizeof(joined) - strlen(joined), "%s%s",
                               i ? " " : "", list->items[i]);
        assert_string_equal(joined, expected);
}

static void test_defaults(void **state) {
        _cleanup_(policy_freep) Policy *policy = NULL;

        (void)state;
        assert_int_equal(policy_new(&policy), 0);
        assert_int_equal(policy->mode, POLICY_MODE_RESTRICT);
        assert_int_equal(policy->timeout_ns, UINT64_C(5000000000));
        assert_int_equal(policy->memory_bytes, UINT64_C(256) << 20);
        assert_int_equal(policy->output_bytes, 128 << 10);
        assert_list(&policy->blocked_imports, "os subprocess socket ctypes importlib");
        assert_list(&policy->blocked_builtins, "eval exec open compile breakpoint");
        assert_list(&policy->allowed_imports, "");
        assert_list(&policy->allowed_builtins, "");
        assert_list(&policy->allowed_globals, "");
        assert_list(&policy->blocked_globals, "");
        assert_null(policy->extra_globals);
        assert_int_equal(policy->min_isolation, ISOLATION_KERNEL);
        assert_int_equal(policy->network, POLICY_NETWORK_NONE);
        assert_false(policy->allow_processes || policy->proc);
        assert_int_equal(policy->n_processes, 64);
        assert_int_equal(policy->cpu_ns, 0);
        assert_int_equal(policy->file_bytes, 128 << 20);
        assert_int_equal(policy->disk_bytes, 128 << 20);
        assert_list(&policy->env, "");
        assert_list(&policy->read_only_paths, "");
        assert_null(policy_free(NULL));
}

/* The first line of an n_ file says what its complaint must hold. */
static void check_corpus_file(const char *name, const char *text, size_t length, bool wanted) {
        _cleanup_(policy_freep) Policy *policy = NULL;
        Failure failure = FAILURE_NULL;
        char words[128];
        int r;

        r = policy_parse_toml(&policy, text, length, "p", &failure);
        if (wanted) {
                if (r)
                        fail_msg("%s: %s", name, failure.text);
                return;
        }
        assert_true(length > 2);
        (void)snprintf(words, sizeof(words), "%.*s", (int)min_size(length, 127) - 2, text + 2);
        *strchrnul(words, '\n') = '\0';
        if (r != -EINVAL || !strstr(failure.text, words))
                fail_msg("%s: %d '%s' lacks '%s'", name, r, failure.text, words);
        assert_int_equal(failure.stage, FAILURE_STAGE_POLICY);
        assert_memory_equal(failure.text, "p:", 2);
}

static void test_toml_corpus(void **state) {
        (void)state;
        corpus_each("policy", 60, check_corpus_file);
}

static void test_json_faults(void **state) {
        static const struct {
                const char *text, *words;
        } rows[] = {
                {"{\"timeout_second\": 3}",
                 "p:1: unknown key 'timeout_second': did you mean 'timeout_seconds'?"},
                {"{\n\"a\\u0000b\\u001b\": 3}", "p:2: unknown key 'a?b?'"},
                {"{\"timeout_seconds\": \"5\"}", "must be a number, not a string"},
                {"{\"timeout_seconds\": true}", "must be a number, not a boolean"},
                {"{\"timeout_seconds\": null}", "must be a number, not null"},
                {"{\"timeout_seconds\": NaN}", "at most 86400, not NaN"},
                {"{\"timeout_seconds\": 1e999}", "at most 86400, not 1e999"},
                {"{\"memory_limit_mb\": 99999999999999999999}", "not 99999999999999999999"},
                {"{\"memory_limit_mb\": 256.0}", "must be an integer"},
                {"{\"memory_limit_mb\": 18446744073709551617}", "from 1 to 1048576"},
                {"{\"mode\": \"Restrict\"}", "did you mean 'restrict'?"},
                {"{\"blocked_imports\": {}}", "must be a list of strings, not a table"},
                {"{\"blocked_imports\": [\n\"os\",\nnull]}", "p:3: 'blocked_imports' must hold"},
                {"{\"extra_globals\": []}", "'extra_globals' must be a table, not a list"},
                {"{\"extra_globals\": {\n\"re\\u0073ult\": 1}}",
                 "p:2: 'extra_globals' sets 'result'"},
                {"{\"extra_globals\": {\"a\": 1,\n\"\\u0061\": 1}}",
                 "p:2: 'extra_globals' sets 'a' twice"},
                {"{\"mode\": \"allow\",\n\"\\u006dode\": \"allow\"}",
                 "p:2: 'mode' is set twice, first in line 1"},
                {"{\"env\": {\n\"A\": \"1\",\n\"A\": \"2\"}}", "p:3: 'env' sets 'A' twice"},
                {"{\"env\": {\"A\": [1]}}", "p:1: 'env' sets 'A' to what is not a string"},
                {"{\"env\": {\"A\": \"\\ud800\"}}", "'env' sets 'A' to what is not Unicode"},
                {"{\"env\": {\"A\": \"\\u0000\"}}", "'env' sets 'A' to what holds a NUL"},
                {"{\"env\": {\"A=\": \"1\"}}", "'A=', which is not the name of a variable"},
                {"{\"proc\": 1}", "'proc' must be true or false, not an integer"},
                {"{\"read_only_paths\": [\n1]}", "p:2: 'read_only_paths' must hold strings"},
                {"{\"netwrk\": \"host\"}", "did you mean 'network'?"},
                {"{\"policy\": 3}", "'policy' must be a table"},
                {"{\"policy\": {},\n\"mode\": \"allow\"}",
                 "p:2: 'mode' stands outside of the table 'policy' of line 1"},
                {"{\"policy\": {\"policy\": {}}}", "unknown key 'policy'"},
                {"\xef\xbb\xbf{}", "p:1: expected a value"},
                {"{\n\"mode\": \"\xff\"}", "p:2: not UTF-8"},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                Policy *policy = NULL;
                Failure failure = FAILURE_NULL;

                assert_int_equal(policy_parse_json(&policy, rows[i].text, strlen(rows[i].text), "p",
                                                   i % 2, &failure),
                                 -EINVAL);
                assert_null(policy);
                if (!strstr(failure.text, rows[i].words))
                        fail_msg("'%s' lacks '%s'", failure.text, rows[i].words);
        }
}

/* Missing lists: empty in a file, the defaults from a caller. Numbers: always the defaults. */
static void test_complete(void **state) {
        static const char text[] = "{\"blocked_imports\": [\"re\", \"re\"]}";

        (void)state;
        for (int complete = 0; complete < 2; ++complete) {
                _cleanup_(policy_freep) Policy *policy = NULL;

                assert_int_equal(
                        policy_parse_json(&policy, text, strlen(text), "p", complete, NULL), 0);
                assert_list(&policy->blocked_imports, "re");
                assert_list(&policy->blocked_builtins,
                            complete ? "eval exec open compile breakpoint" : "");
                assert_int_equal(policy->timeout_ns, UINT64_C(5000000000));
        }
}

static void test_dup(void **state) {
        static const char text[] = "mode = 'allow'\nallowed_imports = ['a', 'b']\n"
                                   "env = {A = '1'}\nread_only_paths = ['/x']\n"
                                   "[extra_globals]\nx = 1\n";
        _cleanup_(policy_freep) Policy *policy = NULL, *copy = NULL, *plain = NULL;
        char *first, *second;
        size_t length;

        (void)state;
        assert_int_equal(policy_parse_toml(&policy, text, strlen(text), "p", NULL), 0);
        assert_int_equal(policy_dup(&copy, policy), 0);
        assert_int_equal(policy_to_json(policy, &first, &length), 0);
        policy = policy_free(policy);
        assert_int_equal(policy_to_json(copy, &second, &length), 0);
        assert_string_equal(first, second);
        free(first);
        free(second);
        assert_int_equal(policy_new(&policy), 0);
        assert_int_equal(policy_dup(&plain, policy), 0);
        assert_null(plain->extra_globals);
}

static void test_setters(void **state) {
        _cleanup_(policy_freep) Policy *policy = NULL;
        Failure failure = FAILURE_NULL;

        (void)state;
        assert_int_equal(policy_new(&policy), 0);
        assert_int_equal(policy_set_timeout_ns(policy, 7, &failure), 0);
        assert_int_equal(policy_set_timeout_ns(policy, 0, &failure), -EINVAL);
        assert_int_equal(policy->timeout_ns, 7);
        assert_int_equal(policy_set_memory_bytes(policy, 3 << 20, &failure), 0);
        assert_int_equal(policy_set_memory_bytes(policy, 1, &failure), -EINVAL);
        assert_int_equal(policy->memory_bytes, 3 << 20);
        assert_int_equal(policy_set_file_bytes(policy, 3 << 20, &failure), 0);
        assert_int_equal(policy_set_disk_bytes(policy, 1 << 20, &failure), 0);
        assert_int_equal(policy_set_disk_bytes(policy, 1, &failure), -EINVAL);
        assert_string_equal(failure.text, "'disk_mb' must be at least 1");
        assert_int_equal(policy_set_cpu_ns(policy, 0, &failure), 0);
        assert_int_equal(policy_set_cpu_ns(policy, 1, &failure), 0);
        assert_int_equal(policy_set_max_processes(policy, 4097, &failure), -EINVAL);
        assert_int_equal(policy_set_max_processes(policy, 7, &failure), 0);
        assert_int_equal(policy->file_bytes, 3 << 20);
        assert_int_equal(policy->disk_bytes, 1 << 20);
        assert_int_equal(policy->cpu_ns, 1);
        assert_int_equal(policy->n_processes, 7);
}

static void test_items(void **state) {
        _cleanup_(policy_freep) Policy *policy = NULL;
        Failure failure = FAILURE_NULL;

        (void)state;
        assert_int_equal(policy_new(&policy), 0);
        assert_int_equal(policy_set_env(policy, "A", "1", &failure), 0);
        assert_int_equal(policy_set_env(policy, "A", "x=y", &failure), 0);
        assert_int_equal(policy_set_env(policy, "A B", "1", &failure), -EINVAL);
        assert_string_equal(failure.text, "'env' sets 'A B', which is not the name of a variable");
        assert_int_equal(policy_set_env(policy, "A", "\xff", &failure), -EINVAL);
        assert_list(&policy->env, "A=x=y");
        assert_int_equal(policy_add_read_only_path(policy, "/a//b/", &failure), 0);
        assert_int_equal(policy_add_read_only_path(policy, "a", &failure), -EINVAL);
        assert_string_equal(failure.text, "'read_only_paths' holds 'a', which is not absolute");
        assert_int_equal(policy_add_read_only_path(policy, "/\xff", &failure), -EINVAL);
        assert_list(&policy->read_only_paths, "/a/b");
}

static void test_extra_globals(void **state) {
        static const struct {
                const char *text, *words;
        } rows[] = {
                {"[]", "extra_globals:1: expected an object"},
                {"", "extra_globals:1: expected a value"},
                {"{\"a\": 1} x", "extra_globals:1: text after the value"},
                {"{\"a b\": 1}", "'extra_globals' sets 'a b', which is not an identifier"},
                {"{\"__builtins__\": {}}",
                 "'extra_globals' sets '__builtins__', which is reserved"},
                {"{\"input_data\": {}}", "'extra_globals' sets 'input_data', which is reserved"},
                {"{\"\": 1}", "sets '', which is empty"},
                {"{\"a\": \"\xff\"}", "extra_globals:1: not UTF-8"},
        };
        _cleanup_(policy_freep) Policy *policy = NULL;

        (void)state;
        assert_int_equal(policy_new(&policy), 0);
        for (size_t i = 0; i < 2; ++i)
                assert_int_equal(policy_set_extra_globals(policy, " {\"\\u00e9\": NaN} ", 17, NULL),
                                 0);
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                Failure failure = FAILURE_NULL;

                assert_int_equal(policy_set_extra_globals(policy, rows[i].text,
                                                          strlen(rows[i].text), &failure),
                                 -EINVAL);
                if (!strstr(failure.text, rows[i].words))
                        fail_msg("'%s' lacks '%s'", failure.text, rows[i].words);
        }
        /* a refusal changes nothing */
        assert_string_equal(policy->extra_globals, "{\"\\u00e9\":NaN}");
        assert_int_equal(policy->extra_globals_length, strlen(policy->extra_globals));
}

static void file_make(char *path, size_t suffix, const char *text, size_t times) {
        int fd = mkstemps(path, (int)suffix);

        assert_true(fd >= 0);
        for (size_t i = 0; i < times; ++i)
                assert_int_equal(write(fd, text, strlen(text)), strlen(text));
        (void)close(fd);
}

static void test_load(void **state) {
        static const struct {
                const char *suffix, *text, *words; /* NULL: accepted */
        } rows[] = {
                {".toml", "mode = 'allow'\n", NULL},
                {".json", "{\"mode\": \"allow\"}", NULL},
                {"", "mode = 'allow'\n", NULL},
                {".toml", "{\"mode\": \"allow\"}", ".toml:1: "},
                {".json", "mode = 'allow'\n", ".json:1: expected a value"},
                {".toml", "\n\nmod = 'allow'\n",
                 ".toml:3: unknown key 'mod': did you mean 'mode'?"},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                _cleanup_(policy_freep) Policy *policy = NULL;
                Failure failure = FAILURE_NULL;
                char path[64];
                int r;

                (void)snprintf(path, sizeof(path), "/tmp/spr-policy-XXXXXX%s", rows[i].suffix);
                file_make(path, strlen(rows[i].suffix), rows[i].text, 1);
                r = policy_load_file(&policy, path, &failure);
                (void)unlink(path);
                if (rows[i].words) {
                        assert_int_equal(r, -EINVAL);
                        assert_non_null(strstr(failure.text, rows[i].words));
                        assert_memory_equal(failure.text, path, strlen(path));
                } else {
                        assert_int_equal(r, 0);
                        assert_int_equal(policy->mode, POLICY_MODE_ALLOW);
                }
        }
}

static void test_load_failures(void **state) {
        char large[] = "/tmp/spr-policy-XXXXXX", line[1025];
        Policy *policy = NULL;
        Failure failure = FAILURE_NULL;

        (void)state;
        assert_int_equal(policy_load_file(&policy, "/nonexistent/p.toml", &failure), -ENOENT);
        assert_string_equal(failure.text,
                            "cannot open '/nonexistent/p.toml': No such file or directory");
        assert_int_equal(failure.stage, FAILURE_STAGE_POLICY);
        assert_int_equal(policy_load_file(&policy, "/tmp", &failure), -EISDIR);
        assert_string_equal(failure.text, "cannot read '/tmp': Is a directory");
        assert_int_equal(policy_load_file(&policy, "/dev/zero", &failure), -EINVAL);
        assert_string_equal(failure.text, "/dev/zero: larger than 8 MiB");
        memset(line, '#', 1024);
        line[1023] = '\n';
        line[1024] = '\0';
        file_make(large, 0, line, 8192);
        assert_int_equal(policy_load_file(&policy, large, &failure), 0);
        (void)unlink(large);
        policy = policy_free(policy);
}

static void test_load_from_a_pipe(void **state) {
        _cleanup_(policy_freep) Policy *policy = NULL;
        char path[32];
        int fds[2];

        (void)state;
        assert_int_equal(pipe(fds), 0);
        assert_int_equal(write(fds[1], "mode = 'allow'", 14), 14);
        (void)close(fds[1]);
        (void)snprintf(path, sizeof(path), "/dev/fd/%d", fds[0]);
        assert_int_equal(policy_load_file(&policy, path, NULL), 0);
        assert_int_equal(policy->mode, POLICY_MODE_ALLOW);
        (void)close(fds[0]);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_defaults),
                cmocka_unit_test(test_toml_corpus),
                cmocka_unit_test(test_json_faults),
                cmocka_unit_test(test_complete),
                cmocka_unit_test(test_dup),
                cmocka_unit_test(test_setters),
                cmocka_unit_test(test_items),
                cmocka_unit_test(test_extra_globals),
                cmocka_unit_test(test_load),
                cmocka_unit_test(test_load_failures),
                cmocka_unit_test(test_load_from_a_pipe),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
