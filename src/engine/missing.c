/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "engine/command.h"
#include "engine/environment.h"
#include "engine/missing.h"
#include "engine/packages.h"

#define MISSING_TIMEOUT_NS (60 * NSEC_PER_SEC)
#define MISSING_MARK       "spr-missing:"

/* Arguments: the Python specifier or "", then for each requirement its name, specifier and marker.
 * Prints the number of each that is not met (0 = Python itself), and "end". */
static const char program[] =
        "import sys\n"
        "from importlib import metadata\n"
        "try:\n"
        "    from packaging.markers import Marker\n"
        "    from packaging.specifiers import SpecifierSet\n"
        "except ImportError:\n"
        "    try:\n"
        "        from pip._vendor.packaging.markers import Marker\n"
        "        from pip._vendor.packaging.specifiers import SpecifierSet\n"
        "    except ImportError:\n"
        "        Marker = SpecifierSet = None\n"
        "def release(text):\n"
        "    parts = text.lower().split('.')\n"
        "    while len(parts) > 1 and parts[-1] == '0':\n"
        "        parts.pop()\n"
        "    return tuple(int(p) if p.isdigit() else p for p in parts)\n"
        "def simple(version, clause):\n"
        "    have = release(version)\n"
        "    for operator in ('===', '==', '!=', '<=', '>=', '~=', '<', '>'):\n"
        "        if clause.startswith(operator):\n"
        "            break\n"
        "    want = clause[len(operator):]\n"
        "    if want.endswith('.*'):\n"
        "        n = want.count('.')\n"
        "        want, have = release(want[:-2]), release('.'.join(version.split('.')[:n]))\n"
        "    else:\n"
        "        want = release(want)\n"
        "    try:\n"
        "        return {'===': have == want, '==': have == want, '!=': have != want,\n"
        "                '<=': have <= want, '>=': have >= want, '~=': have >= want,\n"
        "                '<': have < want, '>': have > want}[operator]\n"
        "    except TypeError:\n"
        "        return True\n"
        "def meets(version, specifier, everything):\n"
        "    if not specifier:\n"
        "        return True\n"
        "    if SpecifierSet:\n"
        "        return SpecifierSet(specifier).contains(version, prereleases=True)\n"
        "    return all(simple(version, c) for c in specifier.split(',')\n"
        "               if everything or c.startswith('=='))\n"
        "def met(name, specifier, marker):\n"
        "    if marker:\n"
        "        if not Marker or not Marker(marker).evaluate({'extra': ''}):\n"
        "            return True\n"
        "    try:\n"
        "        return meets(metadata.version(name), specifier, False)\n"
        "    except metadata.PackageNotFoundError:\n"
        "        return False\n"
        "def say(word):\n"
        "    print('" MISSING_MARK "' + str(word))\n"
        "if not meets('%d.%d.%d' % sys.version_info[:3], sys.argv[1], True):\n"
        "    say(0)\n"
        "rest = sys.argv[2:]\n"
        "for i in range(0, len(rest), 3):\n"
        "    if not met(*rest[i:i + 3]):\n"
        "        say(i // 3 + 1)\n"
        "say('end')\n";

typedef struct Answer {
        const Strings *requirements;
        const char *requires_python;
        Strings *missing;
        bool complete;
        int error;
} Answer;

/* The interpreter is the operator's, its packages may print anything: numbers are checked. */
static void answer_listen(void *userdata, const char *line) {
        Answer *answer = userdata;
        unsigned long number;
        const char *word;
        char *end;
        int r = 0;

        if (strncmp(line, MISSING_MARK, strlen(MISSING_MARK)) != 0)
                return;
        word = line + strlen(MISSING_MARK);
        number = strtoul(word, &end, 10);
        if (strcmp(word, "end") == 0)
                answer->complete = true;
        else if (end == word || *end || number > answer->requirements->n_items)
                return;
        else if (number == 0)
                r = strings_addf(answer->missing, "python%s", answer->requires_python);
        else
                r = strings_add(answer->missing, answer->requirements->items[number - 1]);
        if (r < 0)
                answer->error = r;
}

/* The canonical form of a PEP 440 specifier set for Python itself, "" for none. */
static int python_specifier(const char *requires_python, Requirement *parsed, Failure *failure) {
        _cleanup_(freep) char *text = NULL;
        int r;

        parsed->specifier[0] = '\0';
        if (!requires_python || !requires_python[0])
                return 0;
        if (asprintf(&text, "python %s", requires_python) < 0)
                return failure_errno(failure, FAILURE_STAGE_RESOURCES, ENOMEM,
                                     "cannot check for Python");
        r = requirement_parse(parsed, text, NULL);
        if (r == 0 && !parsed->extras[0] && !parsed->marker[0] &&
            strcmp(parsed->name, "python") == 0)
                return 0;
        return failure_set(failure, FAILURE_STAGE_REQUEST, EINVAL,
                           "requires-python '%.100s' is not a version specifier", requires_python);
}

static int build_argv(Strings *argv,
                      const char *python,
                      const Strings *requirements,
                      const char *requires_python,
                      Failure *failure) {
        const char *const head[] = {python, "-I", "-c", program, NULL};
        Requirement parsed;
        int r;

        r = python_specifier(requires_python, &parsed, failure);
        if (r < 0)
                return r;
        r = strings_add_array(argv, head);
        if (r == 0)
                r = strings_add(argv, parsed.specifier);
        for (size_t i = 0; i < requirements->n_items && r == 0; ++i) {
                r = requirement_parse(&parsed, requirements->items[i], failure);
                if (r < 0)
                        return r;
                r = strings_add(argv, parsed.name);
                if (r == 0)
                        r = strings_add(argv, parsed.specifier);
                if (r == 0)
                        r = strings_add(argv, parsed.marker);
        }
        if (r < 0)
                return failure_errno(failure, FAILURE_STAGE_RESOURCES, -r,
                                     "cannot check for packages");
        return 0;
}

static int answer_verdict(const Answer *answer,
                          const CommandResult *result,
                          const char *python,
                          Failure *failure) {
        char summary[200];

        if (answer->error < 0)
                return failure_errno(failure, FAILURE_STAGE_RESOURCES, -answer->error,
                                     "cannot check for packages");
        if (result->exit_status == 0 && answer->complete)
                return 0;
        command_result_summary(result, summary, sizeof(summary));
        (void)failure_set(failure, FAILURE_STAGE_ENVIRONMENT, EIO,
                          "'%s' cannot say which packages it has (exit status %d): %s", python,
                          result->exit_status, summary[0] ? summary : "it said nothing");
        return MISSING_E_INTERPRETER;
}

int missing_find(Strings *missing,
                 const char *python,
                 const char *const *environment,
                 const Strings *requirements,
                 const char *requires_python,
                 Failure *failure) {
        _cleanup_(strings_deinitp) Strings argv = STRINGS_NULL, variables = STRINGS_NULL;
        Answer answer = {
                .requirements = requirements,
                .requires_python = requires_python,
                .missing = missing,
        };
        CommandResult result;
        int r;

        r = build_argv(&argv, python, requirements, requires_python, failure);
        if (r < 0)
                return r;
        r = environment_build(&variables, environment, NULL);
        if (r < 0)
                return failure_errno(failure, FAILURE_STAGE_RESOURCES, -r,
                                     "cannot check for packages");
        r = command_run(
                &(CommandOptions){
                        .argv = strings_array(&argv),
                        .environment = strings_array(&variables),
                        .timeout_ns = MISSING_TIMEOUT_NS,
                        .line = answer_listen,
                        .userdata = &answer,
                },
                &result, failure);
        return r < 0 ? r : answer_verdict(&answer, &result, python, failure);
}
