/* SPDX-License-Identifier: MIT */
/*
 * Nothing of a result is in the agent's memory: each turn of the loop takes the next chunk of the
 * next run from its region, while the host grants credit and takes what it is given. So a slow
 * reader costs a descriptor, and a large result does not hold up a small one.
 */
#include <string.h>

#include "agent/run-delivery.h"
#include "base/fd.h"

static void run_add_piece(Run *run, DataChannel channel, RegionSlice slice) {
        if (slice.length > 0)
                run->pieces[run->n_pieces++] = (RunPiece){channel, slice};
}

static uint32_t run_add_tail(Run *run, RegionStream stream, DataChannel channel, uint64_t total) {
        RegionSlice slices[2];
        size_t n = region_tail(stream, run->submit.output_bytes, total, slices);
        uint64_t length = 0;

        for (size_t i = 0; i < n; ++i) {
                run_add_piece(run, channel, slices[i]);
                length += slices[i].length;
        }
        return (uint32_t)length;
}

static void run_add_streams(Run *run, ResultFrame *frame) {
        uint64_t cap = run->submit.output_bytes;
        RegionSlice head;

        frame->stdout_total = region_file_total(&run->region, REGION_STDOUT);
        frame->stderr_total = region_file_total(&run->region, REGION_STDERR);
        head = region_head(REGION_STDOUT, cap, frame->stdout_total);
        frame->stdout_size = head.length;
        run_add_piece(run, DATA_STDOUT, head);
        head = region_head(REGION_STDERR, cap, frame->stderr_total);
        frame->stderr_size = head.length;
        run_add_piece(run, DATA_STDERR, head);
        frame->stdout_tail_size =
                run_add_tail(run, REGION_STDOUT, DATA_STDOUT_TAIL, frame->stdout_total);
        frame->stderr_tail_size =
                run_add_tail(run, REGION_STDERR, DATA_STDERR_TAIL, frame->stderr_total);
        if (frame->stdout_total > cap)
                frame->flags |= RESULT_FLAG_STDOUT_TRUNCATED;
        if (frame->stderr_total > cap)
                frame->flags |= RESULT_FLAG_STDERR_TRUNCATED;
}

/* Result and error text: the worker's, or the agent's own words. */
static void run_add_answer(Run *run, const Verdict *verdict, ResultFrame *frame) {
        if (verdict->takes_result) {
                frame->result_size = run->ending.result.result_size;
                frame->error_size = run->ending.result.error_size;
        }
        if (verdict->error[0]) {
                frame->error_size = (uint32_t)strlen(verdict->error);
                if (fd_pwrite_all(run->region.fd, verdict->error, frame->error_size,
                                  REGION_ERROR_OFFSET))
                        frame->error_size = 0; /* no memory: outcome and exit code must do */
        }
        if (frame->result_size > 0)
                frame->flags |= RESULT_FLAG_HAS_RESULT;
        if (frame->error_size > 0)
                frame->flags |= RESULT_FLAG_HAS_ERROR;
        run_add_piece(run, DATA_RESULT, (RegionSlice){REGION_RESULT_OFFSET, frame->result_size});
        run_add_piece(run, DATA_ERROR, (RegionSlice){REGION_ERROR_OFFSET, frame->error_size});
}

/* What hosts know since version 1.1. */
static void run_add_accounts(const Run *run, ResultFrame *frame) {
        if (run->standby)
                frame->flags |= RESULT_FLAG_STANDBY;
        if (run->counted_faults) {
                frame->flags |= RESULT_FLAG_PAGE_FAULTS;
                frame->page_faults = (uint32_t)min_u64(run->page_faults, UINT32_MAX);
        }
}

void run_deliver(Run *run, const Verdict *verdict) {
        Agent *agent = run->agent;
        ResultFrame frame = {
                .outcome = verdict->outcome,
                .killed_by = verdict->killed_by,
                .exit_code = verdict->exit_code,
                .signal = verdict->signal,
                .flags = verdict->resource_exceeded ? RESULT_FLAG_RESOURCE_EXCEEDED : 0u,
                .level = isolation_level_of(run->layers),
                .layers = run->layers,
                .usage = run->usage,
        };

        if (run->host_network)
                frame.flags |= RESULT_FLAG_HOST_NETWORK;
        frame.flags |= agent->where;
        if (agent->host_minor >= 1)
                run_add_accounts(run, &frame);
        run_add_answer(run, verdict, &frame);
        run_add_streams(run, &frame);
        (void)link_send(&agent->link, frame_header(FRAME_RESULT, run->id, sizeof(frame)), &frame);
        run->state = RUN_DELIVERING;
        run->deadline_ns = UINT64_MAX;
        list_append(&agent->delivering, &run->delivering);
}

static void run_send_end(Run *run) {
        (void)link_send(&run->agent->link, frame_data_header(DATA_RESULT, true, run->id, 0), NULL);
        (void)run_free(run);
}

bool run_deliver_one(Run *run) {
        RunPiece *piece = &run->pieces[run->piece];
        HostLink *link = &run->agent->link;
        size_t length;
        uint8_t *space;
        bool last;

        if (run->piece == run->n_pieces) {
                run_send_end(run);
                return true;
        }
        length = min_size(min_size(piece->slice.length, FRAME_PAYLOAD_MAX), run->credit);
        if (length == 0)
                return false;
        space = link_reserve_data(link, length);
        if (!space)
                return false;
        if (fd_pread_all(run->region.fd, space, length, piece->slice.offset))
                memset(space, 0, length); /* cannot be: the file is sealed */
        piece->slice.offset += length;
        piece->slice.length -= length;
        run->credit -= length;
        if (piece->slice.length == 0)
                ++run->piece;
        last = run->piece == run->n_pieces;
        link_commit_data(link, frame_data_header(piece->channel, last, run->id, length));
        if (last)
                (void)run_free(run);
        return true;
}
