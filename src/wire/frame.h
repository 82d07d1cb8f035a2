#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Frames: the one table of messages between host, agent, zygote and worker
 *
 * Every message is a header and at most FRAME_PAYLOAD_MAX bytes. Between host and agent frames
 * follow each other on a byte stream; between agent, zygote and worker each is one message of a
 * SOCK_SEQPACKET socket. All integers are in the machine's byte order: agent and worker run on one
 * machine, and a host of the other byte order is refused by the magic number of the greeting.
 *
 * The table in frame.c says for each type who may send it, on which stream, in which state of the
 * connection and how long its payload may be. frame_check() holds a received header against it
 * before anything else looks at the frame, so a party that misbehaves is found out at the door.
 *
 * Flow control: DATA frames of a stream may be sent only against credit of the receiver, which
 * starts at FRAME_CREDIT_INITIAL bytes of payload per stream and direction and grows by CREDIT
 * frames. No other frame needs credit.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

typedef struct FrameHeader FrameHeader;
typedef struct Failure Failure;

#define FRAME_PAYLOAD_MAX    65536
#define FRAME_CREDIT_INITIAL (1024 * 1024)
#define WIRE_MAGIC           UINT32_C(0x31727073) /* "spr1" on a little-endian machine */
#define WIRE_VERSION_MAJOR   1                    /* differs: refused */
#define WIRE_VERSION_MINOR   1                    /* differs: the lower one is spoken */

struct FrameHeader {
        uint8_t type;    /* FrameType */
        uint8_t flags;   /* DATA: DataChannel, FRAME_FLAG_END; else 0 */
        uint16_t zero;   /* must be 0 */
        uint32_t length; /* of the payload, in bytes */
        uint64_t stream; /* run or environment id, never 0; 0 = the connection itself */
        uint32_t call;   /* reserved for calls during a run; 0 */
        uint32_t zero2;  /* must be 0 */
};

typedef enum FrameType {
        FRAME_NONE,

        /* host and agent */
        FRAME_HELLO,     /* → HelloFrame */
        FRAME_WELCOME,   /* ← WelcomeFrame */
        FRAME_ENV_OPEN,  /* → EnvOpenFrame; stream = a new environment id */
        FRAME_ENV_READY, /* ← EnvReadyFrame */
        FRAME_ENV_CLOSE, /* → empty */
        FRAME_SUBMIT,    /* → SubmitFrame; stream = a new run id; its DATA follows */
        FRAME_DATA,      /* ↔ bytes of one channel, against credit */
        FRAME_CREDIT,    /* ↔ CreditFrame */
        FRAME_CANCEL,    /* → empty; the answer is a RESULT all the same */
        FRAME_RESULT,    /* ← ResultFrame; its DATA follows */
        FRAME_FAILURE,   /* ← Failure of a run, an environment or (stream 0) the connection */
        FRAME_PING,      /* ↔ any bytes */
        FRAME_PONG,      /* ↔ the same bytes */
        FRAME_GOODBYE,   /* → empty: end every run and exit */

        /* host and agent, reserved: sessions, calls during a run, files */
        FRAME_CALL = 32,
        FRAME_RETURN,
        FRAME_FILE_OPEN,
        FRAME_FILE_DATA,
        FRAME_FILE_CLOSE,
        FRAME_CHECKPOINT,
        FRAME_FORK,
        FRAME_ROLLBACK,
        FRAME_DROP,

        /* agent and zygote; stream = worker id */
        FRAME_ZYGOTE_READY = 64, /* ← ZygoteReadyFrame; stream 0 */
        FRAME_ZYGOTE_SPAWN,      /* → ZygoteSpawnFrame + descriptors */
        FRAME_ZYGOTE_SPAWNED,    /* ← ZygoteSpawnedFrame + the worker's pidfd */
        FRAME_ZYGOTE_EXITED,     /* ← ZygoteExitedFrame */
        FRAME_ZYGOTE_FAILURE,    /* ← Failure; stream 0 = the zygote itself */
        FRAME_ZYGOTE_PRELOAD,    /* → names of modules to import where that works; stream 0 */

        /* agent and worker; stream = worker id */
        FRAME_WORKER_READY = 96, /* ← WorkerReadyFrame: confined, waiting */
        FRAME_WORKER_RUN,        /* → WorkerRunFrame */
        FRAME_WORKER_ENDED,      /* ← WorkerResultFrame: all but atexit functions is over */
        FRAME_WORKER_RESULT,     /* ← WorkerResultFrame */
        FRAME_WORKER_FAILURE,    /* ← Failure */
        FRAME_WORKER_IMPORTS, /* ← names of modules, each with its NUL; before RESULT or ENDED */
        _FRAME_N,
} FrameType;

typedef enum DataChannel {
        DATA_CODE,        /* → UTF-8 source */
        DATA_INPUT,       /* → JSON text, or empty */
        DATA_POLICY,      /* → JSON text of the Python-level policy (policy_to_worker_json) */
        DATA_NAME,        /* → the name tracebacks show for the code */
        DATA_RESULT,      /* ← JSON text */
        DATA_ERROR,       /* ← UTF-8 text, one line as in "ValueError: …" */
        DATA_STDOUT,      /* ← bytes: the first ones, up to the cap */
        DATA_STDERR,      /* ← likewise */
        DATA_STDOUT_TAIL, /* ← bytes: the last ones, where the cap cut */
        DATA_STDERR_TAIL, /* ← likewise */
        _DATA_CHANNEL_N,
} DataChannel;

#define FRAME_FLAG_END     0x80 /* DATA: the last frame of this stream in this direction */
#define FRAME_CHANNEL_MASK 0x1f

/* Who sent a frame. */
typedef enum FrameSender {
        SENDER_HOST = 1 << 0,
        SENDER_AGENT_TO_HOST = 1 << 1,
        SENDER_AGENT_TO_ZYGOTE = 1 << 2,
        SENDER_AGENT_TO_WORKER = 1 << 3,
        SENDER_ZYGOTE = 1 << 4,
        SENDER_WORKER = 1 << 5,
} FrameSender;

/* The state of a connection as its receiver sees it. */
typedef enum WireState {
        WIRE_GREETING = 1 << 0, /* nothing but the greeting is legal */
        WIRE_OPEN = 1 << 1,
        WIRE_WAITING = 1 << 2, /* worker: confined, no request yet */
        WIRE_RUNNING = 1 << 3, /* worker: has its request */
} WireState;

/* Holds a header against the table: 0, or -EPROTO with the reason in @failure. */
int frame_check(const FrameHeader *header, FrameSender sender, WireState state, Failure *failure);

/* "SUBMIT"; "unknown" outside the table. */
const char *frame_name(unsigned int type);

static inline FrameHeader frame_header(FrameType type, uint64_t stream, size_t length) {
        return (FrameHeader){.type = (uint8_t)type, .stream = stream, .length = (uint32_t)length};
}

static inline FrameHeader
frame_data_header(DataChannel channel, bool end, uint64_t stream, size_t length) {
        FrameHeader header = frame_header(FRAME_DATA, stream, length);

        header.flags = (uint8_t)((unsigned int)channel | (end ? FRAME_FLAG_END : 0u));
        return header;
}
