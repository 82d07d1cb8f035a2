#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Messages: the payload of each frame type
 *
 * Plain structs of fixed size without padding; strings that follow one are said beside it. All
 * times are nanoseconds, all sizes bytes. Fields named zero* are reserved and sent as 0.
 */
#include <assert.h>
#include <stdint.h>

#include "base/failure.h"
#include "base/layers.h"

typedef struct HelloFrame HelloFrame;
typedef struct WelcomeFrame WelcomeFrame;
typedef struct EnvOpenFrame EnvOpenFrame;
typedef struct EnvReadyFrame EnvReadyFrame;
typedef struct SubmitFrame SubmitFrame;
typedef struct CreditFrame CreditFrame;
typedef struct Usage Usage;
typedef struct ResultFrame ResultFrame;
typedef struct ZygoteReadyFrame ZygoteReadyFrame;
typedef struct ZygoteSpawnFrame ZygoteSpawnFrame;
typedef struct ZygoteSpawnedFrame ZygoteSpawnedFrame;
typedef struct ZygoteExitedFrame ZygoteExitedFrame;
typedef struct WorkerReadyFrame WorkerReadyFrame;
typedef struct WorkerRunFrame WorkerRunFrame;
typedef struct WorkerResultFrame WorkerResultFrame;

struct HelloFrame {
        uint32_t magic;
        uint16_t major, minor;
        uint64_t zero;
};

struct WelcomeFrame {
        uint32_t magic;
        uint16_t major, minor;
        uint32_t max_runs; /* runs that may be in flight; more are refused with a FAILURE */
        uint32_t pid;      /* of the agent, in its own pid namespace */
};

enum {
        ENV_FLAG_HOST_NETWORK = 1 << 0,  /* its runs share the network of the agent */
        ENV_FLAG_PRELOAD_AUTO = 1 << 1,  /* also preload what its runs turn out to import */
        ENV_FLAG_EXCLUSIVE_TMP = 1 << 2, /* /tmp is its runs', one at a time, where they share it */

        ENV_FLAGS = ENV_FLAG_HOST_NETWORK | ENV_FLAG_PRELOAD_AUTO | ENV_FLAG_EXCLUSIVE_TMP,
};

#define ENV_STANDBYS_ADAPTIVE UINT32_MAX
#define ENV_STANDBYS_MAX      4096

/* Followed by NUL-terminated strings: the interpreter's path (absolute), then n_preloads module
 * names, then n_paths absolute paths of the host that its runs may read. */
struct EnvOpenFrame {
        uint64_t tenant;
        uint64_t startup_timeout_ns;
        uint32_t n_preloads;
        uint32_t n_paths;
        uint32_t flags;      /* ENV_FLAG_* */
        uint32_t n_standbys; /* kept for each kind of run, or ENV_STANDBYS_ADAPTIVE */
};

/* Followed by NUL-terminated strings: the version ("3.11.2"), sys.prefix. */
struct EnvReadyFrame {
        LayerSet layers; /* of the zygote */
        uint32_t hexversion;
        uint32_t zygote_pid; /* as the agent sees it */
};

enum {
        SUBMIT_FLAG_PROCESSES = 1 << 0, /* the code may start processes */
        SUBMIT_FLAG_PROC = 1 << 1,      /* it finds a /proc of its own pid namespace */
};

struct SubmitFrame {
        uint64_t tenant;
        uint64_t environment;
        uint64_t mold;           /* 0 = the default one */
        uint64_t parent_session; /* 0 = none */
        uint64_t timeout_ns;     /* > 0 */
        uint64_t memory_bytes;   /* beyond the warm interpreter; 0 = no limit */
        uint64_t output_bytes;   /* cap of stdout and of stderr, each; <= REGION_OUTPUT_MAX */
        uint64_t result_bytes;   /* cap of the result; <= REGION_RESULT_MAX */
        uint64_t code_size;      /* what the DATA frames will bring, per channel */
        uint64_t input_size;
        uint32_t policy_size;
        uint32_t name_size;
        uint32_t flags;         /* SUBMIT_FLAG_* */
        uint32_t min_level;     /* IsolationLevel; a worker that reaches less is refused the run */
        uint64_t disk_bytes;    /* of the private /tmp; > 0 */
        uint64_t file_bytes;    /* of one file; > 0 */
        uint64_t cpu_ns;        /* CPU time of the whole run; 0 = no limit but the deadline */
        uint32_t max_processes; /* processes and threads at a time; > 0 */
        uint32_t zero;
};

struct CreditFrame {
        uint32_t bytes; /* more payload of DATA frames that may be sent on this stream */
        uint32_t zero;
};

struct Usage {
        uint64_t wall_ns; /* from the hand-over of the request to the end of the run */
        uint64_t cpu_user_ns;
        uint64_t cpu_system_ns;
        uint64_t peak_memory_bytes; /* beyond the warm interpreter: anonymous and shared pages */
};

enum {
        RESULT_FLAG_STDOUT_TRUNCATED = 1 << 0,
        RESULT_FLAG_STDERR_TRUNCATED = 1 << 1,
        RESULT_FLAG_HAS_RESULT = 1 << 2, /* else the result is None */
        RESULT_FLAG_HAS_ERROR = 1 << 3,
        RESULT_FLAG_RESOURCE_EXCEEDED = 1 << 4,
        RESULT_FLAG_HOST_NETWORK = 1 << 5, /* the run could use the network of the host */
        RESULT_FLAG_REMOTE = 1 << 6,       /* the agent was put where a command leads to */
        RESULT_FLAG_CONTAINER = 1 << 7,    /* and that is a container */

        /* since version 1.1: sent to hosts that know them only */
        RESULT_FLAG_STANDBY = 1 << 8,     /* a worker was ready for the run when it came */
        RESULT_FLAG_PAGE_FAULTS = 1 << 9, /* page_faults is what the kernel counted */
};

struct ResultFrame {
        uint32_t outcome;   /* Outcome */
        uint32_t killed_by; /* KilledBy */
        int32_t exit_code;
        int32_t signal; /* that ended the process, or 0 */
        uint32_t flags; /* RESULT_FLAG_* */
        uint32_t level; /* IsolationLevel */
        LayerSet layers;
        Usage usage;
        uint64_t stdout_total; /* bytes written, also those not kept */
        uint64_t stderr_total;
        uint64_t result_size; /* what the DATA frames will bring, per channel */
        uint64_t stdout_size;
        uint64_t stderr_size;
        uint32_t error_size;
        uint32_t stdout_tail_size;
        uint32_t stderr_tail_size;
        uint32_t page_faults; /* of the run, at most UINT32_MAX; with its flag, else 0 */
};

/* Followed by NUL-terminated strings: the version ("3.11.2"), sys.prefix. */
struct ZygoteReadyFrame {
        LayerSet layers;
        uint32_t hexversion;
        uint32_t n_threads; /* 1, or the zygote must not fork */
};

enum {
        SPAWN_FLAG_PIDNS = 1 << 0,     /* a pidfd of the run's init comes along */
        SPAWN_FLAG_USERNS = 1 << 1,    /* the agent lives in a user namespace of its own */
        SPAWN_FLAG_PROCESSES = 1 << 2, /* the code may start processes */
        SPAWN_FLAG_PROC = 1 << 3,      /* a mount of /proc comes along */
        SPAWN_FLAG_REHEARSE = 1 << 4,  /* nobody waits for the worker yet */
};

/* Descriptors, in this order: the worker's socket, stdout and stderr (write ends), the region, the
 * work directory (O_PATH, or /dev/null where the worker mounts its own), n_group_fds files by which
 * the worker joins its cgroup, with SPAWN_FLAG_PIDNS a pidfd of the run's init, and with
 * SPAWN_FLAG_PROC a detached mount of its /proc. */
struct ZygoteSpawnFrame {
        uint32_t uid;         /* to run as; UINT32_MAX = stay */
        uint32_t flags;       /* SPAWN_FLAG_* */
        uint64_t data_bytes;  /* RLIMIT_DATA beyond the warm interpreter; 0 = none */
        uint64_t file_bytes;  /* RLIMIT_FSIZE */
        uint64_t disk_bytes;  /* size of the private tmpfs */
        uint64_t cpu_seconds; /* RLIMIT_CPU; 0 = none */
        uint32_t n_files;     /* RLIMIT_NOFILE */
        uint32_t n_processes; /* RLIMIT_NPROC; 0 = none */
        uint32_t n_group_fds;
        uint32_t zero;
        LayerSet without; /* layers left out on demand, for tests and diagnosis */
};

struct ZygoteSpawnedFrame {
        int32_t pid; /* in the zygote's pid namespace */
        uint32_t zero;
};

struct ZygoteExitedFrame {
        int32_t status; /* as from wait4(2) */
        uint32_t zero;
        uint64_t cpu_user_ns;
        uint64_t cpu_system_ns;
        uint64_t max_rss_bytes; /* resident, with file pages and the warm interpreter's */
        uint64_t page_faults;   /* with and without input */
};

struct WorkerReadyFrame {
        LayerSet layers; /* applied and read back */
        uint64_t zero;
};

/* Where the request lies in the region: code, input, policy, name, one after the other from
 * REGION_REQUEST_OFFSET. */
struct WorkerRunFrame {
        uint64_t code_size;
        uint64_t input_size;
        uint32_t policy_size;
        uint32_t name_size;
        uint64_t output_bytes;
        uint64_t result_bytes;
        uint32_t flags; /* WORKER_FLAG_* */
        uint32_t zero;
};

enum {
        WORKER_FLAG_IMPORTS = 1 << 0, /* the modules it has to import are to be told */
};

#define WORKER_IMPORTS_MAX 2048

typedef enum WorkerVerdict {
        VERDICT_OK,     /* ended, or SystemExit: exit_code says which status */
        VERDICT_ERROR,  /* exception, or not compiled */
        VERDICT_MEMORY, /* MemoryError that nobody caught */
        VERDICT_DENIED, /* an exception of the policy that nobody caught */
        VERDICT_OUTPUT, /* the result is larger than result_bytes */
        _VERDICT_N,
} WorkerVerdict;

/* The texts lie in the region: the result at REGION_RESULT_OFFSET, the error at
 * REGION_ERROR_OFFSET. */
struct WorkerResultFrame {
        uint32_t verdict; /* WorkerVerdict */
        int32_t exit_code;
        uint64_t result_size; /* 0 = None */
        uint32_t error_size;  /* 0 = no error */
        uint32_t zero;
};

static_assert(sizeof(SubmitFrame) == 128, "no padding");
static_assert(sizeof(ResultFrame) == 120, "no padding");
static_assert(sizeof(WorkerRunFrame) == 48, "no padding");
static_assert(sizeof(Failure) == 488, "no padding");
