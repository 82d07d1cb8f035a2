/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/fault.h"
#include "cli/status.h"

int fault_set(Fault *fault, int status, const char *format, ...) {
        va_list arguments;

        *fault = (Fault){.status = status};
        va_start(arguments, format);
        (void)vsnprintf(fault->text, sizeof(fault->text), format, arguments);
        va_end(arguments);
        return status;
}

int fault_set_error(Fault *fault, int r, const SprError *error) {
        int status = status_from_error(r);

        if (error->message[0] != '\0')
                return fault_set(fault, status, "%s", error->message);
        if (r < 0)
                return fault_set(fault, status, "%s", strerror(-r));
        return fault_set(fault, status, "libspr failed with code %d", r);
}

int fault_set_oom(Fault *fault) {
        return fault_set(fault, STATUS_FAILURE, "out of memory");
}
