/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "base/failure.h"
#include "wire/frame.h"
#include "wire/messages.h"

typedef enum StreamRule {
        STREAM_ZERO,    /* about the connection */
        STREAM_NONZERO, /* about a run or an environment */
        STREAM_ANY,
} StreamRule;

typedef struct FrameRule {
        const char *name; /* NULL = no such type */
        unsigned int senders;
        unsigned int states;
        StreamRule stream;
        uint32_t length_min;
        uint32_t length_max;
} FrameRule;

#define EXACTLY(type)  sizeof(type), sizeof(type)
#define AT_LEAST(type) sizeof(type), FRAME_PAYLOAD_MAX
#define EMPTY          0, 0
#define BOTH_ENDS      (SENDER_HOST | SENDER_AGENT_TO_HOST)

static_assert(sizeof(FrameHeader) == 24, "no padding");

/* clang-format off */
static const FrameRule rules[_FRAME_N] = {
        [FRAME_HELLO]     = {"HELLO", SENDER_HOST, WIRE_GREETING, STREAM_ZERO, EXACTLY(HelloFrame)},
        [FRAME_WELCOME]   = {"WELCOME", SENDER_AGENT_TO_HOST, WIRE_GREETING, STREAM_ZERO, EXACTLY(WelcomeFrame)},
        [FRAME_ENV_OPEN]  = {"ENV_OPEN", SENDER_HOST, WIRE_OPEN, STREAM_NONZERO, AT_LEAST(EnvOpenFrame)},
        [FRAME_ENV_READY] = {"ENV_READY", SENDER_AGENT_TO_HOST, WIRE_OPEN, STREAM_NONZERO, AT_LEAST(EnvReadyFrame)},
        [FRAME_ENV_CLOSE] = {"ENV_CLOSE", SENDER_HOST, WIRE_OPEN, STREAM_NONZERO, EMPTY},
        [FRAME_SUBMIT]    = {"SUBMIT", SENDER_HOST, WIRE_OPEN, STREAM_NONZERO, EXACTLY(SubmitFrame)},
        [FRAME_DATA]      = {"DATA", BOTH_ENDS, WIRE_OPEN, STREAM_NONZERO, 0, FRAME_PAYLOAD_MAX},
        [FRAME_CREDIT]    = {"CREDIT", BOTH_ENDS, WIRE_OPEN, STREAM_NONZERO, EXACTLY(CreditFrame)},
        [FRAME_CANCEL]    = {"CANCEL", SENDER_HOST, WIRE_OPEN, STREAM_NONZERO, EMPTY},
        [FRAME_RESULT]    = {"RESULT", SENDER_AGENT_TO_HOST, WIRE_OPEN, STREAM_NONZERO, EXACTLY(ResultFrame)},
        [FRAME_FAILURE]   = {"FAILURE", SENDER_AGENT_TO_HOST, WIRE_GREETING | WIRE_OPEN, STREAM_ANY, EXACTLY(Failure)},
        [FRAME_PING]      = {"PING", BOTH_ENDS, WIRE_OPEN, STREAM_ZERO, 0, 64},
        [FRAME_PONG]      = {"PONG", BOTH_ENDS, WIRE_OPEN, STREAM_ZERO, 0, 64},
        [FRAME_GOODBYE]   = {"GOODBYE", SENDER_HOST, WIRE_GREETING | WIRE_OPEN, STREAM_ZERO, EMPTY},

        [FRAME_ZYGOTE_READY]   = {"ZYGOTE_READY", SENDER_ZYGOTE, WIRE_GREETING, STREAM_ZERO, AT_LEAST(ZygoteReadyFrame)},
        [FRAME_ZYGOTE_SPAWN]   = {"ZYGOTE_SPAWN", SENDER_AGENT_TO_ZYGOTE, WIRE_OPEN, STREAM_NONZERO, EXACTLY(ZygoteSpawnFrame)},
        [FRAME_ZYGOTE_SPAWNED] = {"ZYGOTE_SPAWNED", SENDER_ZYGOTE, WIRE_OPEN, STREAM_NONZERO, EXACTLY(ZygoteSpawnedFrame)},
        [FRAME_ZYGOTE_EXITED]  = {"ZYGOTE_EXITED", SENDER_ZYGOTE, WIRE_OPEN, STREAM_NONZERO, EXACTLY(ZygoteExitedFrame)},
        [FRAME_ZYGOTE_FAILURE] = {"ZYGOTE_FAILURE", SENDER_ZYGOTE, WIRE_GREETING | WIRE_OPEN, STREAM_ANY, EXACTLY(Failure)},

        [FRAME_WORKER_READY]   = {"WORKER_READY", SENDER_WORKER, WIRE_GREETING, STREAM_NONZERO, EXACTLY(WorkerReadyFrame)},
        [FRAME_WORKER_RUN]     = {"WORKER_RUN", SENDER_AGENT_TO_WORKER, WIRE_WAITING, STREAM_NONZERO, EXACTLY(WorkerRunFrame)},
        [FRAME_WORKER_ENDED]   = {"WORKER_ENDED", SENDER_WORKER, WIRE_RUNNING, STREAM_NONZERO, EXACTLY(WorkerResultFrame)},
        [FRAME_WORKER_RESULT]  = {"WORKER_RESULT", SENDER_WORKER, WIRE_RUNNING, STREAM_NONZERO, EXACTLY(WorkerResultFrame)},
        [FRAME_WORKER_IMPORTS] = {"WORKER_IMPORTS", SENDER_WORKER, WIRE_RUNNING, STREAM_NONZERO, 1, WORKER_IMPORTS_MAX},
        [FRAME_WORKER_FAILURE] = {"WORKER_FAILURE", SENDER_WORKER, WIRE_GREETING | WIRE_RUNNING, STREAM_NONZERO, EXACTLY(Failure)},
};
/* clang-format on */

static const FrameRule *frame_rule(unsigned int type) {
        return type < _FRAME_N && rules[type].name ? &rules[type] : NULL;
}

static const char *frame_stream_fault(const FrameHeader *header, StreamRule rule) {
        if (rule == STREAM_ZERO && header->stream != 0)
                return "belongs to the connection but names a stream";
        if (rule == STREAM_NONZERO && header->stream == 0)
                return "names no stream";
        return NULL;
}

static const char *frame_flags_fault(const FrameHeader *header) {
        if (header->type != FRAME_DATA)
                return header->flags ? "has flags" : NULL;
        if (header->flags & ~(FRAME_FLAG_END | FRAME_CHANNEL_MASK))
                return "has unknown flags";
        if ((header->flags & FRAME_CHANNEL_MASK) >= _DATA_CHANNEL_N)
                return "names an unknown channel";
        return NULL;
}

static const char *
frame_fault(const FrameHeader *header, const FrameRule *rule, FrameSender sender, WireState state) {
        const char *fault;

        if (!(rule->senders & (unsigned int)sender))
                return "came from the wrong side";
        if (!(rule->states & (unsigned int)state))
                return "is not legal in this state";
        if (header->length < rule->length_min || header->length > rule->length_max)
                return "has a wrong length";
        if (header->zero || header->zero2 || header->call)
                return "has reserved fields set";
        fault = frame_stream_fault(header, rule->stream);
        return fault ? fault : frame_flags_fault(header);
}

int frame_check(const FrameHeader *header, FrameSender sender, WireState state, Failure *failure) {
        const FrameRule *rule = frame_rule(header->type);
        const char *fault = rule ? frame_fault(header, rule, sender, state) : "is of no known type";

        if (!fault)
                return 0;
        return failure_set(failure, FAILURE_STAGE_AGENT, EPROTO,
                           "protocol error: a %s frame (type %u, %u bytes) %s",
                           frame_name(header->type), header->type, header->length, fault);
}

const char *frame_name(unsigned int type) {
        const FrameRule *rule = frame_rule(type);

        return rule ? rule->name : "unknown";
}
