/* SPDX-License-Identifier: MIT */
/*
 * The measure is the one git uses for its commands: a weighted edit distance that likes words which
 * are only too short. People abbreviate ("timeout", "memory_mb") more often than they mistype, so
 * an insertion costs 1, a swap of neighbours 1, a wrong letter 2, a letter too many 3. Case, and
 * whether '-' or '_', cost nothing.
 *
 * Three rows of fixed size; whatever the file holds, the work per name is bounded.
 */
#include <stdint.h>
#include <string.h>

#include "policy/suggest.h"

enum {
        COST_SWAP = 1,
        COST_INSERT = 1,
        COST_REPLACE = 2,
        COST_DELETE = 3,
};

static char fold(char c) {
        if (c >= 'A' && c <= 'Z')
                return (char)(c - 'A' + 'a');
        return c == '-' ? '_' : c;
}

static size_t edit_cost(const char *word, size_t n_word, const char *name, size_t n_name) {
        size_t rows[3][SUGGEST_NAME_MAX + 1];
        size_t *before = rows[0], *last = rows[1], *row = rows[2];

        for (size_t j = 0; j <= n_name; ++j)
                last[j] = j * COST_INSERT;
        for (size_t i = 1; i <= n_word; ++i) {
                size_t *oldest = before;

                row[0] = i * COST_DELETE;
                for (size_t j = 1; j <= n_name; ++j) {
                        char w = fold(word[i - 1]), n = fold(name[j - 1]);

                        row[j] = last[j - 1] + (w == n ? 0 : COST_REPLACE);
                        row[j] = min_size(row[j], row[j - 1] + COST_INSERT);
                        row[j] = min_size(row[j], last[j] + COST_DELETE);
                        if (i > 1 && j > 1 && w == fold(name[j - 2]) && fold(word[i - 2]) == n)
                                row[j] = min_size(row[j], before[j - 2] + COST_SWAP);
                }
                before = last;
                last = row;
                row = oldest;
        }
        return last[n_name];
}

NearestName suggest_nearest(const char *word, size_t length, const char *const *names, size_t n) {
        NearestName nearest = {NULL, false};
        size_t lowest = SIZE_MAX;

        length = min_size(length, SUGGEST_NAME_MAX);
        for (size_t i = 0; i < n; ++i) {
                size_t n_name = strlen(names[i]);
                size_t cost;

                if (n_name > SUGGEST_NAME_MAX)
                        continue;
                cost = edit_cost(word, length, names[i], n_name);
                if (cost >= lowest)
                        continue;
                lowest = cost;
                nearest = (NearestName){names[i], 2 * cost <= 3 * length};
        }
        return nearest;
}
