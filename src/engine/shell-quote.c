/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "engine/shell-quote.h"

#define ESCAPED_QUOTE "'\\''" /* ends the quotes, a quote, begins them anew */

char *shell_quote(const char *word) {
        size_t length = strlen(word), n_quotes = 0;
        char *quoted, *at;

        for (const char *c = word; *c; c++)
                n_quotes += *c == '\'';
        quoted = malloc(length + n_quotes * (sizeof(ESCAPED_QUOTE) - 2) + 3);
        if (!quoted)
                return NULL;
        at = quoted;
        *at++ = '\'';
        for (const char *c = word; *c; c++) {
                if (*c == '\'') {
                        memcpy(at, ESCAPED_QUOTE, sizeof(ESCAPED_QUOTE) - 1);
                        at += sizeof(ESCAPED_QUOTE) - 1;
                } else {
                        *at++ = *c;
                }
        }
        *at++ = '\'';
        *at = '\0';
        return quoted;
}
