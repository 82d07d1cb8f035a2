/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/fd.h"
#include "cli/handles.h"
#include "cli/quantity.h"
#include "cli/run-input.h"
#include "cli/status.h"

#define READ_SIZE ((size_t)64 << 10)

/* Everything that is left in @fd: 0, BUFFER_E_FULL or a negative errno. */
static int fd_read_rest(int fd, size_t max, char **textp, size_t *lengthp) {
        _cleanup_(buffer_deinitp) Buffer buffer = BUFFER_NULL;
        char *text;

        buffer_init(&buffer, max);
        for (;;) {
                size_t room = min_size(READ_SIZE, max - buffer_length(&buffer));
                uint8_t *space = NULL;
                uint8_t extra;
                ssize_t n;
                int r;

                if (room == 0) { /* full: fine, if that was all */
                        n = fd_read(fd, &extra, 1);
                        if (n > 0)
                                return BUFFER_E_FULL;
                } else {
                        r = buffer_reserve(&buffer, room, &space);
                        if (r)
                                return r;
                        n = fd_read(fd, space, room);
                }
                if (n < 0)
                        return (int)n;
                if (n == 0)
                        break;
                buffer_commit(&buffer, (size_t)n);
        }

        text = buffer_steal(&buffer, lengthp);
        if (!text)
                return -ENOMEM;
        *textp = text;
        return 0;
}

/* @path "-" is standard input. */
static int text_load(const char *path, size_t max, char **textp, size_t *lengthp, Fault *fault) {
        _cleanup_(closep) int fd = -1;
        char limit[QUANTITY_TEXT_MAX];
        bool standard = strcmp(path, "-") == 0;
        int r;

        if (!standard) {
                fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
                if (fd < 0)
                        return fault_set(fault, STATUS_USAGE, "cannot open '%s': %s", path,
                                         strerror(errno));
        }

        r = fd_read_rest(standard ? STDIN_FILENO : fd, max, textp, lengthp);
        if (r == -ENOMEM)
                return fault_set_oom(fault);
        if (r < 0)
                return fault_set(fault, STATUS_USAGE, "cannot read '%s': %s",
                                 standard ? "standard input" : path, strerror(-r));
        if (r > 0)
                return fault_set(fault, STATUS_USAGE, "'%s' is too long: more than %s",
                                 standard ? "standard input" : path,
                                 quantity_format_size(max, limit));
        return 0;
}

static int text_dup(const char *text, char **textp, size_t *lengthp, Fault *fault) {
        *textp = strdup(text);
        if (!*textp)
                return fault_set_oom(fault);
        *lengthp = strlen(text);
        return 0;
}

static int code_load(RunInput *input, const char *code, const char *path, Fault *fault) {
        if (code) {
                input->name = "<string>";
                return text_dup(code, &input->code, &input->n_code, fault);
        }
        input->name = strcmp(path, "-") == 0 ? "<stdin>" : path;
        return text_load(path, RUN_INPUT_CODE_MAX, &input->code, &input->n_code, fault);
}

/* What any JSON value starts with, and NaN and Infinity, which Python's json knows too. */
static bool json_is_likely(const char *text) {
        text += strspn(text, " \t\r\n");
        return *text != '\0' && strchr("{[\"-0123456789tfnNI", *text);
}

static int input_load(RunInput *input, const char *argument, Fault *fault) {
        if (argument[0] == '@' && argument[1] != '\0')
                return text_load(argument + 1, RUN_INPUT_INPUT_MAX, &input->input, &input->n_input,
                                 fault);
        if (!json_is_likely(argument)) {
                if (access(argument, R_OK) == 0)
                        return fault_set(fault, STATUS_USAGE,
                                         "--input '%.256s' is not JSON: did you mean '@%.256s'?",
                                         argument, argument);
                return fault_set(fault, STATUS_USAGE, "--input '%.256s' is not JSON", argument);
        }
        return text_dup(argument, &input->input, &input->n_input, fault);
}

int run_input_load(RunInput *input,
                   const RunOptions *options,
                   const OptionList *operands,
                   Fault *fault) {
        const char *path = operands->n_items > 0 ? operands->items[0] : NULL;
        size_t n_sources = operands->n_items + (options->code ? 1 : 0);
        int r;

        if (n_sources == 0)
                return fault_set(fault, STATUS_USAGE, "nothing to run: give FILE, -c CODE or -");
        if (n_sources > 1)
                return fault_set(fault, STATUS_USAGE,
                                 "one thing to run at a time: '%.256s' is too many; data for the "
                                 "code goes in with --input",
                                 operands->items[operands->n_items - 1]);
        if (path && options->input && strcmp(path, "-") == 0 && strcmp(options->input, "@-") == 0)
                return fault_set(fault, STATUS_USAGE,
                                 "code and input cannot both come from standard input");

        r = code_load(input, options->code, path, fault);
        if (r || !options->input)
                return r;
        return input_load(input, options->input, fault);
}

void run_input_deinit(RunInput *input) {
        free(input->code);
        free(input->input);
        *input = (RunInput){0};
}

int run_input_to_request(const RunInput *input,
                         SprPolicy *policy,
                         SprRequest **requestp,
                         Fault *fault) {
        _cleanup_(spr_request_freep) SprRequest *request = NULL;
        int r;

        r = spr_request_new(&request);
        if (r == 0)
                r = spr_request_set_policy(request, policy);
        if (r == 0)
                r = spr_request_set_name(request, input->name);
        if (r == 0)
                r = spr_request_set_code(request, input->code, input->n_code);
        if (r == 0 && input->input)
                r = spr_request_set_input_json(request, input->input, input->n_input);
        if (r)
                return fault_set_error(fault, r, &(SprError){0});
        *requestp = take_ptr(&request);
        return 0;
}
