#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * List: intrusive, circular, doubly linked
 *
 * A Link sits inside its object; container_of() leads back. A link that is not in a list points to
 * itself, so list_remove() may be called twice.
 */
#include <stdbool.h>
#include <stddef.h>

typedef struct Link Link;

struct Link {
        Link *next, *previous;
};

#define container_of(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))

/* For a list head, and for a link that is in no list. */
static inline void list_init(Link *link) {
        link->next = link->previous = link;
}

static inline bool list_is_empty(const Link *head) {
        return head->next == head;
}

static inline void list_append(Link *head, Link *link) {
        link->next = head;
        link->previous = head->previous;
        head->previous->next = link;
        head->previous = link;
}

static inline void list_prepend(Link *head, Link *link) {
        list_append(head->next, link);
}

static inline void list_remove(Link *link) {
        link->previous->next = link->next;
        link->next->previous = link->previous;
        list_init(link);
}

/* @link may be removed in the body. */
#define list_for_each(link, head)                                                                  \
        for (Link *link = (head)->next, *link##_next = link->next; link != (head);                 \
             link = link##_next, link##_next = link->next)
