/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "cli/run-input.h"
#include "cli/status.h"

/* A file without a name on disk; @path receives what opens it. */
static int memory_file(const char *bytes, size_t length, char path[static 64]) {
        int fd = memfd_create("run-input", MFD_CLOEXEC);

        assert_true(fd >= 0);
        assert_int_equal(fd_pwrite_all(fd, bytes, length, 0), 0);
        (void)snprintf(path, 64, "@/proc/self/fd/%d", fd);
        return fd;
}

static void test_sources(void **state) {
        static const char code[] = "result = 1\0\xff";
        _cleanup_(run_input_deinitp) RunInput file = {0}, text = {0};
        _cleanup_(closep) int fd = -1;
        RunOptions options = {0};
        OptionList operands = {0};
        Fault fault = {0};
        char path[64];
        const char *item = path + 1;

        (void)state;
        fd = memory_file(code, sizeof(code) - 1, path);
        operands = (OptionList){.items = &item, .n_items = 1};
        assert_int_equal(run_input_load(&file, &options, &operands, &fault), 0);
        assert_string_equal(file.name, path + 1);
        assert_int_equal(file.n_code, sizeof(code) - 1); /* NUL and all: the interpreter judges */
        assert_memory_equal(file.code, code, sizeof(code) - 1);
        assert_null(file.input);

        options.code = "print(1)";
        options.input = "  {\"a\": NaN}";
        operands.n_items = 0;
        assert_int_equal(run_input_load(&text, &options, &operands, &fault), 0);
        assert_string_equal(text.name, "<string>");
        assert_string_equal(text.code, "print(1)");
        assert_string_equal(text.input, "  {\"a\": NaN}");
        assert_int_equal(text.n_input, strlen("  {\"a\": NaN}"));
}

static void test_input_file(void **state) {
        _cleanup_(run_input_deinitp) RunInput input = {0};
        _cleanup_(closep) int fd = -1;
        RunOptions options = {.code = ""};
        OptionList operands = {0};
        Fault fault = {0};
        char path[64];

        (void)state;
        fd = memory_file("[1, 2]\n", 7, path);
        options.input = path;
        assert_int_equal(run_input_load(&input, &options, &operands, &fault), 0);
        assert_int_equal(input.n_input, 7);
        assert_string_equal(input.input, "[1, 2]\n");
        assert_int_equal(input.n_code, 0);
}

static void test_mistakes(void **state) {
        static const struct {
                const char *code, *input, *operands[2];
                const char *text;
        } cases[] = {
                {NULL, NULL, {NULL}, "nothing to run: give FILE, -c CODE or -"},
                {NULL,
                 NULL,
                 {"a.py", "b.py"},
                 "one thing to run at a time: 'b.py' is too many; data for the code goes in with "
                 "--input"},
                {"1",
                 NULL,
                 {"a.py"},
                 "one thing to run at a time: 'a.py' is too many; data for the code goes in with "
                 "--input"},
                {NULL, "@-", {"-"}, "code and input cannot both come from standard input"},
                {NULL,
                 NULL,
                 {"/nonexistent.py"},
                 "cannot open '/nonexistent.py': No such file or directory"},
                {NULL, NULL, {"/proc/self"}, "cannot read '/proc/self': Is a directory"},
                {"1",
                 "@/nonexistent",
                 {NULL},
                 "cannot open '/nonexistent': No such file or directory"},
                {"1", "data", {NULL}, "--input 'data' is not JSON"},
                {"1", "", {NULL}, "--input '' is not JSON"},
                {"1", "@", {NULL}, "--input '@' is not JSON"},
                {"1",
                 "/dev/null",
                 {NULL},
                 "--input '/dev/null' is not JSON: did you mean '@/dev/null'?"},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                _cleanup_(run_input_deinitp) RunInput input = {0};
                const char *items[] = {cases[i].operands[0], cases[i].operands[1]};
                OptionList operands = {.items = items};
                RunOptions options = {.code = cases[i].code, .input = cases[i].input};
                Fault fault = {0};

                while (operands.n_items < 2 && items[operands.n_items])
                        operands.n_items++;
                assert_int_equal(run_input_load(&input, &options, &operands, &fault), STATUS_USAGE);
                assert_string_equal(fault.text, cases[i].text);
        }
}

static void test_limit(void **state) {
        _cleanup_(run_input_deinitp) RunInput exact = {0}, longer = {0};
        _cleanup_(closep) int fd = -1;
        RunOptions options = {0};
        OptionList operands = {0};
        Fault fault = {0};
        char path[64];
        const char *item = path + 1;

        (void)state;
        fd = memory_file("#", 1, path);
        operands = (OptionList){.items = &item, .n_items = 1};
        assert_int_equal(ftruncate(fd, (off_t)RUN_INPUT_CODE_MAX), 0);
        assert_int_equal(run_input_load(&exact, &options, &operands, &fault), 0);
        assert_int_equal(exact.n_code, RUN_INPUT_CODE_MAX);

        assert_int_equal(ftruncate(fd, (off_t)RUN_INPUT_CODE_MAX + 1), 0);
        assert_int_equal(run_input_load(&longer, &options, &operands, &fault), STATUS_USAGE);
        assert_non_null(strstr(fault.text, "is too long: more than 16 MiB"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_sources),
                cmocka_unit_test(test_input_file),
                cmocka_unit_test(test_mistakes),
                cmocka_unit_test(test_limit),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
