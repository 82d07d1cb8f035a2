/* SPDX-License-Identifier: MIT */
/*
 * The request comes through the region but not through its mapping: a shared page that the worker
 * touches counts as memory of the run, and 96 MB of input would be paid for twice. pread(2) copies
 * from pages the agent has touched.
 */
#include <errno.h>
#include <string.h>

#include "base/fd.h"
#include "wire/packet.h"
#include "wire/region.h"
#include "worker/request.h"

static int request_check(const WorkerRunFrame *frame, Failure *failure) {
        if (frame->code_size > REGION_CODE_MAX || frame->input_size > REGION_INPUT_MAX ||
            frame->policy_size > REGION_POLICY_MAX || frame->name_size > REGION_NAME_MAX ||
            frame->output_bytes > REGION_OUTPUT_MAX || frame->result_bytes > REGION_RESULT_MAX)
                return failure_set(failure, FAILURE_STAGE_WORKER, EPROTO,
                                   "cannot take the request: a size is beyond the region's");
        return 0;
}

int request_receive(Request *request, int socket_fd, uint64_t worker_id, Failure *failure) {
        size_t n_fds = 0;
        Packet packet;
        int r;

        r = packet_receive(socket_fd, &packet, SENDER_AGENT_TO_WORKER, WIRE_WAITING, NULL, &n_fds,
                           failure);
        if (r == 0)
                return REQUEST_E_NONE;
        if (r == -EPROTO)
                return r;
        if (r < 0)
                return failure_errno(failure, FAILURE_STAGE_WORKER, -r,
                                     "cannot receive the request");
        if (packet.header.type != FRAME_WORKER_RUN || packet.header.stream != worker_id)
                return failure_set(failure, FAILURE_STAGE_WORKER, EPROTO,
                                   "cannot take a %s frame of run %llu as the request",
                                   frame_name(packet.header.type),
                                   (unsigned long long)packet.header.stream);
        memcpy(&request->frame, packet.payload, sizeof(request->frame));
        return request_check(&request->frame, failure);
}

static PyObject *request_read_part(int region_fd, uint64_t *offset, uint64_t size) {
        _cleanup_(py_unrefp) PyObject *bytes = NULL;
        int r;

        bytes = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)size);
        if (!bytes)
                return NULL;
        r = fd_pread_all(region_fd, PyBytes_AsString(bytes), size, *offset);
        if (r < 0) {
                errno = -r;
                return PyErr_SetFromErrno(PyExc_OSError);
        }
        *offset += size;
        return take_ptr(&bytes);
}

static PyObject *request_name(PyObject *bytes) {
        PyObject *name =
                PyUnicode_DecodeUTF8(PyBytes_AsString(bytes), PyBytes_Size(bytes), "replace");

        if (!name)
                return NULL;
        /* compile() refuses a NUL with words that would blame the code */
        if (PyUnicode_GetLength(name) > 0 &&
            PyUnicode_FindChar(name, 0, 0, PyUnicode_GetLength(name), 1) == -1)
                return name;
        Py_DECREF(name);
        return PyUnicode_FromString(REQUEST_DEFAULT_NAME);
}

int request_read(Request *request, int region_fd) {
        const WorkerRunFrame *frame = &request->frame;
        _cleanup_(py_unrefp) PyObject *name = NULL;
        uint64_t offset = REGION_REQUEST_OFFSET;

        request->code = request_read_part(region_fd, &offset, frame->code_size);
        if (!request->code)
                return -1;
        request->input = request_read_part(region_fd, &offset, frame->input_size);
        if (!request->input)
                return -1;
        request->policy = request_read_part(region_fd, &offset, frame->policy_size);
        if (!request->policy)
                return -1;
        name = request_read_part(region_fd, &offset, frame->name_size);
        request->name = name ? request_name(name) : NULL;
        return request->name ? 0 : -1;
}
