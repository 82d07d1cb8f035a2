/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "client/audit-line.h"
#include "client/result-json.h"

#define HASH_KEY    ", \"hash\": \""
#define HASH_END    "\"}"
#define HASH_DIGITS (SHA256_TEXT - 1)
/* what stands after the part that is hashed */
#define SEAL_LENGTH (sizeof(HASH_KEY) - 1 + HASH_DIGITS + sizeof(HASH_END) - 1)

#define ERROR_MAX     1024 /* bytes of the error's first line that are kept */
#define VIOLATION_MAX 256  /* of what was blocked */

/* writing */

static void line_write_time(JsonWriter *writer) {
        struct timespec now = {0};
        struct tm utc = {0};
        char text[64];
        size_t n;

        (void)clock_gettime(CLOCK_REALTIME, &now);
        (void)gmtime_r(&now.tv_sec, &utc);
        n = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc);
        (void)snprintf(text + n, sizeof(text) - n, ".%06ldZ",
                       (long)((uint64_t)now.tv_nsec / NSEC_PER_USEC));
        json_writer_string(writer, "time", text);
}

static void line_begin(JsonWriter *writer, const AuditTip *tip, const char *event) {
        json_writer_raw(writer, "{");
        json_writer_number(writer, "v", AUDIT_VERSION);
        json_writer_number(writer, "seq", tip->seq);
        json_writer_string(writer, "previous", tip->previous);
        line_write_time(writer);
        json_writer_string(writer, "event", event);
}

static void line_end(JsonWriter *writer, AuditTip *tip) {
        char hash[SHA256_TEXT];

        if (writer->r)
                return;
        sha256_text(hash, buffer_bytes(&writer->buffer), buffer_length(&writer->buffer));
        json_writer_raw(writer, HASH_KEY);
        json_writer_raw(writer, hash);
        json_writer_raw(writer, HASH_END "\n");
        if (writer->r)
                return;
        ++tip->seq;
        memcpy(tip->previous, hash, sizeof(tip->previous));
}

void audit_line_write_head(JsonWriter *writer, AuditTip *tip) {
        line_begin(writer, tip, AUDIT_EVENT_HEAD);
        line_end(writer, tip);
}

void audit_line_write_lost(JsonWriter *writer, AuditTip *tip, uint64_t n_lost) {
        line_begin(writer, tip, AUDIT_EVENT_LOST);
        json_writer_number(writer, "lines", n_lost);
        line_end(writer, tip);
}

/* How much of @text is its first line, bounded, and cut between characters. */
static size_t first_line(const char *text, size_t max) {
        size_t length = strcspn(text, "\n");

        if (length <= max)
                return length;
        for (length = max; length > 0 && ((uint8_t)text[length] & 0xc0) == 0x80;)
                --length;
        return length;
}

/* The guard's words: "ImportError: Import 'os.path' is blocked by policy". Of the outcome denied,
 * which only the guard can give, so that code which raises the same words is none. */
static void line_write_violations(JsonWriter *writer, const SprResult *result, const char *error) {
        static const char before[] = "Import '";
        const char *name = NULL;

        json_writer_key(writer, "violations");
        json_writer_raw(writer, "[");
        if (result->frame.outcome == OUTCOME_DENIED && error)
                name = strstr(error, before);
        if (name) {
                name += strlen(before);
                json_writer_raw(writer, "{");
                json_writer_string(writer, "kind", "import");
                json_writer_text(writer, "name", name, min_size(strcspn(name, "'"), VIOLATION_MAX));
                json_writer_raw(writer, "}");
        }
        json_writer_raw(writer, "]");
}

void audit_line_write_run(JsonWriter *writer,
                          AuditTip *tip,
                          const AuditDigests *digests,
                          const SprResult *result) {
        const char *error = spr_result_get_error(result);

        line_begin(writer, tip, AUDIT_EVENT_RUN);
        json_writer_number(writer, "run_id", spr_result_get_run_id(result));
        json_writer_string(writer, "code_sha256", digests->code);
        json_writer_string(writer, "input_sha256", digests->input);
        json_writer_string(writer, "policy_sha256", digests->policy);
        json_writer_string(writer, "outcome", spr_result_get_outcome_name(result));
        json_writer_number(writer, "exit_code", (uint64_t)spr_result_get_exit_code(result));
        json_writer_string(writer, "killed_by", spr_result_get_killed_by(result));
        result_write_usage(writer, result);
        result_write_isolation(writer, result);
        json_writer_text(writer, "error", error, error ? first_line(error, ERROR_MAX) : 0);
        line_write_violations(writer, result, error);
        line_end(writer, tip);
}

/* reading */

static bool is_hash(const char *text, size_t length) {
        return length == HASH_DIGITS && strspn(text, "0123456789abcdef") >= HASH_DIGITS;
}

static void hash_copy(char hash[static SHA256_TEXT], const char *text) {
        memcpy(hash, text, HASH_DIGITS);
        hash[HASH_DIGITS] = '\0';
}

/* The members that place the line; the others are as the hash says, and not judged. */
static bool line_read_place(AuditLine *line, const json_t *object) {
        const json_t *seq = json_object_get(object, "seq");
        const json_t *version = json_object_get(object, "v");
        const json_t *previous = json_object_get(object, "previous");
        const json_t *event = json_object_get(object, "event");

        if (json_integer_value(version) != AUDIT_VERSION || !json_is_integer(seq) ||
            json_integer_value(seq) < 0 || !json_is_string(event) || !json_is_string(previous) ||
            !is_hash(json_string_value(previous), json_string_length(previous)))
                return false;
        line->seq = (uint64_t)json_integer_value(seq);
        hash_copy(line->previous, json_string_value(previous));
        line->head = strcmp(json_string_value(event), AUDIT_EVENT_HEAD) == 0;
        line->run = strcmp(json_string_value(event), AUDIT_EVENT_RUN) == 0;
        return true;
}

int audit_line_read(AuditLine *line, const char *text, size_t length, const char **faultp) {
        const char *seal = text + length - min_size(length, SEAL_LENGTH);
        const char *digits = seal + sizeof(HASH_KEY) - 1;
        json_t *object;
        bool placed;

        *line = (AuditLine){.seq = 0};
        sha256_text(line->actual, text, (size_t)(seal - text));
        if (length < SEAL_LENGTH || memcmp(seal, HASH_KEY, sizeof(HASH_KEY) - 1) != 0 ||
            memcmp(digits + HASH_DIGITS, HASH_END, sizeof(HASH_END) - 1) != 0 ||
            !is_hash(digits, HASH_DIGITS)) {
                *faultp = "is no line of an audit log, or its end was changed";
                return AUDIT_LINE_E_FAULT;
        }
        hash_copy(line->hash, digits);
        if (strcmp(line->hash, line->actual) != 0) {
                *faultp = "was changed: its hash is another one";
                return AUDIT_LINE_E_FAULT;
        }
        object = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
        placed = line_read_place(line, object);
        json_decref(object);
        if (placed)
                return 0;
        *faultp = "is no line of an audit log of this version";
        return AUDIT_LINE_E_FAULT;
}
