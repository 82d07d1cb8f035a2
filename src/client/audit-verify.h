#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Audit verifier: whether the lines of one or several files are as they were written
 *
 * Fed line by line, it needs no more memory for a long log than for a short one. A fault is named
 * once: after it, what the line says of itself is taken for granted, so that the lines behind it
 * are held against each other again.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "client/audit-line.h"
#include "engine/strings.h"
#include "spr/spr.h"

typedef struct AuditVerifier AuditVerifier;

#define AUDIT_FAULT_MAX  256 /* bytes of the words */
#define AUDIT_FAULTS_MAX 100 /* whose words are kept */

enum {
        _AUDIT_VERIFIER_E_SUCCESS,
        AUDIT_VERIFIER_E_FAULT, /* the words are in its @fault */
};

struct AuditVerifier {
        uint64_t n_lines, n_runs;
        bool begun;               /* there was a line that is due to be followed */
        bool follows;             /* a file stands before this one */
        AuditTip due;             /* what the next line is to say */
        char actual[SHA256_TEXT]; /* the hash that the line before has, whatever it says */
        char fault[AUDIT_FAULT_MAX];
};

struct SprAudit {
        AuditVerifier verifier;
        Strings faults; /* "FILE:LINE: …", of the first AUDIT_FAULTS_MAX */
        uint64_t n_faults;
};

/* @number counts from 1 within its file; @text is without its newline, and @whole says whether it
 * had one. Returns 0 or AUDIT_VERIFIER_E_FAULT. */
int audit_verifier_feed(
        AuditVerifier *verifier, uint64_t number, const char *text, size_t length, bool whole);
/* A whole file, from memory. Returns 0 or -ENOMEM; faults are in @audit. */
int audit_verify_text(SprAudit *audit, const char *name, const char *text, size_t length);
