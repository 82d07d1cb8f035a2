/* SPDX-License-Identifier: MIT */
#include "cli/engine-options.h"
#include "cli/agent-path.h"
#include "cli/handles.h"

int engine_options_make(const CliContext *context,
                        const char *python,
                        SprEngineOptions **optionsp,
                        Fault *fault) {
        _cleanup_(spr_engine_options_freep) SprEngineOptions *options = NULL;
        _cleanup_(freep) char *agent = NULL;
        int r;

        if (context->executable && agent_path_find(context->executable, &agent) < 0)
                return fault_set_oom(fault);

        r = spr_engine_options_new(&options);
        if (r == 0 && python)
                r = spr_engine_options_set_python(options, python);
        if (r == 0 && agent)
                r = spr_engine_options_set_agent(options, agent);
        if (r)
                return fault_set_error(fault, r, &(SprError){0});
        *optionsp = take_ptr(&options);
        return 0;
}
