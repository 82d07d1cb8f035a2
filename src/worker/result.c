/* SPDX-License-Identifier: MIT */
/*
 * The result is made JSON as soon as the code has ended, before threads and atexit functions can
 * change it. It is written with pwrite(2), so that its pages are not memory of the run; where that
 * is refused (a file size limit below the region's, a descriptor the code has closed) the mapping
 * takes it, which always works.
 */
#include <string.h>
#include <sys/mman.h>

#include "base/attr.h"
#include "base/json-text.h"
#include "wire/region.h"
#include "worker/result.h"

#define RESULT_PIECE_BYTES ((size_t)1 << 20) /* whole pages */

static void result_refuse_size(Answer *answer, size_t size, uint64_t max) {
        answer_set_consume(answer, VERDICT_OUTPUT, 1,
                           PyUnicode_FromFormat("result is too large: %zu bytes, limit %zu", size,
                                                (size_t)max));
}

static PyObject *
result_encode(const JsonTools *json, PyObject *value, uint64_t max, Answer *answer) {
        _cleanup_(py_unrefp) PyObject *text = NULL;
        size_t size;

        text = json_encode(json, value, max, &size);
        if (!text)
                answer_set_raised(answer, "result is not JSON serialisable: ");
        else if (text == Py_None)
                result_refuse_size(answer, size, max);
        else
                return take_ptr(&text);
        return NULL;
}

/* Since 3.12 CPython writes what it, and others, cannot read again. */
static bool result_is_too_deep(PyObject *text) {
        Py_ssize_t length;
        const char *bytes = PyUnicode_AsUTF8AndSize(text, &length);

        return bytes &&
               json_text_check(bytes, (size_t)length, JSON_DEPTH_MAX, NULL) == JSON_TEXT_E_DEPTH;
}

void result_collect(const JsonTools *json, PyObject *globals, uint64_t max, Answer *answer) {
        _cleanup_(py_unrefp) PyObject *value = NULL;
        _cleanup_(py_unrefp) PyObject *text = NULL;

        value = PyDict_GetItemString(globals, "result"); /* borrowed */
        if (!value)
                return;
        Py_INCREF(value);
        if (value == Py_None)
                return;
        if (PyUnicode_Check(value) && (uint64_t)PyUnicode_GetLength(value) > max) {
                /* not worth a copy of it; with the quotes it has at least these bytes */
                result_refuse_size(answer, (size_t)PyUnicode_GetLength(value) + 2, max);
                return;
        }
        text = result_encode(json, value, max, answer);
        if (!text)
                return;
        if (result_is_too_deep(text))
                answer_set_consume(
                        answer, VERDICT_ERROR, 1,
                        PyUnicode_FromFormat("result is nested too deeply: more than %d levels",
                                             JSON_DEPTH_MAX));
        else
                answer->result = take_ptr(&text);
}

/* By way of the mapping, piece by piece, so that the pages do not add up in this process. */
static void result_write_area(void *mapping, uint64_t offset, const char *bytes, size_t length) {
        char *area = (char *)mapping + offset;

        for (size_t done = 0; done < length;) {
                size_t n = min_size(length - done, RESULT_PIECE_BYTES);

                memcpy(area + done, bytes + done, n);
                (void)madvise(area + done, n, MADV_DONTNEED); /* the file keeps them */
                done += n;
        }
}

/* At most @max bytes of @text in UTF-8, cut between characters; the length. */
static size_t result_write_text(void *mapping, uint64_t offset, PyObject *text, size_t max) {
        _cleanup_(py_unrefp) PyObject *encoded = NULL;
        const char *bytes;
        size_t length;

        encoded = text ? PyUnicode_AsEncodedString(text, "utf-8", "backslashreplace") : NULL;
        if (!encoded) {
                PyErr_Clear();
                return 0;
        }
        bytes = PyBytes_AsString(encoded);
        length = (size_t)PyBytes_Size(encoded);
        if (length > max) {
                length = max;
                while (length > 0 && ((unsigned char)bytes[length] & 0xc0) == 0x80)
                        --length;
        }
        result_write_area(mapping, offset, bytes, length);
        return length;
}

WorkerResultFrame result_write(const Answer *answer, void *mapping) {
        WorkerResultFrame frame = {
                .verdict = answer->verdict,
                .exit_code = answer->exit_code,
        };
        const char *bytes;
        Py_ssize_t length;

        frame.error_size = (uint32_t)result_write_text(mapping, REGION_ERROR_OFFSET, answer->error,
                                                       REGION_ERROR_MAX);
        bytes = answer->result ? PyUnicode_AsUTF8AndSize(answer->result, &length) : NULL;
        if (bytes) { /* ASCII: no copy was made */
                result_write_area(mapping, REGION_RESULT_OFFSET, bytes, (size_t)length);
                frame.result_size = (uint64_t)length;
        }
        PyErr_Clear();
        return frame;
}
