/* SPDX-License-Identifier: MIT */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox/cgroup-find.h"

/* Part of a text: not terminated. */
typedef struct Span {
        const char *start;
        size_t length;
} Span;

/* One line of mountinfo: "36 25 0:31 /root /mount/point rw,nosuid shared:1 - cgroup source
 * rw,memory"
 */
typedef struct Mount {
        Span root, point, options, type, super_options;
} Mount;

static const char *const role_names[_CGROUP_ROLE_N] = {
        [CGROUP_MEMORY] = "memory",
        [CGROUP_PIDS] = "pids",
        [CGROUP_CPU] = "cpu",
};

const char *cgroup_role_name(CgroupRole role) {
        return role_names[role];
}

/* Takes what comes before @separator (or the end) from the front of @rest. */
static bool span_take(Span *rest, char separator, Span *partp) {
        const char *end;

        if (rest->length == 0)
                return false;
        end = memchr(rest->start, separator, rest->length);
        partp->start = rest->start;
        partp->length = end ? (size_t)(end - rest->start) : rest->length;
        rest->start += partp->length + (end ? 1 : 0);
        rest->length -= partp->length + (end ? 1 : 0);
        return true;
}

static bool span_is(Span span, const char *text) {
        return span.length == strlen(text) && memcmp(span.start, text, span.length) == 0;
}

static bool span_has(Span list, const char *word) {
        for (size_t i = 0, start = 0; i <= list.length; ++i) {
                if (i < list.length && !strchr(", \n", list.start[i]))
                        continue;
                if (span_is((Span){list.start + start, i - start}, word))
                        return true;
                start = i + 1;
        }
        return false;
}

bool cgroup_list_has(const char *list, const char *word) {
        return span_has((Span){list, strlen(list)}, word);
}

static bool is_octal(char c) {
        return c >= '0' && c <= '7';
}

/* Copies a path, with blanks and the like written as "\040". False where it does not fit. */
static bool span_unescape(Span span, char path[static CGROUP_PATH_MAX]) {
        size_t n = 0;

        for (size_t i = 0; i < span.length; ++i) {
                const char *at = span.start + i;

                if (n == CGROUP_PATH_MAX - 1)
                        return false;
                if (*at == '\\' && i + 3 < span.length && is_octal(at[1]) && is_octal(at[2]) &&
                    is_octal(at[3])) {
                        path[n++] = (char)((at[1] - '0') << 6 | (at[2] - '0') << 3 | (at[3] - '0'));
                        i += 3;
                        continue;
                }
                path[n++] = *at;
        }
        path[n] = '\0';
        return true;
}

static bool mount_parse(Span line, Mount *mount) {
        Span skipped;

        for (size_t i = 0; i < 3; ++i)
                if (!span_take(&line, ' ', &skipped))
                        return false;
        if (!span_take(&line, ' ', &mount->root) || !span_take(&line, ' ', &mount->point) ||
            !span_take(&line, ' ', &mount->options))
                return false;
        do
                if (!span_take(&line, ' ', &skipped))
                        return false;
        while (!span_is(skipped, "-"));
        return span_take(&line, ' ', &mount->type) && span_take(&line, ' ', &skipped) &&
               span_take(&line, ' ', &mount->super_options);
}

/* What is left of @path below @parent: "" or "/…"; NULL where it is not below. */
static const char *path_below(const char *path, const char *parent) {
        size_t length = strlen(parent);

        if (length > 0 && parent[length - 1] == '/')
                --length;
        if (strncmp(path, parent, length) != 0 || (path[length] != '/' && path[length] != '\0'))
                return NULL;
        return strcmp(path + length, "/") == 0 ? "" : path + length;
}

/* The path of the own group in the hierarchy that has @controller ("" for v2). */
static bool
membership_find(const char *membership, const char *controller, char path[static CGROUP_PATH_MAX]) {
        Span rest = {membership, strlen(membership)}, line, skipped, list;

        while (span_take(&rest, '\n', &line)) {
                if (!span_take(&line, ':', &skipped) || !span_take(&line, ':', &list))
                        continue;
                if (*controller ? !span_has(list, controller) : list.length > 0)
                        continue;
                if (line.length >= CGROUP_PATH_MAX || memchr(line.start, '\0', line.length))
                        return false;
                memcpy(path, line.start,
                       line.length); /* to the end of the line: it is not escaped */
                path[line.length] = '\0';
                return true;
        }
        return false;
}

/* Where both see the same, the one that shows the own group, and can be written, is the better one;
 * a later mount covers an earlier one. */
static bool place_is_better(const CgroupPlace *new, const CgroupPlace *old) {
        if (!old->mounted || new->group_known != old->group_known)
                return !old->mounted || new->group_known;
        return !new->read_only || old->read_only;
}

static void place_offer(CgroupPlace *place,
                        const Mount *mount,
                        const char *root,
                        const char *membership,
                        const char *controller) {
        char shown[CGROUP_PATH_MAX], path[CGROUP_PATH_MAX];
        CgroupPlace new = {.mounted = true};
        const char *below;

        if (!span_unescape(mount->point, new.mount) || !span_unescape(mount->root, shown) ||
            !path_below(new.mount, root))
                return;
        new.read_only = span_has(mount->options, "ro") || span_has(mount->super_options, "ro");
        /* "/.." leads out of the cgroup namespace: names that we do not know lie between */
        if (membership_find(membership, controller, path) && strncmp(shown, "/..", 3) != 0 &&
            strncmp(path, "/..", 3) != 0) {
                below = path_below(path, shown);
                new.group_known = below != NULL;
                if (below)
                        memcpy(new.group, below, strlen(below) + 1);
        }
        if (place_is_better(&new, place))
                *place = new;
}

CgroupPlaces *cgroup_places_new(const char *root, const char *mountinfo, const char *membership) {
        CgroupPlaces *places = calloc(1, sizeof(*places));
        Span rest = {mountinfo, strlen(mountinfo)}, line;
        Mount mount;

        if (!places)
                return NULL;
        while (span_take(&rest, '\n', &line)) {
                if (!mount_parse(line, &mount))
                        continue;
                if (span_is(mount.type, "cgroup2"))
                        place_offer(&places->v2, &mount, root, membership, "");
                for (size_t i = 0; i < _CGROUP_ROLE_N && span_is(mount.type, "cgroup"); ++i)
                        if (span_has(mount.super_options, role_names[i]))
                                place_offer(&places->v1[i], &mount, root, membership,
                                            role_names[i]);
        }
        return places;
}

CgroupPlaces *cgroup_places_free(CgroupPlaces *places) {
        free(places);
        return NULL;
}
