#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * VenvMarker: what we know about a venv, in <venv>/.safe-py-runner.json
 *
 * Written last, so that it says what is there. Holds the list of packages in full; a venv without
 * one belongs to its user. Beside it, `.incomplete` stands from before the first file of a venv of
 * ours until after the last.
 */
#include <stdbool.h>

#include "base/failure.h"
#include "engine/strings.h"

typedef struct VenvMarker VenvMarker;

#define VENV_MARKER_NAME     ".safe-py-runner.json"
#define VENV_INCOMPLETE_NAME ".incomplete"
#define VENV_MARKER_MAX      (1024 * 1024)

enum {
        _VENV_MARKER_E_SUCCESS,
        VENV_MARKER_E_NONE, /* none there, or none that we can read */
};

struct VenvMarker {
        bool created;         /* by us; else we only installed into it */
        bool installing;      /* written before an installation, replaced after it */
        char *manager;        /* "uv" or "python"; owned, as all here */
        char *python;         /* what bin/python resolved to */
        char *python_version; /* "3.11.2", from pyvenv.cfg; may be "" */
        Strings packages;     /* canonical, sorted */
};

#define VENV_MARKER_NULL                                                                           \
        (VenvMarker) {                                                                             \
                .created = false                                                                   \
        }

void venv_marker_deinit(VenvMarker *marker);
/* Copies of the three texts; NULL stays as it is. 0 or -ENOMEM. */
int venv_marker_set(VenvMarker *marker,
                    const char *manager,
                    const char *python,
                    const char *python_version);
int venv_marker_read(VenvMarker *marker, const char *directory);
/* Replaces it in one step and flushes it to disk. */
int venv_marker_write(const VenvMarker *marker, const char *directory, Failure *failure);

/* the flag */
bool venv_is_incomplete(const char *directory);
int venv_set_incomplete(const char *directory, bool incomplete, Failure *failure);

static inline void venv_marker_deinitp(VenvMarker *marker) {
        venv_marker_deinit(marker);
}
