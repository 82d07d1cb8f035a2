/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/failure.h"
#include "base/utf8.h"

static const char *const stage_names[_FAILURE_STAGE_N] = {
        [FAILURE_STAGE_NONE] = "none",           [FAILURE_STAGE_REQUEST] = "request",
        [FAILURE_STAGE_POLICY] = "policy",       [FAILURE_STAGE_ENVIRONMENT] = "environment",
        [FAILURE_STAGE_AGENT] = "agent",         [FAILURE_STAGE_ZYGOTE] = "zygote",
        [FAILURE_STAGE_SANDBOX] = "sandbox",     [FAILURE_STAGE_WORKER] = "worker",
        [FAILURE_STAGE_RESOURCES] = "resources", [FAILURE_STAGE_AUDIT] = "audit",
};

static int failure_result(int code) {
        return code > 0 ? -code : -EIO;
}

static void _printf_(2, 0) failure_format(Failure *failure, const char *format, va_list args) {
        if (vsnprintf(failure->text, sizeof(failure->text), format, args) < 0)
                failure->text[0] = '\0';
}

int failure_set(Failure *failure, FailureStage stage, int code, const char *format, ...) {
        va_list args;

        if (!failure)
                return failure_result(code);
        failure->stage = (uint32_t)stage;
        failure->code = code;
        va_start(args, format);
        failure_format(failure, format, args);
        va_end(args);
        return failure_result(code);
}

int failure_errno(Failure *failure, FailureStage stage, int code, const char *format, ...) {
        size_t length;
        va_list args;

        if (!failure)
                return failure_result(code);
        failure->stage = (uint32_t)stage;
        failure->code = code;
        va_start(args, format);
        failure_format(failure, format, args);
        va_end(args);
        length = strlen(failure->text);
        (void)snprintf(failure->text + length, sizeof(failure->text) - length, ": %s",
                       strerror(code));
        return failure_result(code);
}

int failure_lit(Failure *failure, FailureStage stage, int code, const char *text) {
        size_t i = 0;

        if (!failure)
                return failure_result(code);
        failure->stage = (uint32_t)stage;
        failure->code = code;
        for (; text[i] && i < sizeof(failure->text) - 1; ++i)
                failure->text[i] = text[i];
        failure->text[i] = '\0';
        return failure_result(code);
}

/* Replaces what a terminal or a decoder would stumble over in the character at @bytes, and returns
 * its length. */
static size_t failure_sanitise_character(uint8_t *bytes, size_t length) {
        size_t n = utf8_sequence(bytes, length);

        if (n == 0)
                bytes[0] = '?';
        else if (bytes[0] < 0x20 || bytes[0] == 0x7f)
                bytes[0] = ' ';
        else if (bytes[0] == 0xc2 && bytes[1] < 0xa0) /* the other control characters */
                bytes[0] = bytes[1] = ' ';
        return n ? n : 1;
}

void failure_sanitise(Failure *failure) {
        uint8_t *bytes = (uint8_t *)failure->text;
        size_t length;

        if (failure->stage >= _FAILURE_STAGE_N)
                failure->stage = FAILURE_STAGE_NONE;
        failure->text[sizeof(failure->text) - 1] = '\0';
        length = strlen(failure->text);
        for (size_t at = 0; at < length;)
                at += failure_sanitise_character(bytes + at, length - at);
}

const char *failure_stage_name(uint32_t stage) {
        return stage < _FAILURE_STAGE_N ? stage_names[stage] : "unknown";
}
