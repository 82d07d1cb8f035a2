#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Audit line: one line of an audit log, written and read
 *
 * A line is a JSON object. Its first members say where in the log it stands ("seq") and what it
 * follows ("previous", the hash of the line before); its last one, "hash", is the SHA-256 of all
 * that stands before ", \"hash\"". So whatever is changed in a line belies its own hash, and a line
 * that is gone, came in between or stands elsewhere belies the next one.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/json-writer.h"
#include "client/result.h"
#include "client/sha256.h"

typedef struct AuditDigests AuditDigests;
typedef struct AuditLine AuditLine;
typedef struct AuditTip AuditTip;

#define AUDIT_LINE_MAX   32768 /* bytes, with the newline; ours are a tenth of it */
#define AUDIT_VERSION    1
#define AUDIT_HASH_NONE  "0000000000000000000000000000000000000000000000000000000000000000"
#define AUDIT_EVENT_HEAD "begin" /* the first line of every file */
#define AUDIT_EVENT_RUN  "run"
#define AUDIT_EVENT_LOST "lost" /* lines that could not be written */

enum {
        _AUDIT_LINE_E_SUCCESS,
        AUDIT_LINE_E_FAULT, /* it is none of ours, or not any more */
};

/* Where a log ends: what the next line is to say. */
struct AuditTip {
        uint64_t seq;
        char previous[SHA256_TEXT];
};

#define AUDIT_TIP_NULL                                                                             \
        (AuditTip) {                                                                               \
                .previous = AUDIT_HASH_NONE                                                        \
        }

/* What a run was asked to do. */
struct AuditDigests {
        char code[SHA256_TEXT], input[SHA256_TEXT], policy[SHA256_TEXT];
};

struct AuditLine {
        uint64_t seq;
        char previous[SHA256_TEXT];
        char hash[SHA256_TEXT];   /* as the line says */
        char actual[SHA256_TEXT]; /* as it is, whatever else is wrong */
        bool head, run;
};

/* Each writes a whole line, at @tip, and moves @tip behind it; what is wrong stands in the writer,
 * and then @tip is not moved. The line ends in a newline. */
void audit_line_write_head(JsonWriter *writer, AuditTip *tip);
void audit_line_write_lost(JsonWriter *writer, AuditTip *tip, uint64_t n_lost);
void audit_line_write_run(JsonWriter *writer,
                          AuditTip *tip,
                          const AuditDigests *digests,
                          const SprResult *result);

/* @text is without its newline. Returns 0, or AUDIT_LINE_E_FAULT with what is wrong in *faultp
 * (static); then of @line only @actual holds, and @hash where it can be read, else "". */
int audit_line_read(AuditLine *line, const char *text, size_t length, const char **faultp);
