/* SPDX-License-Identifier: MIT */
/*
 * Order of locks: the registry's, then the engines'. No engine's lock is held where the registry's
 * is taken. The child unlocks what its own thread locked before the fork, which is as good as
 * initialising the locks anew: nobody else is there to hold them.
 */
#include <pthread.h>

#include "client/atfork.h"
#include "client/engine.h"

static pthread_mutex_t registry_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t registry_once = PTHREAD_ONCE_INIT;
static SprEngine *registry;
static int registry_error;

static void atfork_prepare(void) {
        (void)pthread_mutex_lock(&registry_lock);
        for (SprEngine *engine = registry; engine; engine = engine->next)
                (void)pthread_mutex_lock(&engine->lock);
}

static void atfork_unlock(void) {
        for (SprEngine *engine = registry; engine; engine = engine->next)
                (void)pthread_mutex_unlock(&engine->lock);
        (void)pthread_mutex_unlock(&registry_lock);
}

static void atfork_child(void) {
        for (SprEngine *engine = registry; engine; engine = engine->next)
                engine_after_fork(engine);
        atfork_unlock();
}

static void atfork_install(void) {
        registry_error = -pthread_atfork(atfork_prepare, atfork_unlock, atfork_child);
}

int atfork_add(SprEngine *engine) {
        (void)pthread_once(&registry_once, atfork_install);
        if (registry_error)
                return registry_error;
        (void)pthread_mutex_lock(&registry_lock);
        engine->previous = NULL;
        engine->next = registry;
        if (registry)
                registry->previous = engine;
        registry = engine;
        (void)pthread_mutex_unlock(&registry_lock);
        return 0;
}

void atfork_remove(SprEngine *engine) {
        (void)pthread_mutex_lock(&registry_lock);
        if (engine->next)
                engine->next->previous = engine->previous;
        if (engine->previous)
                engine->previous->next = engine->next;
        else if (registry == engine)
                registry = engine->next;
        (void)pthread_mutex_unlock(&registry_lock);
}
