/* SPDX-License-Identifier: MIT */
#include "worker/rehearsal.h"
#include "base/attr.h"
#include "worker/request.h"

/* What short programs have in common: a function, a comprehension, text, an exception that is
 * caught, something printed, a result of each kind. */
static const char rehearsal_base[] =
        "def rehearse(values):\n"
        "    total = 0.0\n"
        "    for i, value in enumerate(values):\n"
        "        total += value ** 0.5 * i\n"
        "    return round(total, 3)\n"
        "class Thing:\n"
        "    def __init__(self, name):\n"
        "        self.name = name\n"
        "things = sorted((Thing(f'thing {i:03d}') for i in range(4)), key=lambda t: t.name)\n"
        "try:\n"
        "    {}['missing']\n"
        "except KeyError as error:\n"
        "    text = str(error)\n"
        "print('rehearsal', rehearse([1, 2.5, input_data['x']]), text.upper().split())\n"
        "result = {'names': [t.name for t in things], 'x': x ** 0.5, 'n': 1, 'ok': [True, None]}\n";

/* A small use of a package, where it is preloaded: its own first pages. What it cannot do is none
 * of our business. */
static const struct {
        const char *module, *code;
} rehearsal_uses[] = {
        {"math", "try:\n"
                 "    import math\n"
                 "    math.sqrt(2.0)\n"
                 "except Exception:\n"
                 "    pass\n"},
        {"json", "try:\n"
                 "    import json\n"
                 "    json.loads(json.dumps({'a': [1, 2.5, 'x', None]}))\n"
                 "except Exception:\n"
                 "    pass\n"},
        {"numpy", "try:\n"
                  "    import numpy as np\n"
                  "    a = np.arange(12.0).reshape(3, 4)\n"
                  "    (a @ a.T).sum(), a.mean(axis=0).tolist(), np.array([3, 1, 2]).argsort()\n"
                  "except Exception:\n"
                  "    pass\n"},
        {"pandas", "try:\n"
                   "    import pandas as pd\n"
                   "    frame = pd.DataFrame({'key': ['a', 'b', 'a'], 'value': [1, 2, 3]})\n"
                   "    frame.groupby('key')['value'].sum().to_dict()\n"
                   "except Exception:\n"
                   "    pass\n"},
};

static const char rehearsal_input[] = "{\"x\": 16, \"text\": \"abc\", \"list\": [1, 2.5, null]}";
static const char rehearsal_policy[] =
        "{\"mode\":\"restrict\",\"blocked_imports\":[\"os\",\"sys\",\"subprocess\",\"socket\","
        "\"shutil\",\"pathlib\",\"ctypes\"],\"blocked_builtins\":[\"eval\",\"exec\",\"open\","
        "\"compile\"],\"blocked_globals\":[\"os\"],\"extra_globals\":{}}";

static PyObject *rehearsal_code_new(void) {
        PyObject *modules = PyImport_GetModuleDict();
        PyObject *code = PyBytes_FromString(rehearsal_base);

        for (size_t i = 0; code && i < ARRAY_SIZE(rehearsal_uses); ++i)
                if (PyDict_GetItemString(modules, rehearsal_uses[i].module))
                        PyBytes_ConcatAndDel(&code, PyBytes_FromString(rehearsal_uses[i].code));
        return code;
}

int rehearsal_init(Rehearsal *rehearsal) {
        rehearsal->code = rehearsal_code_new();
        rehearsal->input = PyBytes_FromString(rehearsal_input);
        rehearsal->policy = PyBytes_FromString(rehearsal_policy);
        rehearsal->name = PyUnicode_FromString(REQUEST_DEFAULT_NAME);
        return rehearsal->code && rehearsal->input && rehearsal->policy && rehearsal->name ? 0 : -1;
}
