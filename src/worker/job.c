/* SPDX-License-Identifier: MIT */
/*
 * The life of a worker
 *
 * Rehearsal, READY, wait, RUN, the code, its end, RESULT, wait for the end. Each phase that can end
 * the run early does so by giving the answer, and the phases after it then have nothing to do; only
 * what is our own failure, not the run's, leaves by job_fail().
 *
 * A run may fork, and then two processes come to the end of the code. Only the one that received
 * the request answers for it; a forked child ends here like any Python program, with its exit
 * status.
 *
 * The descriptors of the answer are within reach of the code: it can close them or write to them.
 * It can so only spoil or forge its own answer, in the fields that are the code's to fill.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/failure.h"
#include "base/fd.h"
#include "wire/packet.h"
#include "wire/region.h"
#include "worker/answer.h"
#include "worker/blas-threads.h"
#include "worker/ending.h"
#include "worker/guard.h"
#include "worker/job.h"
#include "worker/program.h"
#include "worker/raised.h"
#include "worker/request.h"
#include "worker/result.h"
#include "worker/rules.h"
#include "worker/scope.h"
#include "worker/source.h"
#include "worker/tools.h"
#include "worker/variables.h"

#define JOB_REHEARSALS        2
#define JOB_YOUNG_GENERATIONS 1

typedef struct Job {
        const JobTools *tools;
        int socket_fd, region_fd;
        uint64_t worker_id;
        pid_t pid;
        void *mapping;
        Output *output;
        PyObject *builtins; /* a copy that is ours to change */
        Request request;
        Rules rules;
        Guard guard;
        Source source;
        PyObject *globals;
        PyObject *printed; /* str: the code's global of that name, NULL if it has none */
        Answer answer;
        WorkerResultFrame frame; /* the answer, once has_written */
        bool has_written;
} Job;

static int job_send(const Job *job, FrameType type, const void *payload, size_t length) {
        return packet_send(job->socket_fd, type, job->worker_id, payload, length, NULL, 0);
}

_Noreturn static void job_fail(const Job *job, const Failure *failure) {
        (void)job_send(job, FRAME_WORKER_FAILURE, failure, sizeof(*failure)); /* last words */
        _exit(1);
}

static int job_map(Job *job, Failure *failure) {
        job->mapping = mmap(NULL, REGION_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE,
                            job->region_fd, 0);
        if (job->mapping == MAP_FAILED)
                return failure_errno(failure, FAILURE_STAGE_WORKER, errno,
                                     "cannot map the run's memory");
        return 0;
}

/* The mapping, and the streams that write to it. */
static int job_open(Job *job, Failure *failure) {
        int r;

        r = job_map(job, failure);
        if (r < 0)
                return r;
        if (output_install(job->output, &job->tools->output, job->mapping, 0) < 0) {
                PyErr_Clear();
                return failure_lit(failure, FAILURE_STAGE_WORKER, ENOMEM,
                                   "cannot make the run's streams");
        }
        return 0;
}

static int job_announce(const Job *job, LayerSet layers, Failure *failure) {
        WorkerReadyFrame frame = {.layers = layers};
        int r = job_send(job, FRAME_WORKER_READY, &frame, sizeof(frame));

        return r < 0 ? failure_errno(failure, FAILURE_STAGE_WORKER, -r, "cannot reach the agent")
                     : 0;
}

static void job_wait(Job *job, Failure *failure) {
        int r;

        r = request_receive(&job->request, job->socket_fd, job->worker_id, failure);
        if (r == REQUEST_E_NONE)
                _exit(0);
        if (r < 0)
                job_fail(job, failure);
}

/* The whole input; anything false is {}. */
static PyObject *job_input(const Job *job) {
        _cleanup_(py_unrefp) PyObject *input = NULL;
        int truth = 0;

        if (PyBytes_Size(job->request.input) > 0) {
                input = json_decode(&job->tools->json, PyBytes_AsString(job->request.input),
                                    (size_t)PyBytes_Size(job->request.input), "input");
                truth = input ? PyObject_IsTrue(input) : -1;
        }
        if (truth < 0)
                return NULL;
        return truth ? take_ptr(&input) : PyDict_New();
}

/* sys.argv as a script of this name would see it. */
static int job_set_argv(PyObject *name) {
        _cleanup_(py_unrefp) PyObject *argv = NULL;

        argv = Py_BuildValue("[O]", name);
        return argv ? PySys_SetObject("argv", argv) : -1;
}

/* The code is to have no descriptor of the region: it could map it as executable memory. */
static int job_take_request(Job *job) {
        int r = request_read(&job->request, job->region_fd);

        job->region_fd = fd_close(job->region_fd);
        return r;
}

/* Everything the code will see but the code itself. */
static int job_set_up(Job *job) {
        _cleanup_(py_unrefp) PyObject *builtins = NULL;
        _cleanup_(py_unrefp) PyObject *input = NULL;

        job->output->cap = job->request.frame.output_bytes;
        if (rules_init(&job->rules, &job->tools->json, job->request.policy) < 0 ||
            variables_set(job->rules.variables) < 0)
                return -1;
        blas_threads_set(job->tools->blas_threads, job->rules.variables);
        input = job_input(job);
        Py_CLEAR(job->request.input);
        Py_CLEAR(job->request.policy);
        if (!input || job_set_argv(job->request.name) < 0)
                return -1;
        builtins = guard_builtins_new(&job->guard, &job->rules, &job->source, job->builtins);
        job->globals = builtins ? scope_new(&job->rules, builtins, input) : NULL;
        if (!job->globals)
                return -1;
        return job->request.frame.flags & WORKER_FLAG_IMPORTS ? guard_note_imports(&job->guard) : 0;
}

/* The code object, or NULL after giving the answer. */
static PyObject *job_compile(Job *job, const Program *program) {
        job->source.name = job->request.name;
        job->source.string_io = job->tools->string_io;
        job->source.text = source_decode(job->request.code);
        Py_CLEAR(job->request.code);
        if (!job->source.text) {
                program_refuse(program, &job->answer);
                return NULL;
        }
        source_publish(&job->source);
        return program_compile(program, &job->answer);
}

/* A global `printed` is the last of what the code prints. It is taken when the code ends and
 * written when nothing can be printed any more. */
static void job_take_printed(Job *job) {
        _cleanup_(py_unrefp) PyObject *printed = NULL;

        printed = PyDict_GetItemString(job->globals, "printed");
        if (!printed)
                return;
        (void)py_ref(printed); /* its __str__ may delete the global */
        if (PyUnicode_Check(printed))
                job->printed = py_ref(printed);
        else if (printed != Py_None)
                job->printed = PyObject_Str(printed);
        PyErr_Clear(); /* what has no text is not printed */
}

static void job_tell_imports(const Job *job) {
        char names[WORKER_IMPORTS_MAX];
        size_t length = guard_write_imports(&job->guard, names, sizeof(names));

        if (length > 0)
                (void)job_send(job, FRAME_WORKER_IMPORTS, names, length);
}

/* Not for processes that the code has forked, and that return into here. */
static void job_write_answer(Job *job) {
        if (getpid() != job->pid)
                return;
        if (job->printed)
                (void)output_append_text(job->output, REGION_STDOUT, job->printed);
        job_tell_imports(job);
        job->frame = result_write(&job->answer, job->mapping);
        job->has_written = true;
}

/* From here on the agent has the answer, and atexit functions have only so much time. */
static void job_announce_end(Job *job) {
        if (!ending_has_exit_functions(job->tools))
                return;
        job_write_answer(job);
        if (job->has_written)
                (void)job_send(job, FRAME_WORKER_ENDED, &job->frame, sizeof(job->frame));
}

/* Returns whether it ran at all: then there may be something left of it. */
static bool job_run(Job *job, Ending *ending) {
        Program program = {
                .tools = job->tools,
                .output = job->output,
                .guard = &job->guard,
                .source = &job->source,
                .globals = job->globals,
        };
        _cleanup_(raised_deinitp) Raised raised = RAISED_NULL;
        _cleanup_(py_unrefp) PyObject *code = NULL;

        code = job_compile(job, &program);
        if (!code)
                return false;
        program_evaluate(&program, code, &raised);
        ending_begin(ending, job->tools);
        job_take_printed(job);
        program_judge(&program, &raised, &job->answer);
        if (job->answer.verdict == VERDICT_OK)
                result_collect(&job->tools->json, job->globals, job->request.frame.result_bytes,
                               &job->answer);
        raised_deinit(&raised); /* frees the frames, while the code may still react to it */
        return true;
}

/* What is left of the code: its threads, its atexit functions. */
static void job_end(Job *job, Ending *ending) {
        ending_join_threads(ending);
        job_announce_end(job);
        ending_run(ending, job->tools, job->output);
}

/* What a rehearsal has made. */
static void job_forget(Job *job) {
        source_withdraw(&job->source);
        if (job->globals)
                PyDict_Clear(job->globals);
        Py_CLEAR(job->globals);
        Py_CLEAR(job->printed);
        Py_CLEAR(job->request.code);
        Py_CLEAR(job->request.input);
        Py_CLEAR(job->request.policy);
        Py_CLEAR(job->request.name);
        answer_deinit(&job->answer);
        guard_deinit(&job->guard);
        rules_deinit(&job->rules);
}

/* What the run has used can be measured as long as the process is there; then the agent kills it.
 * No thread of the code gets on meanwhile: the GIL is held, and what needs none is its own affair.
 */
_Noreturn static void job_await_end(const Job *job) {
        ssize_t n;
        char byte;

        do
                n = recv(job->socket_fd, &byte, sizeof(byte), 0);
        while (n > 0 || (n < 0 && errno == EINTR));
        _exit(0);
}

_Noreturn static void job_answer(Job *job) {
        if (getpid() != job->pid)
                _exit(job->answer.exit_code);
        if (!job->has_written)
                job_write_answer(job);
        if (job_send(job, FRAME_WORKER_RESULT, &job->frame, sizeof(job->frame)) < 0)
                _exit(1);
        job_await_end(job);
}

/* All that a run does, with a program of ours and no agent to tell of it. What it does not free is
 * found by the collector; something that a package keeps may still point to the guard and the
 * source, so they stay. */
static void job_rehearse_once(const Job *job) {
        const Rehearsal *rehearsal = &job->tools->rehearsal;
        static Job part;
        Ending ending = {.reserve = NULL};

        part = *job;
        part.socket_fd = -1;
        part.request = (Request){
                .frame = {.output_bytes = REGION_OUTPUT_MAX, .result_bytes = REGION_RESULT_MAX},
                .code = py_ref(rehearsal->code),
                .input = py_ref(rehearsal->input),
                .policy = py_ref(rehearsal->policy),
                .name = py_ref(rehearsal->name),
        };
        ending_prepare(&ending);
        if (job_set_up(&part) == 0)
                (void)job_run(&part, &ending);
        ending_restore(&ending);
        job_write_answer(&part);
        PyErr_Clear();
        job_forget(&part);
}

/* Calls a function of gc that cannot fail; its answer. */
static bool job_gc(const Job *job, const char *name) {
        _cleanup_(py_unrefp) PyObject *answer = NULL;

        answer = PyObject_CallMethod(job->tools->gc, name, NULL);
        PyErr_Clear();
        return answer == Py_True;
}

static void job_collect_young(const Job *job) {
        _cleanup_(py_unrefp) PyObject *answer = NULL;

        answer = PyObject_CallMethod(job->tools->gc, "collect", "i", JOB_YOUNG_GENERATIONS);
        PyErr_Clear();
}

/* Once for the pages, once more for what CPython only makes of what is used again. Nothing of it
 * may grow old: a collection of all would free what CPython keeps for the next use. */
static void job_rehearse(Job *job) {
        bool collects = job_gc(job, "isenabled");

        (void)job_gc(job, "disable");
        for (unsigned int i = 0; i < JOB_REHEARSALS; ++i) {
                job->builtins = PyDict_Copy(job->tools->builtins);
                if (job->builtins)
                        job_rehearse_once(job);
                Py_CLEAR(job->builtins);
        }
        job_collect_young(job);
        if (collects)
                (void)job_gc(job, "enable");
        PyErr_Clear();
        (void)fflush(NULL); /* what C code has printed: the agent throws it away */
        region_forget(job->mapping);
}

void job_serve(const JobTools *tools,
               int socket_fd,
               int region_fd,
               uint64_t worker_id,
               LayerSet layers,
               bool rehearse) {
        Job job = {
                .tools = tools,
                .socket_fd = socket_fd,
                .region_fd = region_fd,
                .worker_id = worker_id,
                .pid = getpid(),
                .request = REQUEST_NULL,
                .rules = RULES_NULL,
                .answer = ANSWER_NULL,
        };
        Failure failure = FAILURE_NULL;
        Ending ending = {.reserve = NULL};
        Output output;

        job.output = &output;
        if (job_open(&job, &failure) < 0)
                job_fail(&job, &failure);
        if (rehearse)
                job_rehearse(&job);
        job.builtins = rehearse ? PyDict_Copy(tools->builtins) : tools->builtins;
        job_tools_reseed(tools);
        if (job_announce(&job, layers, &failure) < 0)
                job_fail(&job, &failure);
        job_wait(&job, &failure);
        ending_prepare(&ending);
        if (job_take_request(&job) < 0 || job_set_up(&job) < 0)
                answer_set_raised(&job.answer, NULL);
        else if (job_run(&job, &ending))
                job_end(&job, &ending);
        job_answer(&job);
}
