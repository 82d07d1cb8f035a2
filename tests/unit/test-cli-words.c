/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "cli/words.h"

static char said[8192];

/* What @words has said since the last call. */
static const char *drain(int fd) {
        ssize_t n = fd_read(fd, said, sizeof(said) - 1);

        said[n > 0 ? n : 0] = '\0';
        return said;
}

static int words_pipe(Words *words, int *writerp) {
        int fds[2];

        assert_int_equal(pipe(fds), 0);
        assert_int_equal(fd_set_nonblock(fds[0], true), 0);
        *words = (Words){.fd = fds[1]};
        *writerp = fds[1];
        return fds[0];
}

static void test_prefix(void **state) {
        _cleanup_(closep) int writer = -1;
        Words words;
        _cleanup_(closep) int reader = words_pipe(&words, &writer);

        (void)state;
        words_note(&words, "took %d ms", 5);
        assert_string_equal(drain(reader), "spr: took 5 ms\n");
        words_error(&words, "cannot open '%s'", "x");
        assert_string_equal(drain(reader), "spr: cannot open 'x'\n");
}

static void test_quiet(void **state) {
        _cleanup_(closep) int writer = -1;
        Words words;
        _cleanup_(closep) int reader = words_pipe(&words, &writer);

        (void)state;
        words.quiet = true;
        words_note(&words, "never seen");
        words_error(&words, "seen");
        assert_string_equal(drain(reader), "spr: seen\n");
}

static void test_colour(void **state) {
        _cleanup_(closep) int writer = -1;
        Words words;
        _cleanup_(closep) int reader = words_pipe(&words, &writer);

        (void)state;
        words.colour = true;
        words_error(&words, "red");
        assert_string_equal(drain(reader), "\033[1;31mspr:\033[0m red\n");
        words_note(&words, "bold");
        assert_string_equal(drain(reader), "\033[1mspr:\033[0m bold\n");
}

static void test_hostile_text(void **state) {
        _cleanup_(closep) int writer = -1;
        Words words;
        _cleanup_(closep) int reader = words_pipe(&words, &writer);
        char longer[4096];
        size_t length;

        (void)state;
        words_note(&words, "%s", "a\033[2Jb\nspr: forged\x7f");
        assert_string_equal(drain(reader), "spr: a?[2Jb spr: forged?\n");

        (void)memset(longer, 'x', sizeof(longer) - 1);
        longer[sizeof(longer) - 1] = '\0';
        words_note(&words, "%s", longer);
        length = strlen(drain(reader));
        assert_in_range(length, 1000, 2100);
        assert_int_equal(said[length - 1], '\n');
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_prefix),
                cmocka_unit_test(test_quiet),
                cmocka_unit_test(test_colour),
                cmocka_unit_test(test_hostile_text),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
