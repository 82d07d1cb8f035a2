/* SPDX-License-Identifier: MIT */
/*
 * Without --json, stdout is exactly what the code printed (or, where it printed too much, exactly
 * the beginning of it), then its result as one line of JSON. The tail of what was cut goes to
 * stderr with a note: a pipe behind stdout must not read a gap as if it were not there.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/fd.h"
#include "base/json-write.h"
#include "cli/handles.h"
#include "cli/quantity.h"
#include "cli/run-output.h"
#include "cli/status.h"

#define FAULT_JSON_MAX ((size_t)16 << 10)

/* The reader of stdout may have gone on purpose (`| head`): no words then. */
static int write_status(const RunOutput *output, int r, int status) {
        if (r == 0)
                return status;
        if (r == -EPIPE)
                return STATUS_BROKEN_PIPE;
        words_error(output->words, "cannot write to standard output: %s", strerror(-r));
        return STATUS_FAILURE;
}

static int value_write(const RunOutput *output, const SprResult *result) {
        size_t n_json = 0, n_stdout = 0;
        const char *json = spr_result_get_json(result, &n_json);
        const char *text = spr_result_get_stdout(result, &n_stdout);
        int r = 0;

        if (!json)
                return 0;
        if (n_stdout > 0 && text[n_stdout - 1] != '\n')
                r = fd_write_all(output->stdout_fd, "\n", 1);
        if (r == 0)
                r = fd_write_all(output->stdout_fd, json, n_json);
        if (r == 0)
                r = fd_write_all(output->stdout_fd, "\n", 1);
        return r;
}

static void truncation_note(const RunOutput *output,
                            const char *stream,
                            uint64_t total,
                            size_t n_head,
                            const char *tail,
                            size_t n_tail) {
        char total_text[QUANTITY_TEXT_MAX];
        char head_text[QUANTITY_TEXT_MAX];
        char tail_text[QUANTITY_TEXT_MAX];

        if (output->words->quiet)
                return;
        words_note(output->words, "%s was cut: of %s the first %s are kept, and the last %s%s",
                   stream, quantity_format_size(total, total_text),
                   quantity_format_size(n_head, head_text), quantity_format_size(n_tail, tail_text),
                   n_tail > 0 ? ":" : "");
        (void)fd_write_all(output->stderr_fd, tail, n_tail);
        if (n_tail > 0 && tail[n_tail - 1] != '\n')
                (void)fd_write_all(output->stderr_fd, "\n", 1);
}

static void truncation_notes(const RunOutput *output, const SprResult *result) {
        size_t n_head = 0, n_tail = 0;
        const char *tail;

        if (spr_result_get_stdout_truncated(result)) {
                (void)spr_result_get_stdout(result, &n_head);
                tail = spr_result_get_stdout_tail(result, &n_tail);
                truncation_note(output, "stdout", spr_result_get_stdout_total(result), n_head, tail,
                                n_tail);
        }
        if (spr_result_get_stderr_truncated(result)) {
                (void)spr_result_get_stderr(result, &n_head);
                tail = spr_result_get_stderr_tail(result, &n_tail);
                truncation_note(output, "stderr", spr_result_get_stderr_total(result), n_head, tail,
                                n_tail);
        }
}

/* An exception has told its story on stderr, and sys.exit() speaks through the status. */
static void ending_note(const RunOutput *output, const SprResult *result) {
        const char *error = spr_result_get_error(result);
        SprOutcome outcome = spr_result_get_outcome(result);
        size_t n_stderr = 0;

        if (!error || outcome == SPR_OUTCOME_CANCELLED || outcome == SPR_OUTCOME_INFRA)
                return;
        (void)spr_result_get_stderr(result, &n_stderr);
        if (outcome == SPR_OUTCOME_ERROR &&
            (n_stderr > 0 || strncmp(error, "SystemExit", strlen("SystemExit")) == 0))
                return;
        words_note(output->words, "%s", error);
}

/* Our own failure is said whatever the options are, as all of them are. */
static void infra_error(const RunOutput *output, const SprResult *result) {
        const char *error = spr_result_get_error(result);

        if (error && spr_result_get_outcome(result) == SPR_OUTCOME_INFRA)
                words_error(output->words, "%s", error);
}

static int result_write_json(const RunOutput *output, const SprResult *result) {
        _cleanup_(freep) char *json = NULL;
        int r;

        r = spr_result_to_json(result, &json);
        if (r == 0)
                r = fd_write_all(output->stdout_fd, json, strlen(json));
        if (r == 0 && !strchr(json, '\n'))
                r = fd_write_all(output->stdout_fd, "\n", 1);
        return r;
}

int run_output_result(const RunOutput *output, const SprResult *result) {
        int status = status_from_result(result);
        size_t length = 0;
        const char *text;
        int r;

        infra_error(output, result);
        if (output->json)
                return write_status(output, result_write_json(output, result), status);

        text = spr_result_get_stdout(result, &length);
        r = fd_write_all(output->stdout_fd, text, length);
        if (r == 0)
                r = value_write(output, result);

        text = spr_result_get_stderr(result, &length);
        (void)fd_write_all(output->stderr_fd, text, length); /* nowhere left to say so */
        if (r == 0)
                truncation_notes(output, result);
        ending_note(output, result);
        return write_status(output, r, status);
}

/* The shape of spr_result_to_json(), for when there is no result to ask. */
static int fault_json_append(Buffer *json, const Fault *fault) {
        static const char before[] =
                "{\"ok\": false, \"result\": null, \"stdout\": \"\", \"stderr\": \"\", "
                "\"timed_out\": false, \"resource_exceeded\": false, \"error\": ";
        bool cancelled = status_is_signal(fault->status);
        char after[768];
        int n, r;

        n = snprintf(after, sizeof(after),
                     ", \"exit_code\": %d, \"outcome\": \"%s\", \"killed_by\": %s, "
                     "\"usage\": {\"wall_ms\": 0.000, \"cpu_ms\": 0.000, \"cpu_user_ms\": 0.000, "
                     "\"cpu_system_ms\": 0.000, \"queue_wait_ms\": 0.000, "
                     "\"peak_memory_bytes\": 0, \"stdout_bytes\": 0, \"stderr_bytes\": 0, "
                     "\"bytes_in\": 0, \"bytes_out\": 0, \"standby\": false, "
                     "\"page_faults\": null}, "
                     "\"truncated\": {\"stdout\": false, \"stderr\": false}, "
                     "\"isolation\": {\"level\": \"none\", \"layers\": [], \"network\": \"none\", "
                     "\"where\": \"host\"}, \"run_id\": 0}\n",
                     fault->status, cancelled ? "cancelled" : "infra",
                     cancelled ? "\"cancel\"" : "null");

        r = buffer_append(json, before, strlen(before));
        if (r == 0)
                r = json_write_string(json, fault->text, strlen(fault->text));
        if (r == 0)
                r = buffer_append(json, after, (size_t)n);
        return r;
}

static int fault_write_json(const RunOutput *output, const Fault *fault) {
        _cleanup_(buffer_deinitp) Buffer json = BUFFER_NULL;
        int r;

        buffer_init(&json, FAULT_JSON_MAX);
        r = fault_json_append(&json, fault);
        if (r)
                return -ENOMEM; /* the maximum fits any fault */
        return fd_write_all(output->stdout_fd, buffer_bytes(&json), buffer_length(&json));
}

int run_output_fault(const RunOutput *output, const Fault *fault) {
        if (!status_is_signal(fault->status))
                words_error(output->words, "%s", fault->text);
        if (fault->remedy[0] != '\0')
                words_error(output->words, "to allow it, type: %s", fault->remedy);
        if (!output->json)
                return fault->status;
        return write_status(output, fault_write_json(output, fault), fault->status);
}
