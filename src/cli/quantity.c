/* SPDX-License-Identifier: MIT */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/attr.h"
#include "base/clock.h"
#include "cli/quantity.h"

typedef struct Unit Unit;

struct Unit {
        const char *name;
        uint64_t factor;
};

/* A product of a 64-bit number and a factor, before it is known to fit. */
__extension__ typedef unsigned __int128 Wide;

#define FRACTION_DIGITS_MAX 18 /* 10^18 still fits in 64 bits; finer digits are cut off */

#define KIB (UINT64_C(1) << 10)
#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)
#define TIB (UINT64_C(1) << 40)

static const Unit duration_units[] = {
        {"", NSEC_PER_SEC},         {"ns", 1},           {"us", NSEC_PER_USEC},
        {"ms", NSEC_PER_MSEC},      {"s", NSEC_PER_SEC}, {"m", 60 * NSEC_PER_SEC},
        {"h", 3600 * NSEC_PER_SEC},
};

static const Unit size_units[] = {
        {"", MIB},    {"B", 1},    {"K", KIB},   {"KB", KIB},  {"KiB", KIB},
        {"M", MIB},   {"MB", MIB}, {"MiB", MIB}, {"G", GIB},   {"GB", GIB},
        {"GiB", GIB}, {"T", TIB},  {"TB", TIB},  {"TiB", TIB},
};

/* The digits at *@cursorp as a number below 10^@max_digits; further ones are skipped when @cut, and
 * are out of range otherwise. */
static int digits_parse(
        const char **cursorp, size_t max_digits, bool cut, uint64_t *valuep, uint64_t *scalep) {
        const char *cursor = *cursorp;
        uint64_t value = 0, scale = 1;
        size_t n_digits = 0;

        for (; *cursor >= '0' && *cursor <= '9'; cursor++) {
                if (n_digits == max_digits) {
                        if (!cut)
                                return QUANTITY_E_RANGE;
                        continue;
                }
                value = value * 10 + (uint64_t)(*cursor - '0');
                scale *= 10;
                if (value > 0 || cut)
                        n_digits++;
        }

        *cursorp = cursor;
        *valuep = value;
        *scalep = scale;
        return 0;
}

static const Unit *unit_find(const Unit *units, size_t n_units, const char *name) {
        for (size_t i = 0; i < n_units; i++)
                if (strcasecmp(units[i].name, name) == 0)
                        return &units[i];
        return NULL;
}

static int quantity_parse(const char *text, const Unit *units, size_t n_units, uint64_t *valuep) {
        uint64_t whole = 0, fraction = 0, scale = 1;
        const char *cursor = text;
        const char *start;
        const Unit *unit;
        Wide value;
        int r;

        r = digits_parse(&cursor, FRACTION_DIGITS_MAX, false, &whole, &scale);
        if (r)
                return r;
        if (cursor == text)
                return QUANTITY_E_SYNTAX;

        scale = 1;
        if (*cursor == '.') {
                start = ++cursor;
                (void)digits_parse(&cursor, FRACTION_DIGITS_MAX, true, &fraction, &scale);
                if (cursor == start)
                        return QUANTITY_E_SYNTAX;
        }

        unit = unit_find(units, n_units, cursor);
        if (!unit)
                return QUANTITY_E_UNIT;

        value = (Wide)whole * unit->factor + (Wide)fraction * unit->factor / scale;
        if (value > UINT64_MAX)
                return QUANTITY_E_RANGE;
        *valuep = (uint64_t)value;
        return 0;
}

int quantity_parse_duration(const char *text, uint64_t *nanosecondsp) {
        return quantity_parse(text, duration_units, ARRAY_SIZE(duration_units), nanosecondsp);
}

int quantity_parse_size(const char *text, uint64_t *bytesp) {
        return quantity_parse(text, size_units, ARRAY_SIZE(size_units), bytesp);
}

int quantity_parse_number(const char *text, uint64_t *numberp) {
        const char *cursor = text;
        uint64_t number, scale;
        int r;

        r = digits_parse(&cursor, FRACTION_DIGITS_MAX, false, &number, &scale);
        if (r)
                return r;
        if (cursor == text || *cursor)
                return QUANTITY_E_SYNTAX;
        *numberp = number;
        return 0;
}

const char *quantity_format_size(uint64_t bytes, char *text) {
        static const Unit scales[] = {{"TiB", TIB}, {"GiB", GIB}, {"MiB", MIB}, {"KiB", KIB}};

        for (size_t i = 0; i < ARRAY_SIZE(scales); i++) {
                uint64_t factor = scales[i].factor;
                uint64_t tenths;

                if (bytes < factor)
                        continue;
                tenths = bytes / factor * 10 + bytes % factor * 10 / factor;
                if (tenths % 10 == 0)
                        (void)snprintf(text, QUANTITY_TEXT_MAX, "%llu %s",
                                       (unsigned long long)tenths / 10, scales[i].name);
                else
                        (void)snprintf(text, QUANTITY_TEXT_MAX, "%llu.%llu %s",
                                       (unsigned long long)tenths / 10,
                                       (unsigned long long)tenths % 10, scales[i].name);
                return text;
        }
        (void)snprintf(text, QUANTITY_TEXT_MAX, "%llu B", (unsigned long long)bytes);
        return text;
}
