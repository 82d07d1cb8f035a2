/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/decimal.h"
#include "base/failure.h"
#include "base/fd.h"
#include "sandbox/capabilities.h"
#include "sandbox/namespaces.h"
#include "sandbox/view.h"
#include "wire/messages.h"
#include "wire/packet.h"
#include "worker/closures.h"
#include "worker/warmup.h"

#define WARMUP_THREADS_MS 50

void warmup_take_exception(char *text, size_t size) {
        PyObject *type = NULL, *value = NULL, *traceback = NULL, *words = NULL, *name = NULL;
        const char *words_text = NULL, *name_text = NULL;

        PyErr_Fetch(&type, &value, &traceback);
        PyErr_NormalizeException(&type, &value, &traceback);
        if (type)
                name = PyObject_GetAttrString(type, "__name__");
        if (value)
                words = PyObject_Str(value);
        if (name)
                name_text = PyUnicode_AsUTF8AndSize(name, NULL);
        if (words)
                words_text = PyUnicode_AsUTF8AndSize(words, NULL);
        (void)snprintf(text, size, "%s: %s", name_text ? name_text : "error",
                       words_text ? words_text : "(no text)");
        PyErr_Clear();
        Py_XDECREF(name);
        Py_XDECREF(words);
        Py_XDECREF(type);
        Py_XDECREF(value);
        Py_XDECREF(traceback);
}

static int warmup_python_failure(Failure *failure, const char *action) {
        char text[320];

        warmup_take_exception(text, sizeof(text));
        return failure_set(failure, FAILURE_STAGE_ENVIRONMENT, EIO, "%s: %s", action, text);
}

static int warmup_view_add_object(ViewPlan *view, PyObject *path, Failure *failure) {
        const char *text;

        text = path && PyUnicode_Check(path) ? PyUnicode_AsUTF8AndSize(path, NULL) : NULL;
        if (!text) {
                PyErr_Clear(); /* not a path: nothing to show */
                return 0;
        }
        return view_plan_add(view, text, failure);
}

/* What was asked for on the command line. */
typedef struct WarmupOrder {
        uint64_t without; /* LayerSet */
        uint64_t flags;   /* ENV_FLAG_* */
        uint64_t n_paths;
        uint64_t n_optional; /* names of modules that come by ZYGOTE_PRELOAD */
        PyObject *argv;      /* borrowed */
} WarmupOrder;

#define WARMUP_FIRST_PATH 2 /* in argv */

static int warmup_read_order(WarmupOrder *order, Failure *failure) {
        PyObject *numbers;
        const char *at;

        order->argv = PySys_GetObject("argv");
        numbers = order->argv ? PyList_GetItem(order->argv, 1) : NULL;
        at = numbers ? PyUnicode_AsUTF8AndSize(numbers, NULL) : NULL;
        if (!at || !decimal_take(&at, &order->without) || !decimal_take(&at, &order->flags) ||
            !decimal_take(&at, &order->n_paths) || !decimal_take(&at, &order->n_optional)) {
                PyErr_Clear();
                return failure_lit(failure, FAILURE_STAGE_ZYGOTE, EPROTO,
                                   "the zygote was started with broken arguments");
        }
        return 0;
}

static int warmup_view_add_named(ViewPlan *view, const WarmupOrder *order, Failure *failure) {
        int r = 0;

        for (Py_ssize_t i = 0; !r && i < (Py_ssize_t)order->n_paths; ++i) {
                PyObject *path = PyList_GetItem(order->argv, WARMUP_FIRST_PATH + i);
                const char *text = path ? PyUnicode_AsUTF8AndSize(path, NULL) : NULL;

                if (text)
                        r = view_plan_add_named(view, text, failure);
                else
                        r = failure_lit(failure, FAILURE_STAGE_ENVIRONMENT, EILSEQ,
                                        "a path that runs may read is not UTF-8");
        }
        return r;
}

/* What this interpreter needs of the host's file system. */
static int warmup_view_plan(ViewPlan *view, const WarmupOrder *order, Failure *failure) {
        static const char *const attributes[] = {"prefix", "base_prefix", "exec_prefix",
                                                 "base_exec_prefix"};
        PyObject *path;
        int r;

        r = view_plan_add_system(view, failure);
        if (r)
                return r;
        for (size_t i = 0; i < ARRAY_SIZE(attributes); ++i) {
                r = warmup_view_add_object(view, PySys_GetObject(attributes[i]), failure);
                if (r)
                        return r;
        }
        path = PySys_GetObject("path");
        for (Py_ssize_t i = 0; path && i < PyList_Size(path); ++i) {
                r = warmup_view_add_object(view, PyList_GetItem(path, i), failure);
                if (r)
                        return r;
        }
        if (order->flags & ENV_FLAG_HOST_NETWORK) {
                r = view_plan_add_network(view, failure);
                if (r)
                        return r;
        }
        r = warmup_view_add_named(view, order, failure);
        return r ? r : view_plan_seal(view, failure);
}

static LayerSet warmup_enter_namespaces(const WarmupOrder *order) {
        LayerSet wanted = ~order->without;

        if (order->flags & ENV_FLAG_HOST_NETWORK)
                wanted &= ~LAYER_BIT(LAYER_NET_NAMESPACE);
        return namespaces_enter_empty(wanted);
}

static int warmup_close_world(WarmZygote *zygote, const WarmupOrder *order, Failure *failure) {
        int r;

        zygote->privileged = capabilities_have(CAP_SYS_ADMIN);
        zygote->network = order->flags & ENV_FLAG_HOST_NETWORK;
        r = view_plan_new(&zygote->view);
        if (r)
                return failure_lit(failure, FAILURE_STAGE_RESOURCES, -r, "out of memory");
        r = warmup_view_plan(zygote->view, order, failure);
        if (r)
                return r;
        if (zygote->privileged)
                zygote->layers |= warmup_enter_namespaces(order);
        if (zygote->privileged && !(order->without & LAYER_BIT(LAYER_MOUNT_NAMESPACE)))
                r = view_plan_apply(zygote->view, failure);
        if (r && r != VIEW_E_REFUSED)
                return r;
        if (zygote->view->applied)
                zygote->layers |= LAYER_BIT(LAYER_MOUNT_NAMESPACE);
        return view_plan_open(zygote->view, failure);
}

static uint32_t warmup_count_threads(int proc_fd) {
        struct dirent *entry;
        uint32_t n = 0;
        DIR *directory;
        int fd;

        fd = openat(proc_fd, "self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return 1;
        directory = fdopendir(fd);
        if (!directory) {
                (void)fd_close(fd);
                return 1;
        }
        while ((entry = readdir(directory)))
                n += entry->d_name[0] != '.';
        (void)closedir(directory);
        return n;
}

/* A worker would have the locks of another thread, and not the thread. One that was joined may be
 * about to end. */
static int warmup_refuse_threads(const char *module, int proc_fd, Failure *failure) {
        uint32_t n = warmup_count_threads(proc_fd);

        for (unsigned int ms = 0; n > 1 && ms < WARMUP_THREADS_MS; ++ms) {
                (void)poll(NULL, 0, 1);
                n = warmup_count_threads(proc_fd);
        }
        if (n <= 1)
                return 0;
        if (!module)
                return failure_set(failure, FAILURE_STAGE_ENVIRONMENT, EBUSY,
                                   "the environment leaves threads running at start: %u", n - 1);
        return failure_set(failure, FAILURE_STAGE_ENVIRONMENT, EBUSY,
                           "'%s' leaves threads running when it is imported: do not preload it",
                           module);
}

static int warmup_import(PyObject *name, const char *text, Failure *failure) {
        _cleanup_(py_unrefp) PyObject *module = NULL;
        char action[128];

        module = PyImport_Import(name);
        if (module)
                return 0;
        (void)snprintf(action, sizeof(action), "cannot preload '%.96s'", text);
        return warmup_python_failure(failure, action);
}

static int warmup_preload(const WarmupOrder *order, int proc_fd, Failure *failure) {
        Py_ssize_t i = WARMUP_FIRST_PATH + (Py_ssize_t)order->n_paths;
        int r;

        r = warmup_refuse_threads(NULL, proc_fd, failure);
        for (; !r && i < PyList_Size(order->argv); ++i) {
                PyObject *name = PyList_GetItem(order->argv, i);
                const char *text = PyUnicode_AsUTF8AndSize(name, NULL);

                r = warmup_import(name, text, failure);
                if (!r)
                        r = warmup_refuse_threads(text, proc_fd, failure);
        }
        return r;
}

/* Each where it can be imported. */
static int warmup_preload_optional(Packet *packet, int proc_fd, Failure *failure) {
        char *at = (char *)packet->payload, *end = at + packet->header.length;
        int r = 0;

        end[-1] = '\0';
        for (; !r && at < end; at += strlen(at) + 1) {
                _cleanup_(py_unrefp) PyObject *name = PyUnicode_FromString(at);

                if (name)
                        (void)warmup_import(name, at, failure);
                PyErr_Clear();
                /* one that failed may have started some, too */
                r = warmup_refuse_threads(at, proc_fd, failure);
        }
        return r;
}

/* What other runs have wanted. The names are theirs: they are wiped, since some mean nothing. */
static int warmup_learn(const WarmupOrder *order, int control_fd, int proc_fd, Failure *failure) {
        size_t n_fds = 0;
        Packet packet;
        int r;

        if (order->n_optional == 0)
                return 0;
        r = packet_receive(control_fd, &packet, SENDER_AGENT_TO_ZYGOTE, WIRE_GREETING, NULL, &n_fds,
                           failure);
        if (r <= 0 || packet.header.type != FRAME_ZYGOTE_PRELOAD)
                return failure_lit(failure, FAILURE_STAGE_ZYGOTE, EPROTO,
                                   "the zygote was not told what to preload");
        r = warmup_preload_optional(&packet, proc_fd, failure);
        memset(&packet, 0, sizeof(packet));
        __asm__ volatile("" : : "r"(&packet) : "memory"); /* it is not idle */
        return r;
}

extern int malloc_trim(size_t pad) __attribute__((weak)); /* of glibc; musl has none */

int warmup_freeze(void) {
        PyObject *gc, *done = NULL;

        gc = PyImport_ImportModule("gc");
        if (gc)
                done = PyObject_CallMethod(gc, "collect", NULL);
        if (done) {
                Py_DECREF(done);
                done = PyObject_CallMethod(gc, "freeze", NULL);
        }
        Py_XDECREF(gc);
        Py_XDECREF(done);
        if (malloc_trim)
                (void)malloc_trim(0); /* what the imports have freed need not be copied */
        return done ? 0 : -1;
}

/* The sixth number of statm: pages of data and stack. */
static uint64_t warmup_data_bytes(int proc_fd) {
        _cleanup_(closep) int fd = -1;
        char text[128];
        const char *at = text;
        uint64_t pages = 0;
        ssize_t n;

        fd = openat(proc_fd, "self/statm", O_RDONLY | O_CLOEXEC);
        n = fd < 0 ? -1 : fd_read(fd, text, sizeof(text) - 1);
        if (n <= 0)
                return 0;
        text[n] = '\0';
        for (unsigned int field = 0; field < 6; ++field)
                if (!decimal_take(&at, &pages))
                        return 0;
        return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

int warmup(WarmZygote *zygote, int proc_fd, int control_fd, Failure *failure) {
        WarmupOrder order = {0};
        int r;

        r = warmup_read_order(&order, failure);
        if (!r)
                r = warmup_close_world(zygote, &order, failure);
        if (r)
                return r;
        closures_stock();
        if (job_tools_new(&zygote->tools))
                return warmup_python_failure(failure, "cannot prepare the interpreter");
        r = warmup_preload(&order, proc_fd, failure);
        if (!r)
                r = warmup_learn(&order, control_fd, proc_fd, failure);
        if (r)
                return r;
        if (job_tools_take_preloaded(zygote->tools))
                return warmup_python_failure(failure, "cannot prepare a rehearsal");
        if (job_tools_copy_builtins(zygote->tools))
                return warmup_python_failure(failure, "cannot copy the builtins");
        if (warmup_freeze())
                return warmup_python_failure(failure, "cannot freeze the heap");
        zygote->n_threads = warmup_count_threads(proc_fd);
        zygote->data_bytes = warmup_data_bytes(proc_fd);
        return 0;
}
