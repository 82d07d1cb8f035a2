/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/disk-watch.h"
#include "agent/work-dir.h"
#include "base/clock.h"
#include "child.h"
#include "sandbox/credentials.h"

#define KIB       UINT64_C(1024)
#define BYTES_MAX (256 * KIB)
#define FILES_MAX 3000
#define LOOKS_MAX 10000

static WorkDir directory = WORK_DIR_NULL;

/* As an ordinary user, whom modes bind. */
static void begin(void) {
        if (geteuid() == 0)
                CHECK(setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 65534) == 0);
        CHECK(work_dir_init(&directory, UID_STAY, NULL) == 0);
        CHECK(fchdir(directory.fd) == 0);
}

static int end(void) {
        CHECK(work_dir_remove(&directory, UINT64_MAX));
        return CHILD_PASSED;
}

static int n_open_fds(void) {
        int n = 0;

        for (int fd = 0; fd < 256; ++fd)
                n += fcntl(fd, F_GETFD) >= 0;
        return n;
}

/* Looks as often as it is allowed to, until a pass has come to its end. */
static bool pass(DiskWatch *watch) {
        for (int i = 0; i < LOOKS_MAX; ++i) {
                watch->due_ns = 0;
                if (disk_watch_look(watch, directory.fd, BYTES_MAX, FILES_MAX, 1))
                        return true;
                if (!watch->walk)
                        return false;
        }
        CHECK(!"a pass without end");
        return false;
}

/* What the watch makes of the directory. */
static bool exceeds(void) {
        DiskWatch watch = {0};
        int n_fds = n_open_fds();
        bool first = pass(&watch), second = pass(&watch);

        CHECK(!first); /* never at once */
        CHECK(n_open_fds() == n_fds);
        disk_watch_deinit(&watch);
        return second;
}

static void make_file(const char *path, uint64_t n_bytes) {
        static const char bytes[64 * KIB];
        int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

        CHECK(fd >= 0);
        for (; n_bytes > 0; n_bytes -= min_u64(n_bytes, sizeof(bytes)))
                CHECK(write(fd, bytes, min_u64(n_bytes, sizeof(bytes))) > 0);
        (void)close(fd);
}

static void make_files(const char *parent, unsigned int n) {
        char path[64];

        for (unsigned int i = 0; i < n; ++i) {
                (void)snprintf(path, sizeof(path), "%s/%u", parent, i);
                make_file(path, 0);
        }
}

static int bytes(void) {
        begin();
        CHECK(!exceeds());
        make_file("file", BYTES_MAX);
        CHECK(!exceeds()); /* to the last one */
        CHECK(mkdir("a", 0700) == 0 && mkdir("a/b", 0700) == 0);
        CHECK(!exceeds()); /* directories hold nothing */
        make_file("a/b/file", 1);
        CHECK(exceeds());
        CHECK(unlink("file") == 0);
        CHECK(!exceeds());
        return end();
}

static int files(void) {
        begin();
        make_files(".", FILES_MAX - 1);
        CHECK(mkdir("one", 0700) == 0);
        CHECK(!exceeds());
        make_file("one/more", 0);
        CHECK(exceeds());
        return end();
}

/* Holes hold nothing, and a file with two names is one. */
static int same_bytes(void) {
        begin();
        make_file("file", BYTES_MAX - 4 * KIB);
        CHECK(truncate("file", 1 << 30) == 0);
        CHECK(!exceeds());
        CHECK(truncate("file", BYTES_MAX - 4 * KIB) == 0);
        CHECK(link("file", "other") == 0 && link("file", "third") == 0);
        CHECK(!exceeds());
        return end();
}

/* Nothing is followed, nothing is opened but directories. */
static int other_kinds(void) {
        char outside[sizeof(directory.path)];
        WorkDir other;

        begin();
        other = directory;
        make_file("large", BYTES_MAX + 1);
        directory = WORK_DIR_NULL;
        begin();
        memcpy(outside, other.path, sizeof(outside));
        CHECK(symlink(outside, "link") == 0 && symlink("/", "root") == 0);
        CHECK(symlink("..", "up") == 0 && symlink("loop", "loop") == 0);
        CHECK(mkfifo("fifo", 0600) == 0); /* which would never open */
        CHECK(!exceeds());
        CHECK(work_dir_remove(&other, UINT64_MAX));
        return end();
}

/* Its owner may not list it, and may fill it. */
static int modes(void) {
        begin();
        CHECK(mkdir("hidden", 0300) == 0 && mkdir("closed", 0) == 0);
        make_file("hidden/file", BYTES_MAX + 1);
        CHECK(exceeds());
        return end();
}

/* Deeper than the levels of a walk, and than any path. */
static int depth(void) {
        begin();
        for (unsigned int i = 0; i < 1000; ++i)
                CHECK(mkdir("d", 0700) == 0 && chdir("d") == 0);
        CHECK(!exceeds());
        make_file("bottom", BYTES_MAX + 1);
        CHECK(exceeds());
        return end();
}

/* What is not looked through is too much. */
static int depth_and_width(void) {
        char name[16];

        begin();
        for (unsigned int i = 0; i < 40; ++i) {
                for (unsigned int k = 0; k < 40; ++k) {
                        (void)snprintf(name, sizeof(name), "%u", k);
                        CHECK(mkdir(name, 0700) == 0);
                }
                CHECK(chdir("7") == 0);
        }
        CHECK(exceeds());
        return end();
}

/* A look is a piece, the place is kept between two, and each waits its turn. */
static int in_pieces(void) {
        DiskWatch watch = {0};
        unsigned int looks = 0;
        uint64_t longest_ns = 0;
        int n_fds;

        begin();
        CHECK(mkdir("a", 0700) == 0 && mkdir("a/b", 0700) == 0);
        make_files("a/b", FILES_MAX - 2);
        n_fds = n_open_fds();
        do {
                uint64_t begin_ns = clock_now_ns();

                watch.due_ns = 0;
                CHECK(!disk_watch_look(&watch, directory.fd, BYTES_MAX, FILES_MAX, 3));
                longest_ns = max_u64(longest_ns, clock_now_ns() - begin_ns);
                CHECK(watch.due_ns > clock_now_ns());
                CHECK(!disk_watch_look(&watch, directory.fd, 0, 0, 3)); /* it is not due */
                ++looks;
        } while (watch.walk);
        CHECK(!watch.exceeded);
        print_message("%u looks, the longest took %llu us\n", looks,
                      (unsigned long long)longest_ns / 1000);
        watch.due_ns = 0;
        (void)disk_watch_look(&watch, directory.fd, BYTES_MAX, FILES_MAX, 1);
        disk_watch_deinit(&watch);
        CHECK(n_open_fds() == n_fds);
        return end();
}

/* More passes under way than hold descriptors: the rest is walked at once. */
static int many_watches(void) {
        DiskWatch watches[20] = {0};
        unsigned int n_under_way = 0;
        int n_fds;

        begin();
        make_files(".", FILES_MAX);
        n_fds = n_open_fds();
        for (size_t i = 0; i < ARRAY_SIZE(watches); ++i) {
                CHECK(!disk_watch_look(&watches[i], directory.fd, BYTES_MAX, FILES_MAX, 1));
                n_under_way += watches[i].walk != NULL;
        }
        CHECK(n_under_way <= 8 && n_open_fds() <= n_fds + 8);
        for (size_t i = 0; i < ARRAY_SIZE(watches); ++i)
                disk_watch_deinit(&watches[i]);
        CHECK(n_open_fds() == n_fds);
        return end();
}

static void run_row(void **state) {
        child_run(*(ChildFn *)*state);
}

int main(void) {
        static const struct {
                const char *name;
                ChildFn run;
        } rows[] = {
                {"bytes", bytes},
                {"files", files},
                {"same_bytes", same_bytes},
                {"other_kinds", other_kinds},
                {"modes", modes},
                {"depth", depth},
                {"depth_and_width", depth_and_width},
                {"in_pieces", in_pieces},
                {"many_watches", many_watches},
        };
        static ChildFn functions[ARRAY_SIZE(rows)];
        struct CMUnitTest tests[ARRAY_SIZE(rows)];

        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                functions[i] = rows[i].run;
                tests[i] = (struct CMUnitTest){rows[i].name, run_row, NULL, NULL, &functions[i]};
        }
        return cmocka_run_group_tests(tests, NULL, NULL);
}
