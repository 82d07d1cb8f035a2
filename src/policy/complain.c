/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/failure.h"
#include "base/utf8.h"
#include "policy/complain.h"

#define ELLIPSIS   "\xe2\x80\xa6"
#define WORDS_MAX  232
#define SOURCE_MAX 216 /* of a long path the end is shown */

static_assert(WORDS_MAX + SOURCE_MAX + 24 < FAILURE_TEXT_MAX, "nothing is cut");

/* Copies whole characters while they fit; what cannot be shown becomes '?'. Returns the number of
 * bytes of @text that were taken. */
static size_t copy_shown(char *out, size_t room, const char *text, size_t length) {
        size_t at = 0, used = 0;

        while (at < length) {
                size_t step = utf8_sequence(text + at, length - at);
                uint8_t c = (uint8_t)text[at];

                if (used + (step ? step : 1) >= room)
                        break;
                if (step == 0 || c < 0x20 || c == 0x7f) {
                        out[used++] = '?';
                        step = 1;
                } else {
                        memcpy(out + used, text + at, step);
                        used += step;
                }
                at += step;
        }
        out[used] = '\0';
        return at;
}

const char *policy_quote(char quoted[static QUOTE_MAX], const char *text, size_t length) {
        size_t taken = copy_shown(quoted, QUOTE_MAX - strlen(ELLIPSIS), text, length);

        if (taken < length)
                memcpy(quoted + strlen(quoted), ELLIPSIS, sizeof(ELLIPSIS));
        return quoted;
}

/* The name of a file, or the end of a long one. */
static const char *source_shown(const char *source, char out[static SOURCE_MAX]) {
        size_t length = strlen(source);
        size_t skip = length >= SOURCE_MAX ? length - (SOURCE_MAX - sizeof(ELLIPSIS)) : 0;
        size_t lead = skip > 0 ? strlen(ELLIPSIS) : 0;

        memcpy(out, ELLIPSIS, lead);
        while (skip > 0 && ((uint8_t)source[skip] & 0xc0) == 0x80)
                ++skip;
        (void)copy_shown(out + lead, SOURCE_MAX - lead, source + skip, length - skip);
        return out;
}

/* "name:line: ", or as much of it as is known. */
static void place_format(const Place *place, char out[static SOURCE_MAX + 24]) {
        char name[SOURCE_MAX];

        out[0] = '\0';
        if (!place->source)
                return;
        source_shown(place->source, name);
        if (place->line > 0)
                (void)snprintf(out, SOURCE_MAX + 24, "%s:%u: ", name, place->line);
        else
                (void)snprintf(out, SOURCE_MAX + 24, "%s: ", name);
}

int policy_complain_errno(Failure *failure, int code, const char *action, const char *path) {
        char name[SOURCE_MAX];

        return failure_errno(failure, FAILURE_STAGE_POLICY, code, "cannot %s '%s'", action,
                             source_shown(path, name));
}

int policy_complain(Failure *failure, const Place *place, const char *format, ...) {
        char where[SOURCE_MAX + 24], words[WORDS_MAX], shown[WORDS_MAX];
        va_list args;

        va_start(args, format);
        if (vsnprintf(words, sizeof(words), format, args) < 0)
                words[0] = '\0';
        va_end(args);
        /* once more: the reasons of a parser may hold anything, and the cut may be in a character
         */
        (void)copy_shown(shown, sizeof(shown), words, strlen(words));
        place_format(place, where);
        return failure_set(failure, FAILURE_STAGE_POLICY, EINVAL, "%s%s", where, shown);
}
