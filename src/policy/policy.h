#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Policy: what a run may do, typed, with its defaults
 *
 * Host side only. The public SprPolicy is this struct behind an opaque name. Numbers become fields
 * of the SUBMIT frame; the lists travel as JSON to the worker (policy_to_worker_json), which
 * enforces them. extra_globals is opaque JSON text end to end.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/failure.h"
#include "base/layers.h"

typedef struct Policy Policy;
typedef struct PolicyOrigin PolicyOrigin;
typedef struct StringList StringList;

typedef enum PolicyMode {
        POLICY_MODE_RESTRICT,
        POLICY_MODE_ALLOW,
} PolicyMode;

typedef enum PolicyNetwork {
        POLICY_NETWORK_NONE,
        POLICY_NETWORK_HOST,
} PolicyNetwork;

/* Where a value came from; the later ones go before the earlier. */
typedef enum PolicyOriginKind {
        POLICY_ORIGIN_DEFAULT,
        POLICY_ORIGIN_PRESET,
        POLICY_ORIGIN_FILE,
        POLICY_ORIGIN_ENVIRONMENT,
        POLICY_ORIGIN_CALLER, /* a setter: an option of the command, or a program */
} PolicyOriginKind;

#define POLICY_TIMEOUT_MAX_NS   (UINT64_C(24) * 3600 * 1000000000)
#define POLICY_MEMORY_MIN_BYTES UINT64_C(1048576)
#define POLICY_MEMORY_MAX_BYTES (UINT64_C(1048576) * 1048576)
#define POLICY_OUTPUT_MAX_BYTES (UINT64_C(64) * 1048576)
#define POLICY_DISK_MAX_BYTES   (UINT64_C(1048576) * 1048576)
#define POLICY_PROCESSES_MAX    4096
#define POLICY_LIST_MAX         4096                    /* names in one list */
#define POLICY_NAME_MAX         256                     /* bytes of one name */
#define POLICY_PATHS_MAX        64                      /* in one list */
#define POLICY_PATH_MAX         4095                    /* bytes of one path */
#define POLICY_VARIABLES_MAX    256                     /* of the environment */
#define POLICY_ENV_MAX          131072                  /* bytes of all its names and values */
#define POLICY_DEPTH_MAX        200                     /* tables and lists inside each other */
#define POLICY_TEXT_MAX         (UINT64_C(8) * 1048576) /* of a file, and of extra_globals */

struct StringList {
        char **items; /* owned; none is NULL */
        size_t n_items;
};

struct PolicyOrigin {
        PolicyOriginKind kind;
        unsigned int line; /* of the file; 0 = the file does not name the key */
};

#define POLICY_KEYS 21 /* rows of schema.h */

struct Policy {
        PolicyMode mode;
        uint64_t timeout_ns;
        uint64_t memory_bytes;
        uint64_t output_bytes; /* max_output_kb * 1024 */
        uint64_t file_bytes;   /* of one file */
        uint64_t disk_bytes;   /* of the private /tmp */
        uint64_t cpu_ns;       /* 0 = only the deadline */
        uint64_t n_processes;  /* and threads, at a time */
        IsolationLevel min_isolation;
        PolicyNetwork network;
        bool allow_processes;
        bool proc;
        StringList read_only_paths; /* absolute, without "//", "." and ".." */
        StringList env;             /* "NAME=value" */
        StringList allowed_imports, blocked_imports;
        StringList allowed_builtins, blocked_builtins;
        StringList allowed_globals, blocked_globals;
        char *extra_globals; /* JSON text of one object; NULL = {} */
        size_t extra_globals_length;
        const char *preset; /* that it began from; NULL = none */
        char *source;       /* the file's name; NULL = none */
        PolicyOrigin origins[POLICY_KEYS];
};

/* The reference's defaults: restrict, 5 s, 256 MB (MiB), 128 KiB, its blocked lists. */
int policy_new(Policy **policyp);
Policy *policy_free(Policy *policy);
int policy_dup(Policy **policyp, const Policy *policy);
/* Each gets what the other holds. */
void policy_swap(Policy *a, Policy *b);

/* Each returns 0, or a negative errno with FAILURE_STAGE_POLICY in @failure whose text names
 * source, line, key and, for an unknown key, the nearest known one:
 * "policy.toml:3: unknown key 'timeout_second': did you mean 'timeout_seconds'?".
 * Keys stand at the top level or under [policy] (not both). Missing numbers and mode take the
 * defaults; missing lists are empty unless @complete. */
int policy_load_file(Policy **policyp, const char *path, Failure *failure);
int policy_parse_toml(
        Policy **policyp, const char *text, size_t length, const char *name, Failure *failure);
int policy_parse_json(Policy **policyp,
                      const char *text,
                      size_t length,
                      const char *name,
                      bool complete,
                      Failure *failure);

/* A policy of that name, complete. */
int policy_new_preset(Policy **policyp, const char *name, Failure *failure);
/* What the file says, on top of what @policy holds; what the file does not name stays. After a
 * failure @policy is as it was. The file may not begin from a preset. */
int policy_apply_file(Policy *policy, const char *path, Failure *failure);

/* One key from a checked value; -EINVAL with words where it is out of range. */
int policy_set_timeout_ns(Policy *policy, uint64_t timeout_ns, Failure *failure);
int policy_set_memory_bytes(Policy *policy, uint64_t bytes, Failure *failure);
int policy_set_file_bytes(Policy *policy, uint64_t bytes, Failure *failure);
int policy_set_disk_bytes(Policy *policy, uint64_t bytes, Failure *failure);
int policy_set_cpu_ns(Policy *policy, uint64_t cpu_ns, Failure *failure);
int policy_set_max_processes(Policy *policy, uint64_t n, Failure *failure);
/* One more of them; a variable of that name is replaced, a path that is there stays. */
int policy_set_env(Policy *policy, const char *name, const char *value, Failure *failure);
int policy_add_read_only_path(Policy *policy, const char *path, Failure *failure);
int policy_set_extra_globals(Policy *policy, const char *json, size_t length, Failure *failure);

/* The field at @offset was set by a caller, past the setters. */
void policy_mark_caller(Policy *policy, size_t offset);
/* Where the value of the key in row @row came from: "default", "preset data", "policy.toml:3",
 * "SPR_MODE", "flag". Returns @text. */
const char *policy_origin(const Policy *policy, size_t row, char *text, size_t size);

/* What the worker needs, as one JSON object: mode, the six lists, env, extra_globals (spliced in as
 * the opaque text it is). *jsonp is malloc'ed and NUL-terminated. */
int policy_to_worker_json(const Policy *policy, char **jsonp, size_t *lengthp);
/* The whole policy: the same keys as a file has, sorted, one line. */
int policy_to_json(const Policy *policy, char **jsonp, size_t *lengthp);
/* The same of a policy whose values for the worker are only in its @worker_json. */
int policy_to_json_from(const Policy *policy,
                        const char *worker_json,
                        size_t worker_length,
                        char **jsonp,
                        size_t *lengthp);

DEFINE_CLEANUP(Policy *, policy_free)
