/* SPDX-License-Identifier: MIT */
/*
 * A line that is wrong in itself is named, and so is one that does not follow the line before it.
 * The line after a changed one names the hash that the changed one had: what the changed line still
 * says of itself is enough for it, and what it says wrongly of itself is made up for by its text.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "client/audit-verify.h"
#include "client/error.h"

#define READ_BYTES ((size_t)1 << 20)
#define JSON_MAX   ((size_t)8 << 20)

static int _printf_(2, 3) verifier_fault(AuditVerifier *verifier, const char *format, ...) {
        va_list args;

        va_start(args, format);
        if (vsnprintf(verifier->fault, sizeof(verifier->fault), format, args) < 0)
                verifier->fault[0] = '\0';
        va_end(args);
        return AUDIT_VERIFIER_E_FAULT;
}

/* The first line of a file: where there is no file before it, it may go on from one that was not
 * given. */
static int verifier_judge_head(AuditVerifier *verifier, const AuditLine *line) {
        if (!line->head)
                return verifier_fault(verifier,
                                      "is not the first line of a log: lines are missing before "
                                      "it");
        if (!verifier->follows)
                return 0;
        if (line->seq != verifier->due.seq || strcmp(line->previous, verifier->due.previous) != 0)
                return verifier_fault(verifier,
                                      "does not go on from the file before: that ends with number "
                                      "%" PRIu64 ", this follows number %" PRIu64,
                                      verifier->due.seq - 1, line->seq - 1);
        return 0;
}

static int verifier_judge_place(AuditVerifier *verifier, const AuditLine *line) {
        const AuditTip *due = &verifier->due;

        if (line->seq > due->seq)
                return verifier_fault(verifier,
                                      "has number %" PRIu64 " where %" PRIu64 " is due: %" PRIu64
                                      " %s missing before it, or it was moved",
                                      line->seq, due->seq, line->seq - due->seq,
                                      line->seq - due->seq == 1 ? "line is" : "lines are");
        if (line->seq < due->seq)
                return verifier_fault(verifier,
                                      "has number %" PRIu64 " where %" PRIu64
                                      " is due: it is out of order, or there twice",
                                      line->seq, due->seq);
        if (strcmp(line->previous, due->previous) != 0 &&
            strcmp(line->previous, verifier->actual) != 0)
                return verifier_fault(verifier, "does not follow the line before it: one of the "
                                                "two is another one");
        return 0;
}

/* What the next line is held against. A line that cannot be read counts as the one that was due. */
static void verifier_advance(AuditVerifier *verifier, const AuditLine *line, bool readable) {
        verifier->due.seq = readable ? line->seq + 1 : verifier->due.seq + 1;
        memcpy(verifier->due.previous, line->hash, sizeof(line->hash));
        memcpy(verifier->actual, line->actual, sizeof(line->actual));
        verifier->begun = true;
}

int audit_verifier_feed(
        AuditVerifier *verifier, uint64_t number, const char *text, size_t length, bool whole) {
        const char *why;
        AuditLine line;
        int r;

        ++verifier->n_lines;
        r = audit_line_read(&line, text, length, &why);
        if (r) {
                verifier_advance(verifier, &line, false);
                return whole ? verifier_fault(verifier, "%s", why)
                             : verifier_fault(verifier, "is not whole: its end is missing");
        }
        verifier->n_runs += line.run;
        r = number == 1 ? verifier_judge_head(verifier, &line)
                        : verifier_judge_place(verifier, &line);
        verifier_advance(verifier, &line, true);
        if (!r && !whole)
                r = verifier_fault(verifier, "is not whole: its newline is missing");
        return r;
}

/* files */

static int audit_note(SprAudit *audit, const char *name, uint64_t number) {
        if (audit->n_faults++ >= AUDIT_FAULTS_MAX)
                return 0;
        return strings_addf(&audit->faults, "%s:%" PRIu64 ": %s", name, number,
                            audit->verifier.fault);
}

int audit_verify_text(SprAudit *audit, const char *name, const char *text, size_t length) {
        const char *end = text + length;
        uint64_t number = 0;
        int r = 0;

        if (length == 0) {
                (void)verifier_fault(&audit->verifier, "the file is empty: every log has a line");
                r = audit_note(audit, name, 1);
        }
        while (text < end && !r) {
                const char *newline = memchr(text, '\n', (size_t)(end - text));
                size_t n = (size_t)((newline ? newline : end) - text);

                if (audit_verifier_feed(&audit->verifier, ++number, text, n, newline != NULL))
                        r = audit_note(audit, name, number);
                text += newline ? n + 1 : n;
        }
        audit->verifier.follows = audit->verifier.begun;
        return r;
}

static int file_read(Buffer *buffer, const char *path, Failure *failure) {
        _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        ssize_t n = fd < 0 ? -errno : 1;
        uint8_t *space;

        while (n > 0) {
                n = buffer_reserve(buffer, READ_BYTES, &space) ? -ENOMEM
                                                               : fd_read(fd, space, READ_BYTES);
                if (n > 0)
                        buffer_commit(buffer, (size_t)n);
        }
        return n == 0 ? 0
                      : failure_errno(failure, FAILURE_STAGE_AUDIT, (int)-n,
                                      "cannot read the audit log '%.256s'", path);
}

static int audit_verify_file(SprAudit *audit, const char *path, Failure *failure) {
        _cleanup_(buffer_deinitp) Buffer buffer = BUFFER_NULL;
        int r;

        buffer_init(&buffer, SIZE_MAX / 2);
        r = file_read(&buffer, path, failure);
        if (r)
                return r;
        r = audit_verify_text(audit, path, (const char *)buffer_bytes(&buffer),
                              buffer_length(&buffer));
        return r ? failure_lit(failure, FAILURE_STAGE_AUDIT, ENOMEM, "out of memory") : 0;
}

_public_ int
spr_audit_verify(SprAudit **auditp, const char *const *paths, size_t n_paths, SprError *error) {
        SprAudit *audit = calloc(1, sizeof(*audit));
        Failure failure = FAILURE_NULL;
        int r = 0;

        if (!audit)
                return error_from_errno(error, -ENOMEM);
        for (size_t i = 0; i < n_paths && !r; ++i)
                r = audit_verify_file(audit, paths[i], &failure);
        if (r) {
                (void)spr_audit_free(audit);
                return error_from_failure(error, &failure);
        }
        *auditp = audit;
        return 0;
}

_public_ SprAudit *spr_audit_free(SprAudit *audit) {
        if (!audit)
                return NULL;
        strings_deinit(&audit->faults);
        free(audit);
        return NULL;
}

_public_ bool spr_audit_get_ok(const SprAudit *audit) {
        return audit->n_faults == 0;
}

_public_ uint64_t spr_audit_get_lines(const SprAudit *audit) {
        return audit->verifier.n_lines;
}

_public_ uint64_t spr_audit_get_runs(const SprAudit *audit) {
        return audit->verifier.n_runs;
}

_public_ const char *spr_audit_get_last_hash(const SprAudit *audit) {
        return audit->verifier.due.previous;
}

_public_ uint64_t spr_audit_get_n_faults(const SprAudit *audit) {
        return audit->n_faults;
}

_public_ const char *spr_audit_get_fault(const SprAudit *audit, size_t index) {
        return index < audit->faults.n_items ? audit->faults.items[index] : NULL;
}

_public_ int spr_audit_to_json(const SprAudit *audit, char **jsonp) {
        _cleanup_(json_writer_deinit) JsonWriter writer;

        json_writer_init(&writer, JSON_MAX);
        json_writer_raw(&writer, "{");
        json_writer_boolean(&writer, "ok", spr_audit_get_ok(audit));
        json_writer_number(&writer, "lines", audit->verifier.n_lines);
        json_writer_number(&writer, "runs", audit->verifier.n_runs);
        json_writer_string(&writer, "last_hash", spr_audit_get_last_hash(audit));
        json_writer_number(&writer, "n_faults", audit->n_faults);
        json_writer_key(&writer, "faults");
        json_writer_raw(&writer, "[");
        for (size_t i = 0; i < audit->faults.n_items; ++i) {
                json_writer_raw(&writer, i > 0 ? ", " : "");
                json_writer_value(&writer, audit->faults.items[i], strlen(audit->faults.items[i]));
        }
        json_writer_raw(&writer, "]}");
        return json_writer_end(&writer, jsonp);
}
