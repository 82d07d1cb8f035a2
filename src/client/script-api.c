/* SPDX-License-Identifier: MIT */
/*
 * The public side of PEP 723: a script's metadata, and what an interpreter lacks of it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "client/environment-error.h"
#include "engine/missing.h"
#include "engine/pep723.h"

#define MISSING_TEXT_MAX (1024 * 1024)

struct SprScript {
        Pep723Metadata metadata;
};

_public_ SprScript *spr_script_free(SprScript *script) {
        if (!script)
                return NULL;
        pep723_metadata_deinit(&script->metadata);
        free(script);
        return NULL;
}

DEFINE_CLEANUP(SprScript *, spr_script_free)

_public_ int spr_script_new(
        SprScript **scriptp, const char *code, size_t length, const char *name, SprError *error) {
        _cleanup_(spr_script_freep) SprScript *script = calloc(1, sizeof(*script));
        Failure failure = FAILURE_NULL;
        int r;

        if (!script)
                return error_from_errno(error, -ENOMEM);
        r = pep723_read(&script->metadata, code, length, name, &failure);
        if (r < 0)
                return environment_error(error, &failure);
        *scriptp = take_ptr(&script);
        return 0;
}

_public_ const char *spr_script_get_dependency(const SprScript *script, size_t index) {
        const Strings *dependencies = &script->metadata.dependencies;

        return index < dependencies->n_items ? dependencies->items[index] : NULL;
}

_public_ const char *spr_script_get_requires_python(const SprScript *script) {
        return script->metadata.requires_python;
}

/* NULL on out of memory. */
static char *join(const Strings *strings) {
        _cleanup_(buffer_deinitp) Buffer buffer = BUFFER_NULL;
        size_t length;
        int r = 0;

        buffer_init(&buffer, MISSING_TEXT_MAX);
        for (size_t i = 0; i < strings->n_items && r == 0; ++i) {
                if (i > 0)
                        r = buffer_append(&buffer, ", ", 2);
                if (r == 0)
                        r = buffer_append(&buffer, strings->items[i], strlen(strings->items[i]));
        }
        return r == 0 ? buffer_steal(&buffer, &length) : NULL;
}

_public_ int spr_script_find_missing(const SprScript *script,
                                     const char *python,
                                     const char *const *environment,
                                     char **missingp,
                                     SprError *error) {
        const Pep723Metadata *metadata = &script->metadata;
        _cleanup_(strings_deinitp) Strings missing = STRINGS_NULL;
        Failure failure = FAILURE_NULL;
        char *text = NULL;
        int r = 0;

        if (metadata->dependencies.n_items > 0 || metadata->requires_python)
                r = missing_find(&missing, python, environment, &metadata->dependencies,
                                 metadata->requires_python, &failure);
        if (r > 0)
                return error_set(error, SPR_E_INTERPRETER, "%s", failure.text);
        if (r < 0)
                return environment_error(error, &failure);
        if (missing.n_items > 0) {
                text = join(&missing);
                if (!text)
                        return error_from_errno(error, -ENOMEM);
        }
        *missingp = text;
        return 0;
}
