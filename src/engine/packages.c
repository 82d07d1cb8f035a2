/* SPDX-License-Identifier: MIT */
/*
 * Reading requirements
 *
 * Strict where a text becomes an argument of an installer: it starts with a letter or digit (so it
 * is no option), holds no URL and no path, and only the characters that names, versions and markers
 * are made of. Whether the version exists is the installer's business.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine/packages.h"

#define FNV_OFFSET UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME  UINT64_C(0x100000001b3)

/* characters: ASCII only, whatever the locale */

static bool is_alphanumeric(char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_separator(char c) {
        return c == '-' || c == '_' || c == '.';
}

static bool is_version_character(char c) {
        return is_alphanumeric(c) || is_separator(c) || c == '+' || c == '!';
}

static const char *skip_blanks(const char *p) {
        while (*p == ' ' || *p == '\t')
                ++p;
        return p;
}

/* Reads an identifier of PEP 508 into @out, normalised as in PEP 503; returns where it ended, NULL
 * where there is none. @out has room for all of the text. */
static const char *scan_name(const char *p, char *out) {
        size_t n = 0;

        if (!is_alphanumeric(*p))
                return NULL;
        for (; is_alphanumeric(*p) || is_separator(*p); ++p) {
                if (!is_separator(*p))
                        out[n++] = (char)tolower((unsigned char)*p);
                else if (out[n - 1] != '-')
                        out[n++] = '-';
        }
        out[n] = '\0';
        return is_separator(p[-1]) ? NULL : p;
}

static int join_sorted(Strings *items, char *out) {
        size_t n = 0;

        strings_sort(items);
        for (size_t i = 0; i < items->n_items; ++i) {
                size_t length = strlen(items->items[i]);

                if (i > 0 && strcmp(items->items[i], items->items[i - 1]) == 0)
                        continue;
                if (n > 0)
                        out[n++] = ',';
                memcpy(out + n, items->items[i], length);
                n += length;
        }
        out[n] = '\0';
        return 0;
}

/* "[a, b]" behind a name. */
static const char *scan_extras(const char *p, char *out) {
        _cleanup_(strings_deinitp) Strings extras = STRINGS_NULL;
        char name[REQUIREMENT_TEXT_MAX];

        if (*p != '[')
                return p;
        p = skip_blanks(p + 1);
        while (*p != ']') {
                p = scan_name(p, name);
                if (!p || strings_add(&extras, name) < 0)
                        return NULL;
                p = skip_blanks(p);
                if (*p == ',')
                        p = skip_blanks(p + 1);
                else if (*p != ']')
                        return NULL;
        }
        (void)join_sorted(&extras, out);
        return p + 1;
}

static size_t operator_length(const char *p) {
        static const char *const operators[] = {"===", "==", "!=", "<=", ">=", "~=", "<", ">"};

        for (size_t i = 0; i < ARRAY_SIZE(operators); ++i)
                if (strncmp(p, operators[i], strlen(operators[i])) == 0)
                        return strlen(operators[i]);
        return 0;
}

/* "== 1.2" into "==1.2" at @out; "*" may end a version. */
static const char *scan_clause(const char *p, char **outp) {
        size_t n = operator_length(p);
        const char *version;

        if (n == 0)
                return NULL;
        memcpy(*outp, p, n);
        *outp += n;
        version = p = skip_blanks(p + n);
        while (is_version_character(*p))
                ++p;
        if (p > version && *p == '*' && p[-1] == '.')
                ++p;
        if (p == version || !is_alphanumeric(*version))
                return NULL;
        memcpy(*outp, version, (size_t)(p - version));
        *outp += p - version;
        return skip_blanks(p);
}

/* ">=1, <2" or "(>=1, <2)", or nothing. */
static const char *scan_specifier(const char *p, char *out) {
        bool parenthesis = *p == '(';

        *out = '\0';
        if (parenthesis)
                p = skip_blanks(p + 1);
        else if (operator_length(p) == 0)
                return p;
        for (;;) {
                p = scan_clause(p, &out);
                if (!p)
                        return NULL;
                if (*p != ',')
                        break;
                *out++ = ',';
                p = skip_blanks(p + 1);
        }
        *out = '\0';
        if (!parenthesis)
                return p;
        return *p == ')' ? skip_blanks(p + 1) : NULL;
}

/* "; python_version < '3.11'" */
static const char *scan_marker(const char *p, char *out) {
        size_t n;

        *out = '\0';
        if (*p != ';')
                return p;
        p = skip_blanks(p + 1);
        n = strspn(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ._+-*!<>=~'\""
                      "(),#");
        memcpy(out, p, n);
        out[n] = '\0';
        return n > 0 ? p + n : NULL;
}

static bool requirement_scan(Requirement *requirement, const char *text) {
        const char *p = scan_name(skip_blanks(text), requirement->name);

        requirement->extras[0] = '\0';
        if (p)
                p = scan_extras(skip_blanks(p), requirement->extras);
        if (p)
                p = scan_specifier(skip_blanks(p), requirement->specifier);
        if (p)
                p = scan_marker(skip_blanks(p), requirement->marker);
        return p && *p == '\0';
}

int requirement_parse(Requirement *requirement, const char *text, Failure *failure) {
        if (strlen(text) >= REQUIREMENT_TEXT_MAX)
                return failure_set(failure, FAILURE_STAGE_REQUEST, EINVAL,
                                   "requirement '%.60s…' is longer than %d bytes", text,
                                   REQUIREMENT_TEXT_MAX - 1);
        if (!requirement_scan(requirement, text))
                return failure_set(failure, FAILURE_STAGE_REQUEST, EINVAL,
                                   "'%s' is not a requirement by name and version", text);
        return 0;
}

const char *requirement_pinned_version(const Requirement *requirement) {
        const char *specifier = requirement->specifier;

        if (strncmp(specifier, "==", 2) != 0 || specifier[2] == '=' || requirement->marker[0] ||
            strpbrk(specifier, ",*"))
                return NULL;
        return specifier + 2;
}

char *requirement_format(const Requirement *requirement) {
        const char *extras = requirement->extras, *marker = requirement->marker;
        char *text = NULL;

        if (asprintf(&text, "%s%s%s%s%s%s%s", requirement->name, extras[0] ? "[" : "", extras,
                     extras[0] ? "]" : "", requirement->specifier, marker[0] ? "; " : "",
                     marker) < 0)
                return NULL;
        return text;
}

/* sets */

static int packages_add(Strings *packages, const Requirement *requirement, Failure *failure) {
        char *text = requirement_format(requirement);
        int r;

        if (text && strings_contain(packages, text)) {
                free(text);
                return 0;
        }
        if (packages->n_items >= PACKAGES_MAX) {
                free(text);
                return failure_set(failure, FAILURE_STAGE_REQUEST, EINVAL, "more than %d packages",
                                   PACKAGES_MAX);
        }
        r = strings_add_consume(packages, text);
        if (r < 0)
                return failure_errno(failure, FAILURE_STAGE_RESOURCES, -r,
                                     "cannot note package "
                                     "'%s'",
                                     requirement->name);
        return 0;
}

int packages_add_pinned(Strings *packages, const char *text, Failure *failure) {
        Requirement requirement;

        if (strlen(text) >= REQUIREMENT_TEXT_MAX || strpbrk(text, " \t") ||
            requirement_parse(&requirement, text, NULL) < 0 ||
            !requirement_pinned_version(&requirement))
                return failure_set(failure, FAILURE_STAGE_REQUEST, EINVAL,
                                   "package '%.200s' is not pinned: write NAME==VERSION", text);
        return packages_add(packages, &requirement, failure);
}

int packages_add_requirement(Strings *packages, const char *text, Failure *failure) {
        Requirement requirement;
        int r = requirement_parse(&requirement, text, failure);

        return r < 0 ? r : packages_add(packages, &requirement, failure);
}

bool packages_are_among(const Strings *packages, const Strings *installed) {
        for (size_t i = 0; i < packages->n_items; ++i)
                if (!strings_contain(installed, packages->items[i]))
                        return false;
        return true;
}

static uint64_t fnv1a(uint64_t hash, const char *text) {
        do
                hash = (hash ^ (unsigned char)*text) * FNV_PRIME;
        while (*text++);
        return hash;
}

uint64_t packages_hash(const Strings *packages, const char *seed) {
        uint64_t hash = fnv1a(FNV_OFFSET, seed);

        for (size_t i = 0; i < packages->n_items; ++i)
                hash = fnv1a(hash, packages->items[i]);
        return hash;
}
