/* SPDX-License-Identifier: MIT */
/*
 * The parts of one run, in order: what to run (run-input), what it may do (run-policy), with which
 * Python (run-environment), the run itself (here), what came of it (run-output).
 *
 * The run is posted and polled for rather than waited for in the library, so that Ctrl-C is seen at
 * once. After it the agent gets CANCEL_GRACE_NS to answer with what the code had printed; it is
 * killed with all that it started when this process ends, in any case.
 */
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/fault.h"
#include "cli/handles.h"
#include "cli/help.h"
#include "cli/interrupt.h"
#include "cli/run-engine.h"
#include "cli/run-environment.h"
#include "cli/run-input.h"
#include "cli/run-options.h"
#include "cli/run-output.h"
#include "cli/run-policy.h"
#include "cli/run.h"
#include "cli/status.h"

#define CANCEL_GRACE_NS (UINT64_C(120) * NSEC_PER_MSEC)

const OptionSpec run_options[] = {
        {"code", 'c', OPTION_TEXT, offsetof(RunOptions, code), "CODE", "run this text"},
        {"input", 'i', OPTION_TEXT, offsetof(RunOptions, input), "JSON|@FILE",
         "data for the code, seen as input_data\n(@- reads standard input)"},
        {"policy", 0, OPTION_TEXT, offsetof(RunOptions, policy), "FILE",
         "what the code may do, see spr-policy(5)"},
        {"policy-preset", 0, OPTION_TEXT, offsetof(RunOptions, preset), "NAME",
         "begin from strict, default, data, judge or open"},
        {"timeout", 't', OPTION_DURATION, offsetof(RunOptions, timeout_ns), "TIME",
         "wall time for the code: 0.5s, 200ms, 2m\n(a bare number is seconds; default 5s)"},
        {"memory", 'm', OPTION_SIZE, offsetof(RunOptions, memory_bytes), "SIZE",
         "memory beyond the warm interpreter: 256M, 1G\n(a bare number is MiB; default 256M)"},
        {"cpu-seconds", 0, OPTION_DURATION, offsetof(RunOptions, cpu_ns), "TIME",
         "processor time, on all cores together\n(default: only --timeout)"},
        {"disk", 0, OPTION_SIZE, offsetof(RunOptions, disk_bytes), "SIZE",
         "what fits into its /tmp (default 128M)"},
        {"max-file", 0, OPTION_SIZE, offsetof(RunOptions, file_bytes), "SIZE",
         "what one file may hold (default 128M)"},
        {"max-processes", 0, OPTION_NUMBER, offsetof(RunOptions, max_processes), "N",
         "processes and threads at a time (default 64)"},
        {"allow-processes", 0, OPTION_FLAG, offsetof(RunOptions, allow_processes), NULL,
         "let the code start processes"},
        {"network", 0, OPTION_TEXT, offsetof(RunOptions, network), "none|host",
         "let the code use the network of the host"},
        {"read-only", 0, OPTION_LIST, offsetof(RunOptions, paths), "PATH",
         "let the code read this file or directory;\nmay be repeated"},
        {"env", 0, OPTION_LIST, offsetof(RunOptions, env), "NAME=VALUE",
         "an environment variable; may be repeated"},
        {"proc", 0, OPTION_FLAG, offsetof(RunOptions, proc), NULL,
         "give the code a /proc of its own processes"},
        {"python", 0, OPTION_TEXT, offsetof(RunOptions, python), "PATH",
         "interpreter: a path, or a name in PATH\n(default $VIRTUAL_ENV, else python3)"},
        {"venv", 0, OPTION_TEXT, offsetof(RunOptions, venv), "DIR", "use this venv as it is"},
        {"with", 'w', OPTION_LIST, offsetof(RunOptions, packages), "NAME==VERSION",
         "run in a cached environment that has this\npackage; may be repeated"},
        {"script-deps", 0, OPTION_FLAG, offsetof(RunOptions, script_deps), NULL,
         "install what the file itself asks for (PEP 723)"},
        {"allow-sdist", 0, OPTION_FLAG, offsetof(RunOptions, allow_sdist), NULL,
         "build packages that have no wheel: runs their\nauthors' code outside the sandbox"},
        {"engine", 0, OPTION_TEXT, offsetof(RunOptions, engine), "local|cmd",
         "where it runs: here, or where --command leads"},
        {"command", 0, OPTION_TEXT, offsetof(RunOptions, command), "COMMAND",
         "run it behind this command, which ends in a\nPython on a pipe: 'ssh host python3'"},
        {"shell-hop", 0, OPTION_FLAG, offsetof(RunOptions, shell_hop), NULL,
         "a shell splits the end of the command again,\nas that of ssh does"},
        {"preload", 0, OPTION_LIST, offsetof(RunOptions, preloads), "NAME|auto",
         "import this module before the run; may be\nrepeated"},
        {"audit", 0, OPTION_TEXT, offsetof(RunOptions, audit), "FILE",
         "add a line about the run to this log; no log,\nno run"},
        {"json", 'j', OPTION_FLAG, offsetof(RunOptions, json), NULL,
         "print one JSON object instead of the output"},
        {"quiet", 'q', OPTION_FLAG, offsetof(RunOptions, quiet), NULL, "no notes and no progress"},
        {0},
};

const char run_examples[] =
        "spr run report.py --input @sales.json      data in from a file\n"
        "spr run -c 'result = sum(range(10))'       prints 45\n"
        "cat code.py | spr run - --timeout 0.5s     code from standard input\n"
        "spr run plot.py --with numpy==2.1.3        with a package\n"
        "spr run code.py --shell-hop --command 'ssh host python3'\n"
        "                                           on another machine\n"
        "spr run code.py --json                     everything, for a program to read\n";

/* An engine whose agent did not answer to Ctrl-C. It is not waited for: the agent kills all that it
 * started and ends when this process does. */
static SprEngine *abandoned;

static int request_make(const RunEnvironment *environment, SprRequest **requestp, Fault *fault) {
        _cleanup_(spr_policy_freep) SprPolicy *policy = NULL;
        int r;

        r = run_policy_load(environment->options, environment->context->environment, &policy,
                            fault);
        return r ? r : run_input_to_request(environment->input, policy, requestp, fault);
}

/* Waits for the only run of @engine, cancelling it once at a signal. */
static int result_wait(SprEngine *engine, uint64_t run_id, SprResult **resultp, SprError *error) {
        uint64_t deadline_ns = UINT64_MAX;
        int r;

        while ((r = spr_engine_pop(engine, resultp)) == SPR_E_EMPTY) {
                uint64_t now_ns = clock_now_ns();

                if (now_ns >= deadline_ns)
                        return SPR_E_INTERRUPTED;
                r = interrupt_poll(spr_engine_get_fd(engine),
                                   deadline_ns == UINT64_MAX ? UINT64_MAX : deadline_ns - now_ns);
                if (r < 0)
                        return r;
                if (r == INTERRUPT_E_SIGNAL) {
                        spr_engine_cancel(engine, run_id);
                        deadline_ns = clock_now_ns() + CANCEL_GRACE_NS;
                }
                r = spr_engine_dispatch(engine, error);
                if (r)
                        return r;
        }
        return r;
}

static int
request_run(SprEngine *engine, const SprRequest *request, SprResult **resultp, Fault *fault) {
        SprError error = {0};
        uint64_t run_id = 0;
        int r;

        interrupt_catch();
        r = spr_engine_post(engine, request, &run_id, &error);
        if (r == 0)
                r = result_wait(engine, run_id, resultp, &error);
        if (r && interrupt_signal())
                return fault_set(fault, 128 + interrupt_signal(), "interrupted");
        return r ? fault_set_error(fault, r, &error) : 0;
}

static int run_execute(const RunEnvironment *environment,
                       SprEngine **enginep,
                       SprResult **resultp,
                       Fault *fault) {
        _cleanup_(spr_request_freep) SprRequest *request = NULL;
        int r;

        r = request_make(environment, &request, fault);
        if (r)
                return r;
        r = run_engine_make(environment, enginep, fault);
        if (r)
                return r;
        return request_run(*enginep, request, resultp, fault);
}

static int run_finish(const RunOutput *output, int r, const SprResult *result, const Fault *fault) {
        int status;

        (void)signal(SIGPIPE, SIG_IGN); /* from here on a broken pipe is an answer of write() */
        if (r)
                return run_output_fault(output, fault);
        status = run_output_result(output, result);
        return status == STATUS_INTERRUPTED && interrupt_signal() ? 128 + interrupt_signal()
                                                                  : status;
}

int run_main(const CliContext *context, int argc, char **argv) {
        _cleanup_(option_list_deinitp) OptionList operands = {0};
        _cleanup_(run_options_deinitp) RunOptions options = {0};
        _cleanup_(run_input_deinitp) RunInput input = {0};
        _cleanup_(spr_result_freep) SprResult *result = NULL;
        _cleanup_(spr_engine_freep) SprEngine *engine = NULL;
        Words words = context->words;
        RunEnvironment environment = {
                .context = context,
                .options = &options,
                .input = &input,
                .words = &words,
                .argc = argc,
                .argv = argv,
        };
        RunOutput output = {
                .stdout_fd = STDOUT_FILENO,
                .stderr_fd = STDERR_FILENO,
                .words = &words,
        };
        OptionFault wrong = {0};
        Fault fault = {0};
        int r;

        r = options_parse(run_options, &options, &operands, argc, argv, &wrong);
        if (r == OPTIONS_E_HELP)
                return help_verb(context, "run");
        words.quiet = options.quiet;
        output.json = options.json;

        if (r < 0)
                r = fault_set_oom(&fault);
        else if (r > 0)
                r = fault_set(&fault, STATUS_USAGE, "%s", wrong.text);
        if (r == 0)
                r = run_engine_check(&options, &fault);
        if (r == 0)
                r = run_input_load(&input, &options, &operands, &fault);
        if (r == 0)
                r = run_execute(&environment, &engine, &result, &fault);
        if (r && interrupt_signal())
                abandoned = take_ptr(&engine);
        return run_finish(&output, r, result, &fault);
}
