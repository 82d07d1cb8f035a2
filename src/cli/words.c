/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "cli/words.h"

#define WORDS_MAX 2048

#define COLOUR_NOTE  "\033[1m"
#define COLOUR_ERROR "\033[1;31m"
#define COLOUR_END   "\033[0m"

static void control_characters_replace(char *text) {
        for (; *text; text++)
                if ((unsigned char)*text < ' ' || *text == 0x7f)
                        *text = *text == '\t' || *text == '\n' ? ' ' : '?';
}

_printf_(3, 0) static void words_say(const Words *words,
                                     const char *colour,
                                     const char *format,
                                     va_list arguments) {
        char text[WORDS_MAX] = {0};
        char line[WORDS_MAX + 32] = {0};
        int n;

        (void)vsnprintf(text, sizeof(text), format, arguments);
        control_characters_replace(text);
        n = snprintf(line, sizeof(line), "%sspr:%s %s\n", words->colour ? colour : "",
                     words->colour ? COLOUR_END : "", text);
        (void)fd_write_all(words->fd, line, (size_t)n); /* nobody is left to be told */
}

void words_note(const Words *words, const char *format, ...) {
        va_list arguments;

        if (words->quiet)
                return;
        va_start(arguments, format);
        words_say(words, COLOUR_NOTE, format, arguments);
        va_end(arguments);
}

void words_error(const Words *words, const char *format, ...) {
        va_list arguments;

        va_start(arguments, format);
        words_say(words, COLOUR_ERROR, format, arguments);
        va_end(arguments);
}
