/* SPDX-License-Identifier: MIT */
/*
 * The distance is optimal string alignment: insertions, deletions, replacements and swaps of
 * neighbours cost one each. A name counts as near when at most a third of it (and at least one
 * letter) is wrong, or when what was typed is the beginning of it.
 */
#include <string.h>

#include "base/attr.h"
#include "cli/suggest.h"

#define SUGGEST_LENGTH_MAX 32 /* longer words than this are no slips of a finger */

static size_t min3(size_t a, size_t b, size_t c) {
        return min_size(a, min_size(b, c));
}

static size_t edit_distance(const char *a, size_t n_a, const char *b, size_t n_b) {
        size_t rows[3][SUGGEST_LENGTH_MAX + 1] = {0};
        size_t *older = rows[0], *previous = rows[1], *current = rows[2];

        for (size_t j = 0; j <= n_b; j++)
                previous[j] = j;

        for (size_t i = 1; i <= n_a; i++) {
                size_t *spare = older;

                current[0] = i;
                for (size_t j = 1; j <= n_b; j++) {
                        size_t cost = a[i - 1] != b[j - 1];

                        current[j] =
                                min3(previous[j] + 1, current[j - 1] + 1, previous[j - 1] + cost);
                        if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                                current[j] = min_size(current[j], older[j - 2] + 1);
                }
                older = previous;
                previous = current;
                current = spare;
        }
        return previous[n_b];
}

void suggestion_consider(Suggestion *suggestion, const char *candidate) {
        size_t n_word = strlen(suggestion->word);
        size_t n_candidate = strlen(candidate);
        size_t distance;

        if (n_word == 0 || n_word > SUGGEST_LENGTH_MAX || n_candidate > SUGGEST_LENGTH_MAX)
                return;

        distance = edit_distance(suggestion->word, n_word, candidate, n_candidate);
        if (distance > 1 && n_word >= 2 && strncmp(candidate, suggestion->word, n_word) == 0)
                distance = 1; /* an abbreviation */
        if (distance > (n_candidate < 6 ? 1 : n_candidate / 3))
                return;
        if (suggestion->best && distance >= suggestion->distance)
                return;

        suggestion->best = candidate;
        suggestion->distance = distance;
}
