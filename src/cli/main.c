/* SPDX-License-Identifier: MIT */
/*
 * spr: the command
 *
 * The only file of the program that reads the environment and ends the process.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/attr.h"
#include "cli/context.h"
#include "cli/verbs.h"

/* NULL where @name is unset or empty. */
static const char *environment_get(const char *name) {
        const char *value = getenv(name);

        return value && *value != '\0' ? value : NULL;
}

static bool colour_is_wanted(int fd) {
        const char *terminal = environment_get("TERM");

        return !environment_get("NO_COLOR") && terminal && strcmp(terminal, "dumb") != 0 &&
               isatty(fd);
}

/* As setlocale(3) would choose, without loading a locale. */
static bool locale_is_utf8(void) {
        static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
        const char *locale = NULL;

        for (size_t i = 0; i < ARRAY_SIZE(names) && !locale; ++i)
                locale = environment_get(names[i]);
        return locale && (strcasestr(locale, "utf-8") || strcasestr(locale, "utf8"));
}

/* @buffer has room for PATH_MAX bytes. */
static const char *executable_find(char *buffer) {
        ssize_t n = readlink("/proc/self/exe", buffer, PATH_MAX - 1);

        if (n <= 0)
                return NULL;
        buffer[n] = '\0';
        return buffer;
}

int main(int argc, char **argv) {
        char executable[PATH_MAX];
        CliContext context = {
                .program = argc > 0 ? argv[0] : NULL,
                .executable = executable_find(executable),
                .search_path = environment_get("PATH"),
                .home = environment_get("HOME"),
                .cache_home = environment_get("XDG_CACHE_HOME"),
                .virtual_env = environment_get("VIRTUAL_ENV"),
                .environment = (const char *const *)environ,
                .colour = colour_is_wanted(STDOUT_FILENO),
                .utf8 = locale_is_utf8(),
                .words = {.fd = STDERR_FILENO, .colour = colour_is_wanted(STDERR_FILENO)},
        };

        return verbs_dispatch(&context, argc > 0 ? argc - 1 : 0, argv + (argc > 0 ? 1 : 0));
}
