/* SPDX-License-Identifier: MIT */
#include <stddef.h>
#include <string.h>

#include "base/clock.h"
#include "policy/schema.h"
#include "policy/suggest.h"

#define KIB UINT64_C(1024)
#define MIB UINT64_C(1048576)

#define AT(field) .offset = offsetof(Policy, field)

static const char *const modes[] = {
        [POLICY_MODE_RESTRICT] = "restrict",
        [POLICY_MODE_ALLOW] = "allow",
        NULL,
};
static const char *const levels[] = {
        [ISOLATION_NONE] = "none",
        [ISOLATION_PROCESS] = "process",
        [ISOLATION_KERNEL] = "kernel",
        [ISOLATION_FULL] = "full",
        NULL,
};
static const char *const networks[] = {
        [POLICY_NETWORK_NONE] = "none",
        [POLICY_NETWORK_HOST] = "host",
        NULL,
};
static const char *const nothing[] = {NULL};
static const char *const blocked_imports[] = {
        "os", "subprocess", "socket", "ctypes", "importlib", NULL,
};
static const char *const blocked_builtins[] = {
        "eval", "exec", "open", "compile", "breakpoint", NULL,
};

const SchemaKey schema_keys[SCHEMA_KEYS] = {
        {
                .name = "allow_processes",
                .summary = "whether the code may start processes",
                .type = SCHEMA_BOOLEAN,
                AT(allow_processes),
        },
        {
                .name = "allowed_builtins",
                .summary = "the builtins the code has, in mode allow",
                .type = SCHEMA_NAMES,
                .for_worker = true,
                AT(allowed_builtins),
                .words = nothing,
                .syntax = NAME_IDENTIFIER,
        },
        {
                .name = "allowed_globals",
                .summary = "the keys of input and extra_globals that become globals, in mode allow",
                .type = SCHEMA_NAMES,
                .for_worker = true,
                AT(allowed_globals),
                .words = nothing,
                .syntax = NAME_IDENTIFIER,
        },
        {
                .name = "allowed_imports",
                .summary = "the packages the code may import, in mode allow",
                .type = SCHEMA_NAMES,
                .for_worker = true,
                AT(allowed_imports),
                .words = nothing,
                .syntax = NAME_MODULE,
        },
        {
                .name = "blocked_builtins",
                .summary = "the builtins the code lacks, in mode restrict",
                .type = SCHEMA_NAMES,
                .for_worker = true,
                AT(blocked_builtins),
                .words = blocked_builtins,
                .syntax = NAME_IDENTIFIER,
        },
        {
                .name = "blocked_globals",
                .summary = "the keys of input and extra_globals left out, in mode restrict",
                .type = SCHEMA_NAMES,
                .for_worker = true,
                AT(blocked_globals),
                .words = nothing,
                .syntax = NAME_IDENTIFIER,
        },
        {
                .name = "blocked_imports",
                .summary = "the packages the code may not import, in mode restrict",
                .type = SCHEMA_NAMES,
                .for_worker = true,
                AT(blocked_imports),
                .words = blocked_imports,
                .syntax = NAME_MODULE,
        },
        {
                .name = "cpu_seconds",
                .summary = "how much processor time a run may use, on all cores; 0: no limit",
                .type = SCHEMA_SECONDS,
                AT(cpu_ns),
                .unit = NSEC_PER_SEC,
                .or_zero = true,
                .max = POLICY_TIMEOUT_MAX_NS / NSEC_PER_SEC,
                .fallback = 0,
        },
        {
                .name = "disk_mb",
                .summary = "MiB that fit into the private /tmp",
                .type = SCHEMA_NUMBER,
                AT(disk_bytes),
                .unit = MIB,
                .min = 1,
                .max = POLICY_DISK_MAX_BYTES / MIB,
                .fallback = 128,
        },
        {
                .name = "env",
                .summary = "environment variables the code finds",
                .type = SCHEMA_VARIABLES,
                .for_worker = true,
                AT(env),
        },
        {
                .name = "extra_globals",
                .summary = "names and values the code finds as globals",
                .type = SCHEMA_GLOBALS,
                .for_worker = true,
                AT(extra_globals),
        },
        {
                .name = "max_file_mb",
                .summary = "MiB that one file may hold",
                .type = SCHEMA_NUMBER,
                AT(file_bytes),
                .unit = MIB,
                .min = 1,
                .max = POLICY_DISK_MAX_BYTES / MIB,
                .fallback = 128,
        },
        {
                .name = "max_output_kb",
                .summary = "KiB of stdout, and of stderr, that are kept",
                .type = SCHEMA_NUMBER,
                AT(output_bytes),
                .unit = KIB,
                .min = 0,
                .max = POLICY_OUTPUT_MAX_BYTES / KIB,
                .fallback = 128,
        },
        {
                .name = "max_processes",
                .summary = "processes and threads the code may have at a time",
                .type = SCHEMA_NUMBER,
                AT(n_processes),
                .unit = 1,
                .min = 1,
                .max = POLICY_PROCESSES_MAX,
                .fallback = 64,
        },
        {
                .name = "memory_limit_mb",
                .summary = "MiB the code may use beyond the warm interpreter",
                .type = SCHEMA_NUMBER,
                AT(memory_bytes),
                .unit = MIB,
                .min = POLICY_MEMORY_MIN_BYTES / MIB,
                .max = POLICY_MEMORY_MAX_BYTES / MIB,
                .fallback = 256,
        },
        {
                .name = "min_isolation",
                .summary = "the level of isolation below which a run is refused",
                .type = SCHEMA_CHOICE,
                AT(min_isolation),
                .words = levels,
                .fallback = ISOLATION_KERNEL,
        },
        {
                .name = "mode",
                .summary = "whether the blocked or the allowed lists count",
                .type = SCHEMA_CHOICE,
                .for_worker = true,
                AT(mode),
                .words = modes,
                .fallback = POLICY_MODE_RESTRICT,
        },
        {
                .name = "network",
                .summary = "whether the code may use the network of the host",
                .type = SCHEMA_CHOICE,
                AT(network),
                .words = networks,
                .fallback = POLICY_NETWORK_NONE,
        },
        {
                .name = "proc",
                .summary = "whether the code finds a /proc, of its own processes only",
                .type = SCHEMA_BOOLEAN,
                AT(proc),
        },
        {
                .name = "read_only_paths",
                .summary = "paths of the host that the code may read",
                .type = SCHEMA_PATHS,
                AT(read_only_paths),
        },
        {
                .name = "timeout_seconds",
                .summary = "how long a run may take",
                .type = SCHEMA_SECONDS,
                AT(timeout_ns),
                .unit = NSEC_PER_SEC,
                .max = POLICY_TIMEOUT_MAX_NS / NSEC_PER_SEC,
                .fallback = 5,
        },
};

const SchemaKey *schema_find(const char *name, size_t length) {
        for (size_t i = 0; i < SCHEMA_KEYS; ++i)
                if (strlen(schema_keys[i].name) == length &&
                    memcmp(schema_keys[i].name, name, length) == 0)
                        return &schema_keys[i];
        return NULL;
}

const char *schema_nearest(const char *name, size_t length, bool *nearp) {
        const char *names[SCHEMA_KEYS];
        NearestName nearest;

        for (size_t i = 0; i < SCHEMA_KEYS; ++i)
                names[i] = schema_keys[i].name;
        nearest = suggest_nearest(name, length, names, SCHEMA_KEYS);
        *nearp = nearest.near;
        return nearest.name;
}

const SchemaKey *schema_at(size_t offset) {
        const SchemaKey *key = schema_keys;

        while (key->offset != offset)
                ++key;
        return key;
}

static void *field_at(const SchemaKey *key, Policy *policy) {
        return (char *)policy + key->offset;
}

unsigned int *schema_choice(const SchemaKey *key, Policy *policy) {
        return field_at(key, policy);
}

bool *schema_boolean(const SchemaKey *key, Policy *policy) {
        return field_at(key, policy);
}

uint64_t *schema_number(const SchemaKey *key, Policy *policy) {
        return field_at(key, policy);
}

StringList *schema_list(const SchemaKey *key, Policy *policy) {
        switch (key->type) {
        case SCHEMA_NAMES:
        case SCHEMA_PATHS:
        case SCHEMA_VARIABLES:
                return field_at(key, policy);
        case SCHEMA_CHOICE:
        case SCHEMA_BOOLEAN:
        case SCHEMA_NUMBER:
        case SCHEMA_SECONDS:
        case SCHEMA_GLOBALS:
        default:
                return NULL;
        }
}

static int names_set_defaults(StringList *list, const char *const *names) {
        int r = 0;

        for (; *names && !r; ++names)
                r = string_list_add(list, *names, strlen(*names));
        return r;
}

int schema_set_defaults(Policy *policy, bool lists) {
        int r = 0;

        for (const SchemaKey *key = schema_keys; key < schema_keys + SCHEMA_KEYS && !r; ++key)
                switch (key->type) {
                case SCHEMA_CHOICE:
                        *schema_choice(key, policy) = (unsigned int)key->fallback;
                        break;
                case SCHEMA_BOOLEAN:
                        *schema_boolean(key, policy) = key->fallback != 0;
                        break;
                case SCHEMA_NUMBER:
                case SCHEMA_SECONDS:
                        *schema_number(key, policy) = key->fallback * key->unit;
                        break;
                case SCHEMA_NAMES:
                        if (lists)
                                r = names_set_defaults(schema_list(key, policy), key->words);
                        break;
                case SCHEMA_PATHS:
                case SCHEMA_VARIABLES:
                case SCHEMA_GLOBALS:
                default:
                        break;
                }
        return r;
}
