/* SPDX-License-Identifier: MIT */
/*
 * A program begins with nothing: no import, no builtin, no global. What it is refused it is given,
 * and it runs again, confined all the while, until it ends without an error. A name that is not
 * defined may be a builtin or a key of the input; it is given as the first, and if that does not
 * help as the second. What a program does not ask for on its way it is not given: who catches an
 * ImportError has learned to do without.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json-writer.h"
#include "cli/handles.h"
#include "cli/policy-learn.h"
#include "cli/run-engine.h"
#include "cli/run-environment.h"
#include "cli/run-input.h"
#include "cli/status.h"

#define NAMES_MAX        512 /* of a kind */
#define NAME_LENGTH_MAX  256
#define POLICY_JSON_MAX  ((size_t)1 << 20)
#define OBSERVED_LIMITS  "\"timeout_seconds\": 300, \"memory_limit_mb\": 4096"
#define MIB              UINT64_C(1048576)
#define MEMORY_LEAST_MIB 16

/* Names with the file that asked for each first. */
typedef struct Names {
        char *items[NAMES_MAX];
        const char *files[NAMES_MAX];
        size_t n_items;
} Names;

typedef enum NameKind {
        NAME_IMPORT,
        NAME_BUILTIN,
        NAME_GLOBAL,
        _NAME_KIND_N,
} NameKind;

static const char *const kind_keys[_NAME_KIND_N] = {
        [NAME_IMPORT] = "allowed_imports",
        [NAME_BUILTIN] = "allowed_builtins",
        [NAME_GLOBAL] = "allowed_globals",
};

typedef struct Learner {
        Names names[_NAME_KIND_N];
        const char *file; /* that runs now */
        uint64_t n_runs;
        uint64_t wall_ns, memory_bytes, output_bytes; /* the most that a run took */
} Learner;

static void learner_deinit(Learner *learner) {
        for (size_t kind = 0; kind < _NAME_KIND_N; ++kind)
                for (size_t i = 0; i < learner->names[kind].n_items; ++i)
                        free(learner->names[kind].items[i]);
}

static bool names_have(const Names *names, const char *name, size_t length) {
        for (size_t i = 0; i < names->n_items; ++i)
                if (strlen(names->items[i]) == length && memcmp(names->items[i], name, length) == 0)
                        return true;
        return false;
}

/* Whether that made a difference. */
static bool learner_add(Learner *learner, NameKind kind, const char *name, size_t length) {
        Names *names = &learner->names[kind];

        if (length == 0 || length > NAME_LENGTH_MAX || names->n_items == NAMES_MAX ||
            names_have(names, name, length))
                return false;
        names->items[names->n_items] = strndup(name, length);
        if (!names->items[names->n_items])
                return false;
        names->files[names->n_items++] = learner->file;
        return true;
}

static void learner_drop(Names *names, const char *name, size_t length) {
        for (size_t i = 0; i < names->n_items; ++i) {
                if (strlen(names->items[i]) != length || memcmp(names->items[i], name, length) != 0)
                        continue;
                free(names->items[i]);
                --names->n_items;
                names->items[i] = names->items[names->n_items];
                names->files[i] = names->files[names->n_items];
        }
}

/* What stands between @before and the quote behind it; NULL where the text has no such part. */
static const char *quoted_part(const char *text, const char *before, size_t *lengthp) {
        const char *at = text ? strstr(text, before) : NULL;

        if (!at)
                return NULL;
        at += strlen(before);
        *lengthp = strcspn(at, "'");
        return at;
}

/* Whether the program is to run again, with one name more. */
static bool learner_learn(Learner *learner, const SprResult *result) {
        const char *error = spr_result_get_error(result), *name;
        size_t length = 0;

        name = quoted_part(error, "Import '", &length);
        if (name && spr_result_get_outcome(result) == SPR_OUTCOME_DENIED)
                return learner_add(learner, NAME_IMPORT, name,
                                   strcspn(name, ".") < length ? strcspn(name, ".") : length);
        name = quoted_part(error, "NameError: name '", &length);
        if (!name)
                return false;
        if (learner_add(learner, NAME_BUILTIN, name, length))
                return true;
        learner_drop(&learner->names[NAME_BUILTIN], name, length);
        return learner_add(learner, NAME_GLOBAL, name, length);
}

static int learner_policy(const Learner *learner, SprPolicy **policyp, Fault *fault) {
        _cleanup_(json_writer_deinit) JsonWriter writer;
        _cleanup_(freep) char *json = NULL;
        SprError error = {0};
        int r;

        json_writer_init(&writer, POLICY_JSON_MAX);
        json_writer_raw(&writer, "{\"mode\": \"allow\", " OBSERVED_LIMITS);
        for (size_t kind = 0; kind < _NAME_KIND_N; ++kind) {
                const Names *names = &learner->names[kind];

                json_writer_key(&writer, kind_keys[kind]);
                json_writer_raw(&writer, "[");
                for (size_t i = 0; i < names->n_items; ++i) {
                        json_writer_raw(&writer, i > 0 ? ", " : "");
                        json_writer_value(&writer, names->items[i], strlen(names->items[i]));
                }
                json_writer_raw(&writer, "]");
        }
        json_writer_raw(&writer, "}");
        if (json_writer_end(&writer, &json))
                return fault_set_oom(fault);
        r = spr_policy_new_from_json(policyp, json, strlen(json), "learned", true, &error);
        return r ? fault_set_error(fault, r, &error) : 0;
}

static void learner_observe(Learner *learner, const SprResult *result) {
        learner->wall_ns = max_u64(learner->wall_ns, spr_result_get_wall_ns(result));
        learner->memory_bytes =
                max_u64(learner->memory_bytes, spr_result_get_peak_memory_bytes(result));
        learner->output_bytes = max_u64(learner->output_bytes, spr_result_get_stdout_total(result));
        learner->output_bytes = max_u64(learner->output_bytes, spr_result_get_stderr_total(result));
}

static int learner_run(Learner *learner,
                       SprEngine *engine,
                       const RunInput *input,
                       SprResult **resultp,
                       Fault *fault) {
        _cleanup_(spr_request_freep) SprRequest *request = NULL;
        _cleanup_(spr_policy_freep) SprPolicy *policy = NULL;
        SprError error = {0};
        int r;

        r = learner_policy(learner, &policy, fault);
        if (r)
                return r;
        r = run_input_to_request(input, policy, &request, fault);
        if (r)
                return r;
        r = spr_engine_run(engine, request, resultp, &error);
        ++learner->n_runs;
        return r ? fault_set_error(fault, r, &error) : 0;
}

/* Runs a program until it passes. */
static int learner_teach(Learner *learner, SprEngine *engine, const RunInput *input, Fault *fault) {
        for (;;) {
                _cleanup_(spr_result_freep) SprResult *result = NULL;
                int r = learner_run(learner, engine, input, &result, fault);

                if (r)
                        return r;
                if (spr_result_get_ok(result)) {
                        learner_observe(learner, result);
                        return 0;
                }
                if (!learner_learn(learner, result))
                        return fault_set(fault, STATUS_FAILURE, "'%.256s' does not pass: %.512s",
                                         learner->file, spr_result_get_error(result));
        }
}

static int learner_teach_file(Learner *learner,
                              const RunEnvironment *where,
                              const char *file,
                              SprEngine **enginep,
                              Fault *fault) {
        _cleanup_(run_input_deinitp) RunInput input = {0};
        OptionList operands = {.items = &file, .n_items = 1};
        RunEnvironment environment = *where;
        int r;

        learner->file = file;
        environment.input = &input;
        r = run_input_load(&input, where->options, &operands, fault);
        if (r == 0 && !*enginep)
                r = run_engine_make(&environment, enginep, fault);
        return r ? r : learner_teach(learner, *enginep, &input, fault);
}

/* what was learned */

static void names_print(const Names *names, const char *key) {
        if (names->n_items == 0) {
                (void)printf("%s = []\n", key);
                return;
        }
        (void)printf("%s = [\n", key);
        for (size_t i = 0; i < names->n_items; ++i)
                (void)printf("    \"%s\", # %s\n", names->items[i], names->files[i]);
        (void)printf("]\n");
}

static uint64_t at_least(uint64_t number, uint64_t least) {
        return number < least ? least : number;
}

static void learner_print(const Learner *learner, size_t n_files) {
        uint64_t seconds = learner->wall_ns * 4 / NSEC_PER_SEC + 1;
        uint64_t mib = learner->memory_bytes * 2 / MIB + 1;
        uint64_t kib = learner->output_bytes * 2 / 1024 + 1;

        (void)printf("# Learned from %zu programs in %" PRIu64 " runs: what they asked for and no "
                     "more.\nmode = \"allow\"\n",
                     n_files, learner->n_runs);
        for (size_t kind = 0; kind < _NAME_KIND_N; ++kind)
                names_print(&learner->names[kind], kind_keys[kind]);
        (void)printf("timeout_seconds = %" PRIu64 " # the slowest took %" PRIu64 " ms\n", seconds,
                     learner->wall_ns / NSEC_PER_MSEC);
        (void)printf("memory_limit_mb = %" PRIu64 " # the most was %" PRIu64 " MiB\n",
                     at_least(mib, MEMORY_LEAST_MIB), learner->memory_bytes / MIB);
        (void)printf("max_output_kb = %" PRIu64 " # the most was %" PRIu64 " bytes\n", kib,
                     learner->output_bytes);
}

int policy_learn(const CliContext *context,
                 const RunOptions *options,
                 const char *const *files,
                 size_t n_files,
                 Fault *fault) {
        _cleanup_(learner_deinit) Learner learner = {.n_runs = 0};
        _cleanup_(spr_engine_freep) SprEngine *engine = NULL;
        Words words = context->words;
        RunEnvironment environment = {.context = context, .options = options, .words = &words};
        int r = 0;

        for (size_t i = 0; i < n_files && r == 0; ++i)
                r = learner_teach_file(&learner, &environment, files[i], &engine, fault);
        if (r == 0)
                learner_print(&learner, n_files);
        return r;
}
