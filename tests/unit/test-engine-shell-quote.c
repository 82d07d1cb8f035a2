/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/shell-quote.h"

static void test_words(void **state) {
        static const struct {
                const char *word, *quoted;
        } rows[] = {
                {"", "''"},
                {"-c", "'-c'"},
                {"two words", "'two words'"},
                {"$HOME `ls` \"x\" \\ !", "'$HOME `ls` \"x\" \\ !'"},
                {"a\nb", "'a\nb'"},
                {"'", "''\\'''"},
                {"it's", "'it'\\''s'"},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                char *quoted = shell_quote(rows[i].word);

                assert_string_equal(quoted, rows[i].quoted);
                free(quoted);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_words),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
