/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client/request.h"
#include "client/run.h"

int run_new(SprRun **runp, const SprRequest *request, Failure *failure) {
        _cleanup_(run_unrefp) SprRun *run = calloc(1, sizeof(*run));
        int r;

        if (!run)
                return failure_lit(failure, FAILURE_STAGE_RESOURCES, ENOMEM, "out of memory");
        run->n_refs = 1;
        run->userdata = request->userdata;
        run->assembly.window = FRAME_CREDIT_INITIAL;
        list_init(&run->in_queue);
        r = request_prepare(request, &run->submit, run->upload.parts, &run->demands, failure);
        if (r)
                return r;
        *runp = take_ptr(&run);
        return 0;
}

SprRun *run_ref(SprRun *run) {
        ++run->n_refs;
        return run;
}

SprRun *run_unref(SprRun *run) {
        if (!run || --run->n_refs > 0)
                return NULL;
        upload_deinit(&run->upload);
        (void)blob_unref(run->demands);
        (void)environment_unref(run->environment);
        (void)spr_result_free(run->result);
        free(run);
        return NULL;
}

static int run_violation(const SprRun *run, Failure *failure, const char *what) {
        return failure_set(failure, FAILURE_STAGE_AGENT, EPROTO, "protocol error: run %llu got %s",
                           (unsigned long long)run->id, what);
}

void run_label_result(SprRun *run) {
        run->result->run_id = run->id;
        run->result->userdata = run->userdata;
        run->result->queue_wait_ns = run->queue_wait_ns;
        run->result->bytes_in = run->submit.code_size + run->submit.input_size;
}

int run_result_begin(SprRun *run, const ResultFrame *frame, Failure *failure) {
        RunAssembly *assembly = &run->assembly;
        int r;

        if (assembly->begun)
                return run_violation(run, failure, "two RESULT frames");
        r = result_frame_check(frame, &run->submit, failure);
        if (r)
                return r;
        assembly->begun = true;
        result_frame_sizes(frame, assembly->missing);
        for (size_t i = 0; i < RESULT_TEXTS; ++i)
                assembly->n_missing += assembly->missing[i];
        r = result_new(&run->result, frame);
        if (r) {
                run->error = r;
                (void)failure_set(&run->failure, FAILURE_STAGE_RESOURCES, ENOMEM,
                                  "out of memory for a result of %llu bytes",
                                  (unsigned long long)assembly->n_missing);
                return 0;
        }
        run_label_result(run);
        return 0;
}

int run_result_data(SprRun *run,
                    const FrameHeader *header,
                    const uint8_t *payload,
                    Failure *failure) {
        RunAssembly *assembly = &run->assembly;
        unsigned int channel = header->flags & FRAME_CHANNEL_MASK;
        unsigned int text = channel - DATA_RESULT; /* wraps for the host's channels */

        if (!assembly->begun)
                return run_violation(run, failure, "DATA before its RESULT");
        if (text >= RESULT_TEXTS)
                return run_violation(run, failure, "DATA of a channel that is ours to send");
        if (header->length > assembly->missing[text])
                return run_violation(run, failure, "more DATA than its RESULT announced");
        if (header->length > assembly->window)
                return run_violation(run, failure, "DATA beyond its credit");
        if (run->result && header->length > 0) {
                size_t done = run->result->texts[text].length - assembly->missing[text];

                memcpy(result_space(run->result, text) + done, payload, header->length);
        }
        assembly->missing[text] -= header->length;
        assembly->n_missing -= header->length;
        assembly->window -= header->length;
        if ((header->flags & FRAME_FLAG_END) && assembly->n_missing > 0)
                return run_violation(run, failure, "less DATA than its RESULT announced");
        return 0;
}

bool run_result_complete(const SprRun *run) {
        return run->assembly.begun && run->assembly.n_missing == 0;
}

uint32_t run_result_credit(SprRun *run) {
        RunAssembly *assembly = &run->assembly;
        uint64_t consumed = FRAME_CREDIT_INITIAL - assembly->window;

        /* what is missing fits the window: the agent needs no more */
        if (consumed < FRAME_CREDIT_INITIAL / 2 || assembly->n_missing <= assembly->window)
                return 0;
        assembly->window = FRAME_CREDIT_INITIAL;
        return (uint32_t)consumed;
}

void run_finish(SprRun *run) {
        run->state = RUN_DONE;
        upload_deinit(&run->upload);
        run->environment = environment_unref(run->environment);
}

void run_finish_message(
        SprRun *run, Outcome outcome, KilledBy killed_by, int exit_code, const char *text) {
        Failure failure = FAILURE_NULL;
        int r;

        run->result = spr_result_free(run->result);
        r = result_new_message(&run->result, outcome, killed_by, exit_code, text);
        if (r) {
                (void)failure_lit(&failure, FAILURE_STAGE_RESOURCES, ENOMEM, "out of memory");
                run_finish_error(run, r, &failure);
                return;
        }
        run_label_result(run);
        run_finish(run);
}

void run_finish_error(SprRun *run, int error, const Failure *failure) {
        run->result = spr_result_free(run->result);
        run->error = error;
        run->failure = *failure;
        run_finish(run);
}

void run_list_append(RunList *list, SprRun *run) {
        run->next = NULL;
        if (list->last)
                list->last->next = run;
        else
                list->first = run;
        list->last = run;
}

SprRun *run_list_pop(RunList *list) {
        SprRun *run = list->first;

        if (run)
                (void)run_list_remove(list, run);
        return run;
}

static SprRun *run_list_find(const RunList *list, const Environment *environment) {
        SprRun *run = list->first;

        while (run && environment && run->environment != environment)
                run = run->next;
        return run;
}

bool run_list_remove(RunList *list, SprRun *run) {
        SprRun *previous = NULL;

        for (SprRun *r = list->first; r != run; r = r->next) {
                if (!r)
                        return false;
                previous = r;
        }
        if (previous)
                previous->next = run->next;
        else
                list->first = run->next;
        if (list->last == run)
                list->last = previous;
        run->next = NULL;
        return true;
}

static RunList *run_table_bucket(RunTable *table, uint64_t id) {
        return &table->buckets[id % RUN_TABLE_BUCKETS];
}

void run_table_add(RunTable *table, SprRun *run) {
        run_list_append(run_table_bucket(table, run->id), run);
        ++table->n_runs;
}

SprRun *run_table_find(const RunTable *table, uint64_t id) {
        SprRun *run = table->buckets[id % RUN_TABLE_BUCKETS].first;

        while (run && run->id != id)
                run = run->next;
        return run;
}

void run_table_remove(RunTable *table, SprRun *run) {
        if (run_list_remove(run_table_bucket(table, run->id), run))
                --table->n_runs;
}

SprRun *run_table_pop(RunTable *table) {
        for (size_t i = 0; i < RUN_TABLE_BUCKETS; ++i) {
                SprRun *run = run_list_pop(&table->buckets[i]);

                if (run) {
                        --table->n_runs;
                        return run;
                }
        }
        return NULL;
}

SprRun *run_table_find_in(const RunTable *table, const Environment *environment) {
        SprRun *run = NULL;

        for (size_t i = 0; i < RUN_TABLE_BUCKETS && !run; ++i)
                run = run_list_find(&table->buckets[i], environment);
        return run;
}
