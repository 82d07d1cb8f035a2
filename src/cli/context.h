#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * CliContext: what the process was started with
 *
 * Only main() reads the environment; the verbs get it from here. Strings are borrowed, and NULL
 * where the variable is unset or empty.
 */
#include <stdbool.h>

#include "cli/words.h"

typedef struct CliContext CliContext;

struct CliContext {
        const char *program;            /* as it was called, argv[0] */
        const char *executable;         /* the path of this program, NULL if unknown */
        const char *search_path;        /* PATH */
        const char *home;               /* HOME */
        const char *cache_home;         /* XDG_CACHE_HOME */
        const char *virtual_env;        /* VIRTUAL_ENV */
        const char *const *environment; /* all of it, for uv and pip */
        bool colour;                    /* help may use bold on stdout */
        bool utf8;                      /* the locale's encoding: signs beyond ASCII may be shown */
        Words words;
};
