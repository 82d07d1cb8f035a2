#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * libspr: run Python that a language model wrote, confined, on this machine
 *
 *         SprEngineOptions → SprEngine ──┐
 *         SprPolicy → SprRequest ────────┴→ spr_engine_run() → SprResult
 *
 * An engine reaches one agent and, through it, one warm interpreter. A request is code, input and
 * policy. What happens to the code (exception, timeout, memory) stands in the result; an error is
 * returned only where no run took place.
 *
 * Return values: 0 done; > 0 an SPR_E_* number, with the words in SprError; < 0 a negative errno of
 * our own (out of memory and the like), also with words. Outputs are written only on success.
 * Every SprError argument may be NULL.
 *
 * Threads: an engine may be used by any number of threads at the same time. Options, policies and
 * requests are not locked: change them in one thread, then share them read-only. A result belongs
 * to who received it.
 *
 * fork(): both sides go on. The child's engines forget their connection without a word and start an
 * agent of their own at the next run; runs in flight stay with the parent.
 *
 * Sizes are bytes, times nanoseconds, strings UTF-8 and NUL-terminated unless a length is given.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct SprAudit SprAudit;
typedef struct SprDoctor SprDoctor;
typedef struct SprEngine SprEngine;
typedef struct SprEngineOptions SprEngineOptions;
typedef struct SprError SprError;
typedef struct SprPolicy SprPolicy;
typedef struct SprRequest SprRequest;
typedef struct SprResult SprResult;
typedef struct SprRun SprRun;
typedef struct SprScript SprScript;
typedef struct SprStats SprStats;
typedef struct SprVenvOptions SprVenvOptions;

enum {
        _SPR_E_SUCCESS,
        SPR_E_INVALID,     /* an argument or a request that no engine could accept */
        SPR_E_POLICY,      /* a policy file, text or value */
        SPR_E_INTERPRETER, /* no interpreter there, or it does not start */
        SPR_E_ENVIRONMENT, /* a venv or its packages could not be made */
        SPR_E_AGENT,       /* spr-agent is missing, does not start or broke the protocol */
        SPR_E_EMPTY,       /* pop: nothing has completed */
        SPR_E_TIMEOUT,     /* wait: not completed within the time */
        SPR_E_INTERRUPTED, /* wait: a signal handler ran */
        SPR_E_CLOSED,      /* the engine was closed */
        SPR_E_BUSY,        /* max_queue runs are waiting already */
        SPR_E_AUDIT,       /* the audit log cannot be written, or read */
};

typedef enum SprOutcome {
        SPR_OUTCOME_OK,
        SPR_OUTCOME_ERROR,
        SPR_OUTCOME_TIMEOUT,
        SPR_OUTCOME_MEMORY,
        SPR_OUTCOME_OUTPUT,
        SPR_OUTCOME_DENIED,
        SPR_OUTCOME_CRASH,
        SPR_OUTCOME_CANCELLED,
        SPR_OUTCOME_INFRA,
} SprOutcome;

struct SprError {
        int code; /* SPR_E_* or a negative errno */
        char message[1020];
};

#define SPR_STATS_OUTCOMES 16

/* What the runs of an engine came to since it was made; in the child of a fork(), since then. */
struct SprStats {
        uint64_t n_runs;                         /* that have completed */
        uint64_t n_in_progress;                  /* now, at the agent */
        uint64_t n_waiting;                      /* now, on this side */
        uint64_t n_failed;                       /* of n_runs: an error, and no result */
        uint64_t n_outcomes[SPR_STATS_OUTCOMES]; /* the others, by SprOutcome */
        uint64_t n_standby_hits, n_standby_misses;
        uint64_t wall_ns, cpu_user_ns, cpu_system_ns, queue_wait_ns; /* sums */
        uint64_t peak_memory_bytes;                                  /* the highest of all */
        uint64_t bytes_in, bytes_out;
        uint64_t page_faults; /* of the runs of which they are known */
};

/* The library's version, "0.1.0". */
const char *spr_version(void);

/* policies: what the code may do; a new one holds the defaults of spr-policy(5) */
int spr_policy_new(SprPolicy **policyp);
SprPolicy *spr_policy_free(SprPolicy *policy);
/* Reads TOML, or JSON where @path ends in ".json". Keys and checks: spr-policy(5). SPR_E_POLICY
 * names file, line, key and the nearest known key. */
int spr_policy_new_from_file(SprPolicy **policyp, const char *path, SprError *error);
/* One of the presets, complete; SPR_E_POLICY with their names. A file begins from one by
 * `extends = "data"`. */
int spr_policy_new_from_preset(SprPolicy **policyp, const char *name, SprError *error);
/* Of the preset at @index; NULL at and after the last one. */
const char *spr_policy_get_preset_name(size_t index);
const char *spr_policy_get_preset_summary(size_t index);
/* On top of what @policy holds: a file (which may not begin from a preset itself), or the variables
 * SPR_TIMEOUT_SECONDS, SPR_BLOCKED_IMPORTS, … of an envp. What they do not name stays; after a
 * failure all does. */
int spr_policy_apply_file(SprPolicy *policy, const char *path, SprError *error);
int spr_policy_apply_environment(SprPolicy *policy,
                                 const char *const *environment,
                                 SprError *error);
/* The same from text; @name stands for the file in errors. With @complete, missing keys keep the
 * defaults of a new policy; without, missing lists are empty, as in a file. */
int spr_policy_new_from_json(SprPolicy **policyp,
                             const char *json,
                             size_t length,
                             const char *name,
                             bool complete,
                             SprError *error);
/* 0 < @timeout_ns <= 24 h, 1 MiB <= @bytes <= 1 TiB; else SPR_E_POLICY. */
int spr_policy_set_timeout_ns(SprPolicy *policy, uint64_t timeout_ns, SprError *error);
int spr_policy_set_memory_bytes(SprPolicy *policy, uint64_t bytes, SprError *error);
uint64_t spr_policy_get_timeout_ns(const SprPolicy *policy);
uint64_t spr_policy_get_memory_bytes(const SprPolicy *policy);
/* 1 MiB <= @bytes <= 1 TiB: what fits into the private /tmp, and into one file. */
int spr_policy_set_disk_bytes(SprPolicy *policy, uint64_t bytes, SprError *error);
int spr_policy_set_file_bytes(SprPolicy *policy, uint64_t bytes, SprError *error);
/* @cpu_ns <= 24 h of processor time, on all cores together; 0: no limit but the deadline. */
int spr_policy_set_cpu_ns(SprPolicy *policy, uint64_t cpu_ns, SprError *error);
/* 1 <= @n <= 4096, processes and threads at a time. */
int spr_policy_set_max_processes(SprPolicy *policy, uint64_t n, SprError *error);
/* Whether the code may start processes, and whether it finds a /proc (of its own processes). */
void spr_policy_set_allow_processes(SprPolicy *policy, bool allow);
void spr_policy_set_proc(SprPolicy *policy, bool proc);
/* Whether the code may use the network of the host; default no. */
void spr_policy_set_host_network(SprPolicy *policy, bool allow);
/* An environment variable that the code finds; replaces one of that name. */
int spr_policy_set_env(SprPolicy *policy, const char *name, const char *value, SprError *error);
/* One more path of the host, absolute, that the code may read. */
int spr_policy_add_read_only_path(SprPolicy *policy, const char *path, SprError *error);
/* Opaque JSON text of one object, as CPython's json writes it (nan and large integers survive);
 * its keys are checked when the run starts. Replaces extra_globals of a file. */
int spr_policy_set_extra_globals_json(SprPolicy *policy,
                                      const char *json,
                                      size_t length,
                                      SprError *error);
/* The whole policy as canonical JSON, sorted keys, one line. Free with free(). */
int spr_policy_to_json(const SprPolicy *policy, char **jsonp);
/* A policy file that says the same, with @origin also where each value came from; the same as JSON:
 * {"values": {…}, "origins": {…}}. Free with free(). */
int spr_policy_show(const SprPolicy *policy, bool origin, char **textp);
int spr_policy_show_json(const SprPolicy *policy, char **jsonp);
/* What the key @name means and what it is here; or what an import or a builtin of that name would
 * meet. Free with free(). */
int spr_policy_explain(const SprPolicy *policy, const char *name, char **textp);
/* The JSON Schema of policy files. Free with free(). */
int spr_policy_json_schema(char **jsonp);

/* engines */
int spr_engine_options_new(SprEngineOptions **optionsp);
SprEngineOptions *spr_engine_options_free(SprEngineOptions *options);
/* The interpreter's path; a relative one counts from the working directory at spr_engine_new(). A
 * bare name is refused there: libspr searches no PATH. Default "/usr/bin/python3". */
int spr_engine_options_set_python(SprEngineOptions *options, const char *path);
/* The venv whose bin/python is the interpreter; overrides set_python. */
int spr_engine_options_set_venv(SprEngineOptions *options, const char *directory);
/* The spr-agent program; default: where this library was installed to find it. */
int spr_engine_options_set_agent(SprEngineOptions *options, const char *path);
/* A command that ends in a Python (CPython 3.9 or later) on a pipe, NULL-terminated, the program by
 * path or by name in PATH: {"ssh", "host", "python3", NULL}. Code runs there, under an agent that
 * goes over the pipe into memory and with that interpreter; set_python is not looked at. What the
 * command needs to ask, it cannot: it has no terminal. No word: SPR_E_INVALID. */
int spr_engine_options_set_command(SprEngineOptions *options, const char *const *argv);
/* Whether a shell on the way splits the end of the command into words once more, as that of ssh(1)
 * does: what is appended is quoted then. Default no. */
void spr_engine_options_set_shell_hop(SprEngineOptions *options, bool shell_hop);
/* For a machine that is there for these runs alone, a container: where a run cannot have a /tmp of
 * its own, it has the one of the machine, which is empty when it begins; one run at a time. A /tmp
 * in which somebody else has something is not taken: such runs fail. Default: each has a directory
 * of its own below /tmp. */
void spr_engine_options_set_exclusive_tmp(SprEngineOptions *options, bool exclusive_tmp);
/* A module to import before any run, in this order ("numpy", "os.path"); one that cannot be
 * imported is SPR_E_INTERPRETER at the start. What is no such name is SPR_E_INVALID, here and, with
 * words, at spr_engine_new(). */
int spr_engine_options_add_preload(SprEngineOptions *options, const char *module);
/* Whether modules that the runs of this engine turn out to import are preloaded for later ones,
 * also beside those named; default no. */
void spr_engine_options_set_preload_auto(SprEngineOptions *options, bool preload_auto);
/* How long the interpreter may take to start and preload; default 30 s. */
int spr_engine_options_set_startup_timeout_ns(SprEngineOptions *options, uint64_t timeout_ns);
/* How many workers are kept ready for each kind of run (limits and permissions make a kind), at
 * most 4096; each takes memory: about half a MB, more with large preloads. Default: as many as the
 * runs of late would have needed, none for a kind that was asked for once. 0 = none: each run waits
 * for its worker. */
int spr_engine_options_set_standbys(SprEngineOptions *options, uint32_t n);
/* Keeps a log of every run in the file at @path (made where there is none), or behind @fd (which is
 * copied; open for reading and writing where it is a file): one line of JSON for each, by this
 * process, before its result is given out; see spr(1). Any number of engines may share one file.
 * Without a log to write to there is no run: spr_engine_new() and submissions fail with
 * SPR_E_AUDIT, and so does the wait for a run whose line could not be written. */
int spr_engine_options_set_audit_log(SprEngineOptions *options, const char *path);
int spr_engine_options_set_audit_fd(SprEngineOptions *options, int fd);
/* Whether the agent and the interpreter may write to the caller's standard error; default no. */
void spr_engine_options_set_debug(SprEngineOptions *options, bool debug);

/* How many runs may be in progress at a time; 0, the default: as many as the agent takes, which
 * depends on the descriptors it may have and is never exceeded. More runs wait on this side, first
 * in, first out, whichever thread they come from; their deadline counts from their start. */
void spr_engine_options_set_max_concurrency(SprEngineOptions *options, uint32_t n);
/* How many runs may wait so; one more is SPR_E_BUSY at its submission. Default 65536; 0: none. */
void spr_engine_options_set_max_queue(SprEngineOptions *options, uint32_t n);
/* How long a run may wait so, also for the start of the interpreter; then its result has outcome
 * infra. UINT64_MAX, the default: for ever. */
void spr_engine_options_set_acquire_timeout_ns(SprEngineOptions *options, uint64_t timeout_ns);

/* Copies the options. Starts nothing: the agent is started by the first run, or by
 * spr_engine_start(). */
int spr_engine_new(SprEngine **enginep, const SprEngineOptions *options, SprError *error);
/* Ends every run (their waiters get SPR_E_CLOSED), the agent and all that it started, and frees.
 * No other call on the engine may be in progress except spr_run_wait(). */
SprEngine *spr_engine_free(SprEngine *engine);
/* The same without freeing; later runs fail with SPR_E_CLOSED. Any thread, any time, twice too. */
void spr_engine_close(SprEngine *engine);
/* Starts agent and interpreter now and waits until it is warm; SPR_E_INTERPRETER, SPR_E_AGENT. */
int spr_engine_start(SprEngine *engine, SprError *error);

/* @size is sizeof(*stats), so that the struct can grow. */
void spr_engine_get_stats(SprEngine *engine, SprStats *stats, size_t size);

/* requests */
int spr_request_new(SprRequest **requestp);
SprRequest *spr_request_free(SprRequest *request);
/* Each copies its bytes. Limits: code 16 MiB, input 96 MiB, name 4096 bytes; more is SPR_E_INVALID
 * at submission. Code must be UTF-8 without NUL; that is judged by the interpreter and shows in the
 * result. */
int spr_request_set_code(SprRequest *request, const char *code, size_t length);
int spr_request_set_input_json(SprRequest *request, const char *json, size_t length);
/* What tracebacks call the code; default "<code>". */
int spr_request_set_name(SprRequest *request, const char *name);
/* Copies the policy; default: a new policy. */
int spr_request_set_policy(SprRequest *request, const SprPolicy *policy);
void spr_request_set_userdata(SprRequest *request, void *userdata);

/* runs, blocking: submits and waits. SIGINT does not end it; use submit and wait for that. */
int spr_engine_run(SprEngine *engine,
                   const SprRequest *request,
                   SprResult **resultp,
                   SprError *error);

/* runs, with a handle: the caller waits for it, cancels it and frees it. spr_run_free() of a run
 * that has not completed cancels it. */
int spr_engine_submit(SprEngine *engine, const SprRequest *request, SprRun **runp, SprError *error);
/* UINT64_MAX waits for ever. SPR_E_TIMEOUT and SPR_E_INTERRUPTED leave the run as it is. The result
 * is given out once; a second wait is SPR_E_INVALID. */
int spr_run_wait(SprRun *run, uint64_t timeout_ns, SprResult **resultp, SprError *error);
/* Asks for the end of the run; its result still comes, with outcome cancelled (or the one that won
 * the race). Never blocks. */
void spr_run_cancel(SprRun *run);
SprRun *spr_run_free(SprRun *run);
uint64_t spr_run_get_id(const SprRun *run);

/* runs, for event loops: no handle, results are popped in the order of their completion. Watch
 * spr_engine_get_fd() for reading (it stays the same for the engine's life), then dispatch, then
 * pop until SPR_E_EMPTY. None of these blocks. */
int spr_engine_post(SprEngine *engine,
                    const SprRequest *request,
                    uint64_t *run_idp,
                    SprError *error);
int spr_engine_get_fd(SprEngine *engine);
int spr_engine_dispatch(SprEngine *engine, SprError *error);
int spr_engine_pop(SprEngine *engine, SprResult **resultp);
/* Cancels a posted run; an id that is not in flight is ignored. */
void spr_engine_cancel(SprEngine *engine, uint64_t run_id);

/* results; strings and bytes live as long as the result */
SprResult *spr_result_free(SprResult *result);
uint64_t spr_result_get_run_id(const SprResult *result);
void *spr_result_get_userdata(const SprResult *result);
bool spr_result_get_ok(const SprResult *result);
SprOutcome spr_result_get_outcome(const SprResult *result);
/* "ok", "error", "timeout", "memory", "output", "denied", "crash", "cancelled", "infra" */
const char *spr_result_get_outcome_name(const SprResult *result);
bool spr_result_get_timed_out(const SprResult *result);
bool spr_result_get_resource_exceeded(const SprResult *result);
/* 0 … 255, as in the table of outcomes of spr(1) */
int spr_result_get_exit_code(const SprResult *result);
/* One line, "ValueError: …"; NULL where ok. */
const char *spr_result_get_error(const SprResult *result);
/* NULL, "timeout", "memory", "signal", "cancel", "agent", "cpu", "processes", "disk" */
const char *spr_result_get_killed_by(const SprResult *result);
/* The JSON text of the code's result, checked for syntax, size and depth; NULL for None. May hold
 * NaN, Infinity, -Infinity, and integers of any size, as CPython's json reads and writes them. */
const char *spr_result_get_json(const SprResult *result, size_t *lengthp);
/* The first bytes of each stream up to the policy's cap, cut at a UTF-8 boundary. */
const char *spr_result_get_stdout(const SprResult *result, size_t *lengthp);
const char *spr_result_get_stderr(const SprResult *result, size_t *lengthp);
/* The last bytes of a truncated stream, without overlap; empty where nothing was cut. */
const char *spr_result_get_stdout_tail(const SprResult *result, size_t *lengthp);
const char *spr_result_get_stderr_tail(const SprResult *result, size_t *lengthp);
bool spr_result_get_stdout_truncated(const SprResult *result);
bool spr_result_get_stderr_truncated(const SprResult *result);
/* Bytes written in all, kept or not. */
uint64_t spr_result_get_stdout_total(const SprResult *result);
uint64_t spr_result_get_stderr_total(const SprResult *result);
uint64_t spr_result_get_wall_ns(const SprResult *result);
/* How long the run waited for a free slot before that; see
 * spr_engine_options_set_max_concurrency().
 */
uint64_t spr_result_get_queue_wait_ns(const SprResult *result);
uint64_t spr_result_get_cpu_user_ns(const SprResult *result);
uint64_t spr_result_get_cpu_system_ns(const SprResult *result);
/* Beyond the warm interpreter. */
uint64_t spr_result_get_peak_memory_bytes(const SprResult *result);
/* Bytes of code and input; of the result's JSON and of all that was written to the streams. */
uint64_t spr_result_get_bytes_in(const SprResult *result);
uint64_t spr_result_get_bytes_out(const SprResult *result);
/* Whether a worker was ready when the run came to the agent. */
bool spr_result_get_standby(const SprResult *result);
/* Page faults of the run's process since it was made, as the kernel counted them; false where
 * nobody asked it, which for a run of less than a millisecond would take too long. */
bool spr_result_get_page_faults(const SprResult *result, uint64_t *np);
/* "none", "process", "kernel", "full" */
const char *spr_result_get_isolation_level(const SprResult *result);
/* "none", or "host" where the code could use the network of the host */
const char *spr_result_get_network(const SprResult *result);
/* Where the code ran: "host", this machine; "container" or "remote", where a command leads to. */
const char *spr_result_get_where(const SprResult *result);
/* The names of the layers that were applied and read back; NULL at and after the last one. */
const char *spr_result_get_layer(const SprResult *result, size_t index);
/* Everything above as one JSON object on one line: the reference's eight fields, then outcome,
 * killed_by, usage, truncated, isolation, run_id. Non-finite numbers in the result become null,
 * and then "result_lossy" is true. Free with free(). */
int spr_result_to_json(const SprResult *result, char **jsonp);

/* venvs */
typedef enum SprVenvManager {
        SPR_VENV_MANAGER_AUTO, /* uv where it is found, else python -m venv */
        SPR_VENV_MANAGER_UV,
        SPR_VENV_MANAGER_PYTHON,
} SprVenvManager;

/* A line of progress, without newline. Called in the thread of spr_venv_ensure(). */
typedef void (*SprProgressFn)(void *userdata, const char *line);

int spr_venv_options_new(SprVenvOptions **optionsp);
SprVenvOptions *spr_venv_options_free(SprVenvOptions *options);
int spr_venv_options_set_directory(SprVenvOptions *options, const char *directory);
int spr_venv_options_set_manager(SprVenvOptions *options, SprVenvManager manager);
/* The interpreter to build on; default "python3" in the search path. */
int spr_venv_options_set_python(SprVenvOptions *options, const char *path);
/* A PATH to find uv and python in; default "/usr/local/bin:/usr/bin:/bin". */
int spr_venv_options_set_search_path(SprVenvOptions *options, const char *search_path);
/* NAME==VERSION or NAME[EXTRA,…]==VERSION; anything else is SPR_E_INVALID with "pinned" in its
 * message. */
int spr_venv_options_add_package(SprVenvOptions *options, const char *package, SprError *error);
/* A requirement by name, with a version specifier and a marker or without ("requests<3"), no URL
 * and no path. What was installed for it once stays. For the dependencies of a script whose user
 * opted in. */
int spr_venv_options_add_requirement(SprVenvOptions *options,
                                     const char *requirement,
                                     SprError *error);
/* Source distributions run their author's code while they build; default: wheels only. */
void spr_venv_options_set_allow_sdist(SprVenvOptions *options, bool allow);
/* The variables for uv and pip: an envp ("NAME=value", NULL at its end), copied; proxies, indexes,
 * certificates and HOME come from here. PYTHON*, VIRTUAL_ENV and what would turn an installer away
 * from the venv are left out. Default: a PATH only. */
int spr_venv_options_set_environment(SprVenvOptions *options, const char *const *environment);
void spr_venv_options_set_progress(SprVenvOptions *options, SprProgressFn progress, void *userdata);
/* Makes the venv and installs the packages, once per set of packages; safe between threads and
 * processes (a lock in the directory), and a broken attempt is repaired by the next one. A venv of
 * the user's own is used as it is, and only written to where packages are missing. Blocks; a ready
 * venv costs no process. SPR_E_INTERPRETER: none to build on; SPR_E_ENVIRONMENT: the venv or its
 * packages, with the installer's last words; SPR_E_INTERRUPTED: Ctrl-C ended the installer, or a
 * signal handler ran while we waited for another process. @pythonp receives the interpreter's path;
 * free with free(). */
int spr_venv_ensure(const SprVenvOptions *options, char **pythonp, SprError *error);
/* The directory that belongs to these options (interpreter, packages, allow_sdist) in the cache at
 * @cache_root, an absolute path (XDG_CACHE_HOME or ~/.cache); to be given to
 * spr_venv_options_set_directory(). Free with free(). */
int spr_venv_cache_directory(const SprVenvOptions *options,
                             const char *cache_root,
                             char **directoryp,
                             SprError *error);

/* interpreters: a path, the directory of a venv, or a name to look for in @search_path (a PATH, or
 * NULL). A shim (a script, as pyenv has) is asked for the interpreter it stands for, with
 * @environment (an envp, or NULL). SPR_E_INTERPRETER. Free *pathp with free(). */
int spr_find_interpreter(const char *name,
                         const char *search_path,
                         const char *const *environment,
                         char **pathp,
                         SprError *error);

/* scripts: the metadata of PEP 723, read and never followed. @name stands for the script in errors.
 * A script without metadata has no dependencies; faulty metadata is SPR_E_INVALID. */
int spr_script_new(
        SprScript **scriptp, const char *code, size_t length, const char *name, SprError *error);
SprScript *spr_script_free(SprScript *script);
/* As it stands there; NULL at and after the last one. */
const char *spr_script_get_dependency(const SprScript *script, size_t index);
/* NULL where there is none. */
const char *spr_script_get_requires_python(const SprScript *script);
/* What the interpreter at @python (an absolute path) lacks of it, joined by ", " ("python>=3.13"
 * among it); NULL where it lacks nothing. Starts the interpreter once, or not at all where there is
 * nothing to ask; @environment as above. Free *missingp with free(). */
int spr_script_find_missing(const SprScript *script,
                            const char *python,
                            const char *const *environment,
                            char **missingp,
                            SprError *error);

/* audit logs: whether every line is as it was written, and in its place. The files are taken as one
 * log, the oldest first. A file that cannot be read is SPR_E_AUDIT; what is wrong in one stands in
 * the answer. Strings live as long as it. */
int spr_audit_verify(SprAudit **auditp, const char *const *paths, size_t n_paths, SprError *error);
SprAudit *spr_audit_free(SprAudit *audit);
bool spr_audit_get_ok(const SprAudit *audit);
uint64_t spr_audit_get_lines(const SprAudit *audit);
uint64_t spr_audit_get_runs(const SprAudit *audit);
/* What the next line is going to name. Whoever notes it elsewhere finds out if the end of the log
 * is taken away, which the log itself cannot tell. */
const char *spr_audit_get_last_hash(const SprAudit *audit);
uint64_t spr_audit_get_n_faults(const SprAudit *audit);
/* "audit.log:41: was changed: …", of the first hundred; NULL at and after the last one. */
const char *spr_audit_get_fault(const SprAudit *audit, size_t index);
/* Everything above as one JSON object on one line. Free with free(). */
int spr_audit_to_json(const SprAudit *audit, char **jsonp);

/* doctor: how strongly this machine confines a run. The agent of @options tries each layer, then a
 * trivial run with their interpreter shows which ones it really had. Blocks, for a second or so.
 * SPR_E_AGENT where the agent cannot be asked; a run that fails is part of the answer. Strings live
 * as long as the doctor. */
int spr_doctor_new(SprDoctor **doctorp, const SprEngineOptions *options, SprError *error);
SprDoctor *spr_doctor_free(SprDoctor *doctor);
/* Whether the run reached what a new policy demands (min_isolation). */
bool spr_doctor_get_ok(const SprDoctor *doctor);
/* What the run reached: "none", "process", "kernel", "full" */
const char *spr_doctor_get_level(const SprDoctor *doctor);
/* The layers by name, whether there or not; NULL at and after the last one. */
const char *spr_doctor_get_layer(const SprDoctor *doctor, size_t index);
/* Of the layer at @index: "ok", "weak", "missing", "inapplicable" (nothing for it to do here),
 * "differs" (the attempt and the run disagree); what it keeps the code from; what there is to know,
 * or NULL; one command that would give it, or NULL. */
const char *spr_doctor_get_state(const SprDoctor *doctor, size_t index);
const char *spr_doctor_get_protects(const SprDoctor *doctor, size_t index);
const char *spr_doctor_get_detail(const SprDoctor *doctor, size_t index);
const char *spr_doctor_get_advice(const SprDoctor *doctor, size_t index);
/* Why the run failed; NULL where it did not. */
const char *spr_doctor_get_run_error(const SprDoctor *doctor);
/* The kernel's release, and the interpreter's version; NULL where it did not say. */
const char *spr_doctor_get_kernel(const SprDoctor *doctor);
const char *spr_doctor_get_python(const SprDoctor *doctor);
/* Everything above as one JSON object on one line. Free with free(). */
int spr_doctor_to_json(const SprDoctor *doctor, char **jsonp);

#ifdef __cplusplus
}
#endif
