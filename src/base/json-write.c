/* SPDX-License-Identifier: MIT */
#include <stdint.h>
#include <string.h>

#include "base/json-write.h"
#include "base/utf8.h"

#define REPLACEMENT "\xef\xbf\xbd"

static int write_text(Buffer *buffer, const char *text) {
        return buffer_append(buffer, text, strlen(text));
}

/* A character that cannot stand in a string as it is; @c is below 0x20, a quote or a backslash. */
static int write_escape(Buffer *buffer, uint8_t c) {
        static const char hex[] = "0123456789abcdef";
        static const char named[] = "\"\\\b\f\n\r\t";
        static const char names[] = "\"\\bfnrt";
        const char *name = c ? strchr(named, c) : NULL;
        char escape[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};

        if (!name)
                return buffer_append(buffer, escape, sizeof(escape));
        escape[1] = names[name - named];
        return buffer_append(buffer, escape, 2);
}

/* The length of the run at @text that needs no change. */
static size_t plain_span(const char *text, size_t length) {
        size_t at = 0;

        while (at < length) {
                uint8_t c = (uint8_t)text[at];
                size_t step = utf8_sequence(text + at, length - at);

                if (step == 0 || c < 0x20 || c == '"' || c == '\\')
                        break;
                at += step;
        }
        return at;
}

int json_write_string(Buffer *buffer, const char *text, size_t length) {
        size_t at = 0;
        int r;

        r = write_text(buffer, "\"");
        while (!r && at < length) {
                size_t span = plain_span(text + at, length - at);
                uint8_t c;

                r = buffer_append(buffer, text + at, span);
                at += span;
                if (r || at == length)
                        break;
                c = (uint8_t)text[at++];
                r = c < 0x80 ? write_escape(buffer, c) : write_text(buffer, REPLACEMENT);
        }
        return r ? r : write_text(buffer, "\"");
}

/* The end of the string whose opening quote stands at @at. */
static size_t string_end(const char *json, size_t at, size_t length) {
        for (++at; at < length && json[at] != '"'; ++at)
                if (json[at] == '\\')
                        ++at;
        return min_size(at + 1, length);
}

static bool is_space(char c) {
        return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

int json_write_compact(Buffer *buffer, const char *json, size_t length) {
        size_t at = 0;
        int r = 0;

        while (!r && at < length) {
                size_t start = at;

                while (at < length && !is_space(json[at]))
                        at = json[at] == '"' ? string_end(json, at, length) : at + 1;
                r = buffer_append(buffer, json + start, at - start);
                while (at < length && is_space(json[at]))
                        ++at;
        }
        return r;
}

/* The length of the number without a value at @text, 0 where there is none. Outside of strings
 * neither letter starts anything else. */
static size_t nonfinite_length(const char *text, size_t length) {
        if (text[0] == 'N')
                return strlen("NaN");
        if (text[0] == 'I')
                return strlen("Infinity");
        return text[0] == '-' && length > 1 && text[1] == 'I' ? strlen("-Infinity") : 0;
}

int json_write_finite(Buffer *buffer, const char *json, size_t length, bool *lossyp) {
        size_t start = 0, at = 0;
        bool lossy = false;
        int r;

        while (at < length) {
                size_t skip = nonfinite_length(json + at, length - at);

                if (skip == 0) {
                        at = json[at] == '"' ? string_end(json, at, length) : at + 1;
                        continue;
                }
                lossy = true;
                r = buffer_append(buffer, json + start, at - start);
                if (!r)
                        r = write_text(buffer, "null");
                if (r)
                        return r;
                at = start = min_size(at + skip, length);
        }
        r = buffer_append(buffer, json + start, length - start);
        if (!r)
                *lossyp = lossy;
        return r;
}
