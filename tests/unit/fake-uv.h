#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * FakeUv: a uv of shell, and an interpreter for its venvs that is no script
 *
 * Notes each call in <scratch>/log, sources <scratch>/orders, then does what uv does: `venv` makes
 * bin/python as a link and pyvenv.cfg, `pip install` leaves a file per package in <venv>/lib.
 */
#include "scratch.h"

#define FAKE_UV                                                                                    \
        "#!/bin/sh\n"                                                                              \
        "root=${0%/*}\n"                                                                           \
        "echo \"$1\" >>\"$root/log\"\n"                                                            \
        ". \"$root/orders\"\n"                                                                     \
        "case $1 in\n"                                                                             \
        "venv) mkdir -p \"$6/bin\" \"$6/lib\"; ln -sf \"$5\" \"$6/bin/python\"\n"                  \
        "      echo 'version_info = 3.11.2' >\"$6/pyvenv.cfg\";;\n"                                \
        "pip) python=$4; echo \"$*\" >>\"$root/installs\"; shift 5\n"                              \
        "     for a; do case $a in *==*) >\"${python%/bin/python}/lib/$a\";; esac; done;;\n"       \
        "esac\n"

/* Both the directory to find uv in and PATH for uv. */
static inline const char *fake_search_path(void) {
        char *path = NULL;

        assert_true(asprintf(&path, "%s:/usr/bin:/bin", scratch_root) > 0);
        return scratch_keep(path);
}

static inline void fake_uv_orders(const char *orders) {
        (void)scratch_write("orders", orders);
        (void)unlink(scratch_path("log"));
        (void)unlink(scratch_path("installs"));
}

/* Returns the interpreter to build on. */
static inline const char *fake_uv_install(void) {
        const char *python = scratch_write("base/python3.11", "\177ELF or so");

        assert_int_equal(chmod(python, 0755), 0);
        (void)scratch_write("uv", FAKE_UV);
        fake_uv_orders("");
        return python;
}
