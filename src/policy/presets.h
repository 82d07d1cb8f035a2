#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Presets: policies with a name, to begin from
 *
 * Each is a text as a policy file has it, on top of the defaults of a run without a file.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"

typedef struct Preset Preset;

struct Preset {
        const char *name;
        const char *summary; /* one line */
        const char *toml;
};

#define PRESETS           5
#define PRESET_ADVICE_MAX 160

extern const Preset presets[PRESETS];

/* NULL where there is none of this name. */
const Preset *preset_find(const char *name, size_t length);
/* "did you mean 'data'?", or the names. Never more than @size bytes. */
void preset_advise(const char *name, size_t length, char *text, size_t size);
