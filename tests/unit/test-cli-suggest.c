/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "cli/suggest.h"

static const char *const names[] = {
        "code", "input", "policy", "timeout", "memory", "python", "venv", "with", "script-deps",
};

static const char *nearest(const char *word) {
        Suggestion suggestion = SUGGESTION_INIT(word);

        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                suggestion_consider(&suggestion, names[i]);
        return suggestion.best;
}

static void test_near(void **state) {
        static const struct {
                const char *word, *best;
        } cases[] = {
                {"tiemout", "timeout"},                           /* a swap */
                {"timeuot", "timeout"},    {"timout", "timeout"}, /* a letter missing */
                {"pyhton", "python"},                             /* a swap */
                {"polcy", "policy"},                              /* a letter missing */
                {"memorry", "memory"},                            /* one too many */
                {"wiht", "with"},                                 /* short names allow one slip */
                {"script", "script-deps"},                        /* an abbreviation */
                {"in", "input"},           {"venv", "venv"},      {"time-out", "timeout"},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                const char *best = nearest(cases[i].word);

                if (!best || strcmp(best, cases[i].best) != 0)
                        fail_msg("'%s': '%s'", cases[i].word, best ? best : "nothing");
        }
}

static void test_far(void **state) {
        static const char *const words[] = {
                "", "x", "zzzz", "verbose", "wxyz", "a-word-of-more-than-thirty-two-letters",
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(words); i++)
                assert_null(nearest(words[i]));
}

static void test_nearer_wins(void **state) {
        Suggestion suggestion = SUGGESTION_INIT("stats");

        (void)state;
        suggestion_consider(&suggestion, "status-all"); /* too far */
        suggestion_consider(&suggestion, "stat");
        suggestion_consider(&suggestion, "starts");
        assert_string_equal(suggestion.best, "stat"); /* the first of two equals */
        suggestion_consider(&suggestion, "stats");
        assert_string_equal(suggestion.best, "stats");
        assert_int_equal(suggestion.distance, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_near),
                cmocka_unit_test(test_far),
                cmocka_unit_test(test_nearer_wins),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
