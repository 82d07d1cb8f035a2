/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "engine/command.h"
#include "engine/doctor-probe.h"

#define PROBE_TIMEOUT_NS (UINT64_C(30) * NSEC_PER_SEC)

static const char *const state_names[_DOCTOR_STATE_N] = {
        [DOCTOR_MISSING] = "missing", [DOCTOR_INAPPLICABLE] = "inapplicable",
        [DOCTOR_WEAK] = "weak",       [DOCTOR_OK] = "ok",
        [DOCTOR_DIFFERS] = "differs",
};

static const char *const protects[_LAYER_N] = {
        [LAYER_USER_NAMESPACE] = "privileges end at the run; lets an ordinary user have namespaces",
        [LAYER_PID_NAMESPACE] = "sees no other process; nothing outlives a run",
        [LAYER_MOUNT_NAMESPACE] = "sees no file of the host but interpreter and packages",
        [LAYER_NET_NAMESPACE] = "no network",
        [LAYER_IPC_NAMESPACE] = "no shared memory or queues of the host",
        [LAYER_UTS_NAMESPACE] = "does not see the host's name",
        [LAYER_CGROUP] = "memory, processes and CPU limited by the kernel, for the run as a whole",
        [LAYER_UID] = "a uid of its own: no signal to and no file of anybody else",
        [LAYER_CAPABILITIES] = "no privilege of root",
        [LAYER_NO_NEW_PRIVS] = "gains nothing from setuid programs",
        [LAYER_RLIMITS] = "file sizes, descriptors, stack and core files limited",
        [LAYER_UNDUMPABLE] = "runs cannot trace or read one another",
        [LAYER_LANDLOCK] = "the rules on files once more, whatever the mounts are",
        [LAYER_SECCOMP] = "most system calls of the kernel out of reach",
        [LAYER_CGROUP_NAMESPACE] = "does not see where in the tree of control groups it is",
};

const char *doctor_state_name(DoctorState state) {
        return state < _DOCTOR_STATE_N ? state_names[state] : "unknown";
}

const char *doctor_layer_protects(Layer layer) {
        return protects[layer];
}

/* the lines */

/* The text up to the next tab, which is stepped over (command_run() makes it a blank); at the end
 * of the line empty. */
static const char *field_take(const char **linep, size_t *lengthp) {
        const char *start = *linep;

        *lengthp = strcspn(start, "\t ");
        *linep = start + *lengthp + (start[*lengthp] != '\0');
        return start;
}

static bool field_is(const char *field, size_t length, const char *name) {
        return strlen(name) == length && memcmp(field, name, length) == 0;
}

static bool state_parse(const char *field, size_t length, DoctorState *statep) {
        for (unsigned int i = 0; i <= DOCTOR_OK; ++i)
                if (field_is(field, length, state_names[i])) {
                        *statep = (DoctorState)i;
                        return true;
                }
        return false;
}

bool doctor_probe_take(DoctorProbe *probe, const char *line) {
        const char *name, *state, *error;
        size_t n_name, n_state, n_error;
        DoctorLayer layer = {.state = DOCTOR_MISSING};

        name = field_take(&line, &n_name);
        state = field_take(&line, &n_state);
        error = field_take(&line, &n_error);
        if (n_name == 0 || n_error == 0 || !state_parse(state, n_state, &layer.state))
                return false;
        if (!field_is(error, n_error, "-"))
                (void)snprintf(layer.error, sizeof(layer.error), "%.*s", (int)n_error, error);
        (void)snprintf(layer.detail, sizeof(layer.detail), "%s", line);
        for (unsigned int i = 0; i < _LAYER_N; ++i)
                if (field_is(name, n_name, layer_name(i)))
                        probe->layers[i] = layer;
        return true;
}

typedef struct ProbeReader {
        DoctorProbe *probe;
        bool understood;
} ProbeReader;

static void probe_read_line(void *userdata, const char *line) {
        ProbeReader *reader = userdata;

        if (!doctor_probe_take(reader->probe, line))
                reader->understood = false;
}

int doctor_probe_run(DoctorProbe *probe, const char *path, Failure *failure) {
        static const char *const environment[] = {"PATH=/usr/local/bin:/usr/bin:/bin", NULL};
        const char *const argv[] = {path, "--probe", NULL};
        ProbeReader reader = {.probe = probe, .understood = true};
        CommandOptions options = {
                .argv = argv,
                .environment = environment,
                .timeout_ns = PROBE_TIMEOUT_NS,
                .line = probe_read_line,
                .userdata = &reader,
        };
        CommandResult result;
        char words[256];
        int r;

        *probe = DOCTOR_PROBE_NULL;
        r = command_run(&options, &result, failure);
        if (r) {
                if (failure->stage == FAILURE_STAGE_ENVIRONMENT)
                        failure->stage = FAILURE_STAGE_AGENT;
                return r;
        }
        if (result.exit_status == 0 && reader.understood)
                return 0;
        command_result_summary(&result, words, sizeof(words));
        return failure_set(failure, FAILURE_STAGE_AGENT, EPROTO, "'%s --probe' %s: %s", path,
                           result.timed_out ? "took too long" : "failed", words);
}

/* what follows from them */

static bool state_counts(DoctorState state) {
        return state == DOCTOR_OK || state == DOCTOR_WEAK;
}

LayerSet doctor_probe_layers(const DoctorProbe *probe) {
        LayerSet layers = 0;

        for (unsigned int i = 0; i < _LAYER_N; ++i)
                if (state_counts(probe->layers[i].state))
                        layers |= LAYER_BIT(i);
        return layers;
}

void doctor_probe_compare(DoctorProbe *probe, LayerSet reached) {
        for (unsigned int i = 0; i < _LAYER_N; ++i) {
                DoctorLayer *layer = &probe->layers[i];
                bool granted = state_counts(layer->state), had = reached & LAYER_BIT(i);

                if (granted == had)
                        continue;
                layer->state = DOCTOR_DIFFERS;
                (void)snprintf(layer->detail, sizeof(layer->detail), "%s",
                               had ? "a real run has it, though trying it alone failed"
                                   : "it is granted when tried alone, but a real run lacks it");
        }
}
