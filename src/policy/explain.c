/* SPDX-License-Identifier: MIT */
/*
 * What a name meets is told as the worker decides it (worker/guard.c): by the longest part of a
 * dotted name that a list holds; importlib never.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "policy/complain.h"
#include "policy/emit.h"
#include "policy/names.h"
#include "policy/schema.h"
#include "policy/show.h"

#define LINE_MAX_BYTES 1024

static int _printf_(2, 3) say(Buffer *buffer, const char *format, ...) {
        char line[LINE_MAX_BYTES];
        va_list args;
        int n;

        va_start(args, format);
        n = vsnprintf(line, sizeof(line), format, args);
        va_end(args);
        return n < 0 ? -EINVAL : buffer_append(buffer, line, min_size((size_t)n, sizeof(line) - 1));
}

/* keys */

static const char *key_unit(const SchemaKey *key) {
        if (key->type == SCHEMA_SECONDS)
                return "seconds";
        return key->unit == 1048576 ? "MiB" : key->unit == 1024 ? "KiB" : "";
}

static int say_words(Buffer *buffer, const char *before, const char *const *words) {
        int r = say(buffer, "%s", before);

        for (size_t i = 0; words[i] && !r; ++i)
                r = say(buffer, "%s%s", i > 0 ? ", " : "", words[i]);
        return r ? r : say(buffer, "%s\n", words[0] ? "" : "none");
}

static int say_number(Buffer *buffer, const SchemaKey *key) {
        const char *unit = key_unit(key);
        const char *least = key->type == SCHEMA_SECONDS && !key->or_zero ? "more than " : "from ";
        const char *most = key->type == SCHEMA_SECONDS && !key->or_zero ? ", at most " : " to ";
        int r;

        r = say(buffer, "value:   a %snumber, %s%" PRIu64 "%s%" PRIu64 "%s%s\n",
                key->type == SCHEMA_NUMBER ? "whole " : "", least, key->min, most, key->max,
                unit[0] ? " " : "", unit);
        return r ? r
                 : say(buffer, "default: %" PRIu64 "%s%s\n", key->fallback, unit[0] ? " " : "",
                       unit);
}

static int say_kind(Buffer *buffer, const SchemaKey *key) {
        int r;

        switch (key->type) {
        case SCHEMA_CHOICE:
                r = say_words(buffer, "value:   one of ", key->words);
                return r ? r : say(buffer, "default: %s\n", key->words[key->fallback]);
        case SCHEMA_BOOLEAN:
                return say(buffer, "value:   true or false\ndefault: %s\n",
                           key->fallback ? "true" : "false");
        case SCHEMA_NUMBER:
        case SCHEMA_SECONDS:
                return say_number(buffer, key);
        case SCHEMA_NAMES:
                r = say(buffer, "value:   a list of names, at most %d\n", POLICY_LIST_MAX);
                return r ? r : say_words(buffer, "default: ", key->words);
        case SCHEMA_PATHS:
                return say(buffer, "value:   a list of absolute paths, at most %d\ndefault: none\n",
                           POLICY_PATHS_MAX);
        case SCHEMA_VARIABLES:
                return say(buffer, "value:   a table of strings, at most %d\ndefault: none\n",
                           POLICY_VARIABLES_MAX);
        case SCHEMA_GLOBALS:
        default:
                return say(buffer, "value:   a table, of names and any values\ndefault: none\n");
        }
}

static int explain_key(Buffer *buffer, const Policy *policy, const SchemaKey *key) {
        char origin[LINE_MAX_BYTES / 2];
        int r;

        r = say(buffer, "%s: %s\n", key->name, key->summary);
        if (!r)
                r = say_kind(buffer, key);
        if (!r)
                r = say(buffer, "here:    ");
        if (!r)
                r = policy_emit_value(buffer, key, policy);
        if (r)
                return r;
        return say(buffer, " (%s)\n",
                   policy_origin(policy, (size_t)(key - schema_keys), origin, sizeof(origin)));
}

/* names */

/* The part of the dotted @name that @list holds; its length, 0 where it holds none. */
static size_t listed_part(const StringList *list, const char *name) {
        size_t length = strlen(name);

        for (size_t n = strcspn(name, "."); n <= length; n += 1 + strcspn(name + n + 1, ".")) {
                if (string_list_contains(list, name, n))
                        return n;
                if (n == length)
                        break;
        }
        return 0;
}

static int explain_import(Buffer *buffer, const Policy *policy, const char *name) {
        bool allow = policy->mode == POLICY_MODE_ALLOW;
        size_t part =
                listed_part(allow ? &policy->allowed_imports : &policy->blocked_imports, name);
        int shown = (int)part;

        if (strcmp(name, "importlib") == 0 || strncmp(name, "importlib.", 10) == 0)
                return say(buffer, "import %s: blocked, always: it could import anything\n", name);
        if (allow && part > 0)
                return say(buffer, "import %s: allowed: allowed_imports has '%.*s'\n", name, shown,
                           name);
        if (allow)
                return say(buffer,
                           "import %s: not allowed: mode is allow, and allowed_imports has "
                           "no '%s'\n",
                           name, name);
        if (part > 0)
                return say(buffer, "import %s: blocked: blocked_imports has '%.*s'\n", name, shown,
                           name);
        return say(buffer, "import %s: allowed: blocked_imports does not have it\n", name);
}

static int explain_builtin(Buffer *buffer, const Policy *policy, const char *name) {
        bool allow = policy->mode == POLICY_MODE_ALLOW;
        const StringList *list = allow ? &policy->allowed_builtins : &policy->blocked_builtins;
        bool listed = string_list_contains(list, name, strlen(name));

        if (allow)
                return say(buffer, "builtin %s: %s allowed_builtins %s it\n", name,
                           listed ? "there, if Python has it:" : "missing: mode is allow, and",
                           listed ? "has" : "does not have");
        return say(
                buffer, "builtin %s: %s blocked_builtins %s it\n", name,
                listed ? "missing:" : "there, if Python has it:", listed ? "has" : "does not have");
}

static int explain_nothing(Buffer *buffer, const char *name) {
        char quoted[QUOTE_MAX];
        const char *nearest;
        bool near;

        nearest = schema_nearest(name, strlen(name), &near);
        return say(buffer, "'%s' is no key of a policy (the nearest is '%s') and no name\n",
                   policy_quote(quoted, name, strlen(name)), nearest);
}

int policy_explain(const Policy *policy, const char *name, char **textp) {
        _cleanup_(buffer_deinitp) Buffer buffer;
        const SchemaKey *key = schema_find(name, strlen(name));
        size_t length;
        char *text;
        int r;

        buffer_init(&buffer, SIZE_MAX / 2);
        if (key)
                r = explain_key(&buffer, policy, key);
        else if (name_fault(name, strlen(name), NAME_MODULE))
                r = explain_nothing(&buffer, name);
        else {
                r = explain_import(&buffer, policy, name);
                if (!r && !strchr(name, '.'))
                        r = explain_builtin(&buffer, policy, name);
        }
        text = r ? NULL : buffer_steal(&buffer, &length);
        if (!text)
                return -ENOMEM;
        *textp = text;
        return 0;
}
