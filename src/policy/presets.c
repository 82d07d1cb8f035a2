/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "policy/presets.h"
#include "policy/suggest.h"

const Preset presets[PRESETS] = {
        {
                .name = "strict",
                .summary = "plain computing: named modules and builtins only, small limits",
                .toml = "mode = 'allow'\n"
                        "timeout_seconds = 2\n"
                        "cpu_seconds = 2\n"
                        "memory_limit_mb = 128\n"
                        "max_output_kb = 64\n"
                        "max_processes = 8\n"
                        "max_file_mb = 1\n"
                        "disk_mb = 1\n"
                        "allowed_imports = [\n"
                        "    'array', 'base64', 'bisect', 'calendar', 'cmath', 'collections',\n"
                        "    'copy', 'csv', 'dataclasses', 'datetime', 'decimal', 'enum',\n"
                        "    'fractions', 'functools', 'hashlib', 'heapq', 'io', 'itertools',\n"
                        "    'json', 'math', 'numbers', 'operator', 'random', 're',\n"
                        "    'statistics', 'string', 'textwrap', 'time', 'typing',\n"
                        "    'unicodedata', 'uuid', 'zoneinfo', '__future__',\n"
                        "]\n"
                        "allowed_builtins = [\n"
                        "    'abs', 'all', 'any', 'ascii', 'bin', 'bool', 'bytearray', 'bytes',\n"
                        "    'callable', 'chr', 'classmethod', 'complex', 'delattr', 'dict',\n"
                        "    'divmod', 'enumerate', 'filter', 'float', 'format', 'frozenset',\n"
                        "    'getattr', 'hasattr', 'hash', 'hex', 'int', 'isinstance',\n"
                        "    'issubclass', 'iter', 'len', 'list', 'map', 'max', 'min', 'next',\n"
                        "    'object', 'oct', 'ord', 'pow', 'print', 'property', 'range',\n"
                        "    'repr', 'reversed', 'round', 'set', 'setattr', 'slice', 'sorted',\n"
                        "    'staticmethod', 'str', 'sum', 'super', 'tuple', 'type', 'zip',\n"
                        "    'True', 'False', 'None', 'NotImplemented', 'Ellipsis',\n"
                        "    'BaseException', 'Exception', 'ArithmeticError',\n"
                        "    'AssertionError', 'AttributeError', 'EOFError', "
                        "'FloatingPointError',\n"
                        "    'ImportError', 'IndexError', 'KeyError', 'KeyboardInterrupt',\n"
                        "    'LookupError', 'MemoryError', 'ModuleNotFoundError', 'NameError',\n"
                        "    'NotImplementedError', 'OSError', 'OverflowError',\n"
                        "    'RecursionError', 'RuntimeError', 'StopAsyncIteration',\n"
                        "    'StopIteration', 'SyntaxError', 'SystemExit', 'TypeError',\n"
                        "    'UnboundLocalError', 'UnicodeDecodeError', 'UnicodeEncodeError',\n"
                        "    'UnicodeError', 'ValueError', 'Warning', 'ZeroDivisionError',\n"
                        "    'DeprecationWarning', 'UserWarning', 'RuntimeWarning',\n"
                        "]\n",
        },
        {
                .name = "default",
                .summary = "what a run without a policy has",
                .toml = "",
        },
        {
                .name = "data",
                .summary =
                        "tables and plots: files and more of everything, no programs, no network",
                .toml = "timeout_seconds = 60\n"
                        "memory_limit_mb = 2048\n"
                        "max_output_kb = 1024\n"
                        "max_file_mb = 1024\n"
                        "disk_mb = 1024\n"
                        "blocked_imports = ['subprocess', 'socket', 'ctypes', 'importlib']\n"
                        "blocked_builtins = ['eval', 'exec', 'compile', 'breakpoint']\n",
        },
        {
                .name = "judge",
                .summary = "answers to be graded: any module, strict about time and output",
                .toml = "timeout_seconds = 20\n"
                        "cpu_seconds = 10\n"
                        "memory_limit_mb = 512\n"
                        "max_output_kb = 16384\n"
                        "max_processes = 16\n"
                        "max_file_mb = 16\n"
                        "disk_mb = 16\n"
                        "blocked_imports = []\n"
                        "blocked_builtins = ['breakpoint']\n",
        },
        {
                .name = "open",
                .summary =
                        "nothing withheld by name, programs too; the sandbox stays, and no network",
                .toml = "timeout_seconds = 300\n"
                        "memory_limit_mb = 4096\n"
                        "max_output_kb = 4096\n"
                        "max_processes = 256\n"
                        "max_file_mb = 4096\n"
                        "disk_mb = 4096\n"
                        "allow_processes = true\n"
                        "proc = true\n"
                        "blocked_imports = []\n"
                        "blocked_builtins = []\n",
        },
};

const Preset *preset_find(const char *name, size_t length) {
        for (size_t i = 0; i < PRESETS; ++i)
                if (strlen(presets[i].name) == length && memcmp(presets[i].name, name, length) == 0)
                        return &presets[i];
        return NULL;
}

void preset_advise(const char *name, size_t length, char *text, size_t size) {
        const char *names[PRESETS];
        NearestName nearest;
        size_t n = 0;

        for (size_t i = 0; i < PRESETS; ++i)
                names[i] = presets[i].name;
        nearest = suggest_nearest(name, length, names, PRESETS);
        n += (size_t)snprintf(text, size,
                              nearest.near ? "did you mean '%s'? there are" : "there are",
                              nearest.name);
        for (size_t i = 0; i < PRESETS && n < size; ++i)
                n += (size_t)snprintf(text + n, size - n, "%s '%s'", i > 0 ? "," : "", names[i]);
}
