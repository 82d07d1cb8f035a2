/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/buffer.h"
#include "engine/bootstrap-program.h"

#define PROGRAM_MAX 8192

/* For Python 3.9 and later, with nothing but built-in modules: it may run with -S, from a minimal
 * installation, on a machine whose temporary directories forbid to execute. */
static const char source[] =
        "import os, sys\n"
        "def say(*words):\n"
        "    data = os.fsencode(\" \".join(words) + chr(10))\n"
        "    while data:\n"
        "        data = data[os.write(1, data):]\n"
        "def take(n):\n"
        "    pieces = []\n"
        "    while n:\n"
        "        piece = os.read(0, min(n, 65536))\n"
        "        if not piece:\n"
        "            os._exit(1)\n"
        "        pieces.append(piece)\n"
        "        n -= len(piece)\n"
        "    return b\"\".join(pieces)\n"
        "def fill(fd):\n"
        "    data = memoryview(agent)\n"
        "    while data:\n"
        "        data = data[os.write(fd, data):]\n"
        "def file_in(place):\n"
        "    if not place:\n"
        "        fd = os.memfd_create(\"spr-agent\")\n"
        "        fill(fd)\n"
        "        return fd\n"
        "    name = \"%s/spr-agent-%s\" % (place, T)\n"
        "    fd = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o500)\n"
        "    try:\n"
        "        fill(fd)\n"
        "        return os.open(name, os.O_RDONLY)\n"
        "    finally:\n"
        "        os.unlink(name)\n"
        "        os.close(fd)\n"
        "say(chr(10) + T, os.uname().machine, \"%x\" % sys.hexversion, sys.implementation.name,\n"
        "    os.fsencode(sys.executable or \"\").hex() or \"-\")\n"
        "agent = take(int(take(16), 16))\n"
        "words = []\n"
        "arguments = [\"spr-agent\", \"--remote\", \"--python\", sys.executable]\n"
        "clean = {\"PATH\": \"/usr/local/bin:/usr/bin:/bin\", \"LANG\": \"C.UTF-8\", \"HOME\": "
        "\"/\"}\n"
        "for place in (\"\", \"/run/spr\", \"/dev/shm\", \"/tmp\", \"/var/tmp\"):\n"
        "    try:\n"
        "        os.execve(file_in(place), arguments, clean)\n"
        "    except (OSError, AttributeError) as error:\n"
        "        words.append(\"%s: %s\" % (place or \"memory\", error))\n"
        "say(T, \"failed\", \"; \".join(words))\n"
        "os._exit(1)\n";

static int append_text(Buffer *buffer, const char *text) {
        return buffer_append(buffer, text, strlen(text));
}

/* As the inside of a Python string. */
static int append_quoted(Buffer *buffer, const char *text) {
        int r = 0;

        for (; *text && r == 0; text++) {
                if (*text == '\n')
                        r = append_text(buffer, "\\n");
                else if (*text == '"')
                        r = append_text(buffer, "\\\"");
                else
                        r = buffer_append(buffer, text, 1);
        }
        return r;
}

char *bootstrap_program_new(const char *token) {
        _cleanup_(buffer_deinitp) Buffer buffer = BUFFER_NULL;
        size_t length;

        buffer_init(&buffer, PROGRAM_MAX);
        if (append_text(&buffer, "T=\"") || append_text(&buffer, token) ||
            append_text(&buffer, "\";exec(\"") || append_quoted(&buffer, source) ||
            append_text(&buffer, "\")"))
                return NULL;
        return buffer_steal(&buffer, &length);
}
