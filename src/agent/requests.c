/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "agent/environment.h"
#include "agent/requests.h"
#include "agent/run.h"
#include "base/failure.h"
#include "wire/messages.h"

typedef int (*RequestFn)(Agent *agent,
                         const FrameHeader *header,
                         const uint8_t *payload,
                         Failure *failure);

static int request_hello(Agent *agent,
                         const FrameHeader *header _unused_,
                         const uint8_t *payload,
                         Failure *failure) {
        WelcomeFrame welcome = {
                .magic = WIRE_MAGIC,
                .major = WIRE_VERSION_MAJOR,
                .minor = WIRE_VERSION_MINOR,
                .max_runs = agent->max_runs,
                .pid = (uint32_t)getpid(),
        };
        HelloFrame hello;

        memcpy(&hello, payload, sizeof(hello));
        if (hello.magic != WIRE_MAGIC || hello.major != WIRE_VERSION_MAJOR)
                return failure_set(failure, FAILURE_STAGE_AGENT, EPROTO,
                                   "the host speaks protocol version %u, this agent version %u",
                                   hello.magic == WIRE_MAGIC ? hello.major : 0u,
                                   WIRE_VERSION_MAJOR);
        agent->link.state = WIRE_OPEN;
        agent->host_minor = hello.minor;
        return link_send(&agent->link, frame_header(FRAME_WELCOME, 0, sizeof(welcome)), &welcome);
}

static int request_env_open(Agent *agent,
                            const FrameHeader *header,
                            const uint8_t *payload,
                            Failure *failure) {
        Environment *environment;

        if (agent_find_environment(agent, header->stream))
                return failure_lit(failure, FAILURE_STAGE_AGENT, EPROTO,
                                   "protocol error: an environment id was used twice");
        return environment_new(&environment, agent, header, payload, failure);
}

static int request_env_close(Agent *agent,
                             const FrameHeader *header,
                             const uint8_t *payload _unused_,
                             Failure *failure _unused_) {
        (void)environment_free(agent_find_environment(agent, header->stream));
        return 0;
}

static int
request_submit(Agent *agent, const FrameHeader *header, const uint8_t *payload, Failure *failure) {
        SubmitFrame submit;

        memcpy(&submit, payload, sizeof(submit));
        return run_new(agent, header, &submit, failure);
}

/* DATA, CREDIT and CANCEL may cross with the end of their run: an unknown run is no error. */
static int
request_data(Agent *agent, const FrameHeader *header, const uint8_t *payload, Failure *failure) {
        Run *run = agent_find_run(agent, header->stream);

        return run ? run_receive(run, header, payload, failure) : 0;
}

static int request_credit(Agent *agent,
                          const FrameHeader *header,
                          const uint8_t *payload,
                          Failure *failure _unused_) {
        Run *run = agent_find_run(agent, header->stream);
        CreditFrame credit;

        memcpy(&credit, payload, sizeof(credit));
        if (run)
                run->credit += credit.bytes;
        return 0;
}

static int request_cancel(Agent *agent,
                          const FrameHeader *header,
                          const uint8_t *payload _unused_,
                          Failure *failure _unused_) {
        Run *run = agent_find_run(agent, header->stream);

        if (run)
                run_cancel(run);
        return 0;
}

static int request_ping(Agent *agent,
                        const FrameHeader *header,
                        const uint8_t *payload,
                        Failure *failure _unused_) {
        return link_send(&agent->link, frame_header(FRAME_PONG, 0, header->length), payload);
}

static int request_pong(Agent *agent _unused_,
                        const FrameHeader *header _unused_,
                        const uint8_t *payload _unused_,
                        Failure *failure _unused_) {
        return 0;
}

static int request_goodbye(Agent *agent,
                           const FrameHeader *header _unused_,
                           const uint8_t *payload _unused_,
                           Failure *failure _unused_) {
        agent->ending = true;
        return 0;
}

static const RequestFn requests[_FRAME_N] = {
        [FRAME_HELLO] = request_hello,         [FRAME_ENV_OPEN] = request_env_open,
        [FRAME_ENV_CLOSE] = request_env_close, [FRAME_SUBMIT] = request_submit,
        [FRAME_DATA] = request_data,           [FRAME_CREDIT] = request_credit,
        [FRAME_CANCEL] = request_cancel,       [FRAME_PING] = request_ping,
        [FRAME_PONG] = request_pong,           [FRAME_GOODBYE] = request_goodbye,
};

int requests_handle(HostLink *link,
                    const FrameHeader *header,
                    const uint8_t *payload,
                    Failure *failure) {
        Agent *agent = container_of(link, Agent, link);

        /* frame_check() let only frames pass that a host may send: each has its row */
        return requests[header->type](agent, header, payload, failure);
}
