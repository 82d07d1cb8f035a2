/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/failure.h"
#include "child.h"
#include "sandbox/landlock.h"
#include "tree.h"

static const TreeRow tree[] = {
        {"open", ""},       {"open/file", "-"}, {"open/sub", ""},   {"open/other", ""},
        {"open/true", "-"}, {"shut", ""},       {"shut/file", "-"},
};

/* --- the pure part: what each ABI makes of it ------------------------------------------------- */

static void test_handled(void **state) {
        static const struct {
                int abi;
                uint64_t files, tcp, scopes, quiet;
        } rows[] = {
                {-1, 0, 0, 0, 0},     {0, 0, 0, 0, 0},       {1, 0x1fff, 0, 0, 0},
                {2, 0x3fff, 0, 0, 0}, {3, 0x7fff, 0, 0, 0},  {4, 0x7fff, 3, 0, 0},
                {5, 0xffff, 3, 0, 0}, {6, 0xffff, 3, 3, 0},  {7, 0xffff, 3, 3, 5},
                {8, 0xffff, 3, 3, 5}, {99, 0xffff, 3, 3, 5},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                LandlockRights closed = landlock_rights_handled(rows[i].abi, false);
                LandlockRights network = landlock_rights_handled(rows[i].abi, true);

                assert_int_equal(closed.files, rows[i].files);
                assert_int_equal(closed.tcp, rows[i].tcp);
                assert_int_equal(closed.scopes, rows[i].scopes);
                assert_int_equal(closed.quiet, rows[i].quiet);
                assert_int_equal(network.tcp, 0);
                assert_int_equal(network.files, closed.files);
                assert_int_equal(network.scopes, closed.scopes);
        }
}

/* A rule may name only what its ruleset handles, and none lets devices be made. */
static void test_granted(void **state) {
        static const struct {
                LandlockAccess access;
                uint64_t oldest, newest;
        } rows[] = {
                {LANDLOCK_LIST, 0x8, 0x8},      {LANDLOCK_READ, 0xc, 0xc},
                {LANDLOCK_RUN, 0xd, 0xd},       {LANDLOCK_WRITE, 0x17be, 0x77be},
                {LANDLOCK_DEVICE, 0x6, 0x8006},
        };

        (void)state;
        assert_int_equal(ARRAY_SIZE(rows), _LANDLOCK_ACCESS_N);
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                assert_int_equal(landlock_rights_granted(0, rows[i].access), 0);
                assert_int_equal(landlock_rights_granted(1, rows[i].access), rows[i].oldest);
                assert_int_equal(landlock_rights_granted(9, rows[i].access), rows[i].newest);
                for (int abi = 1; abi < 9; ++abi)
                        assert_int_equal(landlock_rights_granted(abi, rows[i].access) &
                                                 ~landlock_rights_handled(abi, false).files,
                                         0);
        }
}

/* --- the kernel's part, in children ----------------------------------------------------------- */

static int begin(bool network) {
        Failure failure = FAILURE_NULL;
        int fd = -1;

        if (!landlock_abi()) {
                CHECK(landlock_ruleset_new(&fd, network, &failure) < 0);
                CHECK(fd == -1 && strstr(failure.text, "no Landlock"));
                _exit(CHILD_NO_LANDLOCK);
        }
        CHECK(landlock_ruleset_new(&fd, network, &failure) == 0);
        CHECK(fcntl(fd, F_GETFD) == FD_CLOEXEC);
        return fd;
}

static void allow(int ruleset_fd, const char *path, LandlockAccess access) {
        Failure failure = FAILURE_NULL;
        int fd = open(path, O_PATH | O_CLOEXEC);

        CHECK(fd >= 0);
        if (landlock_ruleset_allow(ruleset_fd, fd, access, &failure)) {
                (void)fprintf(stderr, "%s: %s (%d)\n", path, failure.text, failure.code);
                _exit(CHILD_FAILED);
        }
        (void)close(fd);
}

static void enforce(int ruleset_fd) {
        CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
        CHECK(landlock_ruleset_enforce(ruleset_fd, NULL) == 0);
        (void)close(ruleset_fd);
}

static int opens(const char *path, int flags) {
        int fd = open(path, flags | O_CLOEXEC, 0600);

        if (fd < 0)
                return -errno;
        (void)close(fd);
        return 0;
}

static int tried(int result) {
        return result < 0 ? -errno : 0;
}

/* An exit status of 127 stands for a program that may not start. */
static int runs(const char *path) {
        char *const arguments[] = {(char *)(uintptr_t) "true", NULL};
        int status = 0;

        if (fork() == 0) {
                (void)execv(path, arguments);
                _exit(errno == EACCES ? 127 : 126);
        }
        CHECK(wait(&status) > 0 && WIFEXITED(status));
        return WEXITSTATUS(status) == 127 ? -EACCES : -(WEXITSTATUS(status) == 126);
}

static int nothing(void) {
        enforce(begin(false));
        CHECK(opens("/", O_RDONLY) == -EACCES);
        CHECK(opens("/dev/null", O_RDONLY) == -EACCES);
        CHECK(opens(tree_path("open/file"), O_RDONLY) == -EACCES);
        CHECK(tried(mkdir(tree_path("open/new"), 0700)) == -EACCES);
        return CHILD_PASSED;
}

static int list(void) {
        int fd = begin(false);

        allow(fd, tree_path("open"), LANDLOCK_LIST);
        enforce(fd);
        CHECK(opens(tree_path("open"), O_RDONLY) == 0);
        CHECK(opens(tree_path("open/sub"), O_RDONLY) == 0);
        CHECK(opens(tree_path("open/file"), O_RDONLY) == -EACCES);
        CHECK(opens(tree_path("shut"), O_RDONLY) == -EACCES);
        return CHILD_PASSED;
}

static int read_only(void) {
        int fd = begin(false);

        allow(fd, tree_path("open"), LANDLOCK_READ);
        allow(fd, tree_path("shut/file"), LANDLOCK_READ); /* a single file */
        enforce(fd);
        CHECK(opens(tree_path("open"), O_RDONLY) == 0);
        CHECK(opens(tree_path("open/file"), O_RDONLY) == 0);
        CHECK(opens(tree_path("shut/file"), O_RDONLY) == 0);
        CHECK(opens(tree_path("shut"), O_RDONLY) == -EACCES);
        CHECK(opens(tree_path("open/file"), O_RDWR) == -EACCES);
        CHECK(opens(tree_path("open/new"), O_WRONLY | O_CREAT) == -EACCES);
        CHECK(tried(unlink(tree_path("open/file"))) == -EACCES);
        CHECK(runs(tree_path("open/true")) == -EACCES);
        if (landlock_abi() >= 3)
                CHECK(tried(truncate(tree_path("open/file"), 1)) == -EACCES);
        return CHILD_PASSED;
}

static int run(void) {
        int fd = begin(false);

        CHECK(chmod(tree_path("open/file"), 0700) == 0); /* empty: ENOEXEC where it may start */
        allow(fd, tree_path("open"), LANDLOCK_RUN);
        allow(fd, "/usr", LANDLOCK_RUN);
        allow(fd, "/lib", LANDLOCK_RUN);
        allow(fd, "/lib64", LANDLOCK_RUN);
        enforce(fd);
        CHECK(runs("/usr/bin/true") == 0);
        CHECK(runs(tree_path("open/file")) == -1);
        CHECK(runs(tree_path("shut/file")) == -EACCES);
        CHECK(opens(tree_path("open/file"), O_WRONLY) == -EACCES);
        return CHILD_PASSED;
}

static int write_but_not_run(void) {
        int fd = begin(false);

        CHECK(chmod(tree_path("open/true"), 0700) == 0);
        allow(fd, tree_path("open"), LANDLOCK_WRITE);
        enforce(fd);
        CHECK(opens(tree_path("open/new"), O_RDWR | O_CREAT | O_TRUNC) == 0);
        CHECK(opens(tree_path("open/new"), O_WRONLY | O_TRUNC) == 0);
        CHECK(tried(mkdir(tree_path("open/dir"), 0700)) == 0);
        CHECK(tried(rename(tree_path("open/new"), tree_path("open/newer"))) == 0);
        CHECK(tried(rename(tree_path("open/newer"), tree_path("open/dir/x"))) ==
              (landlock_abi() >= 2 ? 0 : -EXDEV));
        CHECK(tried(symlink("file", tree_path("open/link"))) == 0);
        CHECK(tried(mkfifo(tree_path("open/fifo"), 0600)) == 0);
        CHECK(tried(unlink(tree_path("open/link"))) == 0);
        CHECK(tried(rmdir(tree_path("open/other"))) == 0);
        CHECK(runs(tree_path("open/true")) == -EACCES);
        CHECK(tried(mknod(tree_path("open/null"), S_IFCHR | 0600, 0x103)) < 0);
        CHECK(geteuid() != 0 || errno == EACCES);
        CHECK(tried(mknod(tree_path("open/disk"), S_IFBLK | 0600, 0x800)) < 0);
        CHECK(tried(link(tree_path("shut/file"), tree_path("open/stolen"))) < 0);
        CHECK(opens(tree_path("shut/new"), O_WRONLY | O_CREAT) == -EACCES);
        return CHILD_PASSED;
}

static int device(void) {
        int fd = begin(false), null_fd, bytes = 0;

        allow(fd, "/dev/null", LANDLOCK_DEVICE);
        enforce(fd);
        CHECK(opens("/dev/null", O_WRONLY | O_CREAT | O_TRUNC) == 0); /* as Python's open(…, "w") */
        null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
        CHECK(null_fd >= 0);
        CHECK(ioctl(null_fd, FIONBIO, &bytes) == 0);
        CHECK(ioctl(null_fd, TIOCGWINSZ, &bytes) < 0 && errno == ENOTTY);
        CHECK(opens("/dev/zero", O_RDONLY) == -EACCES);
        return CHILD_PASSED;
}

static int signals(void) {
        bool scoped = landlock_scopes_signals();
        pid_t child, parent = getppid();

        CHECK(scoped == (landlock_abi() >= 6));
        enforce(begin(false));
        if (!scoped)
                return CHILD_NO_LANDLOCK;
        CHECK(tried(kill(parent, 0)) == -EPERM);
        CHECK(tried(kill(1, 0)) == -EPERM);
        CHECK(kill(getpid(), 0) == 0);
        child = fork();
        if (child == 0) {
                CHECK(kill(getppid(), 0) == 0); /* the same domain */
                (void)pause();
                _exit(CHILD_FAILED);
        }
        CHECK(kill(child, SIGKILL) == 0 && waitpid(child, NULL, 0) == child);
        return CHILD_PASSED;
}

static int abstract_sockets(void) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        socklen_t length;
        int outside, inside;

        outside = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        length = sizeof(sa_family_t) + 1 +
                 (socklen_t)snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1,
                                     "spr-test-%d", (int)getpid());
        CHECK(bind(outside, (struct sockaddr *)&address, length) == 0 && listen(outside, 1) == 0);
        enforce(begin(true)); /* the network is another matter */
        if (landlock_abi() < 6)
                return CHILD_NO_LANDLOCK;
        inside = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        CHECK(tried(connect(inside, (struct sockaddr *)&address, length)) == -EPERM);
        return CHILD_PASSED;
}

/* What becomes of a bind() and of a connect() to where nobody listens. */
static void check_tcp(bool network) {
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        CHECK(fd >= 0);
        CHECK(tried(bind(fd, (struct sockaddr *)&address, sizeof(address))) ==
              (network ? 0 : -EACCES));
        address.sin_port = htons(1);
        CHECK((tried(connect(fd, (struct sockaddr *)&address, sizeof(address))) == -EACCES) ==
              !network);
}

static int tcp_refused(void) {
        enforce(begin(false));
        if (landlock_abi() < 4)
                return CHILD_NO_LANDLOCK;
        check_tcp(false);
        return CHILD_PASSED;
}

static int tcp_free(void) {
        enforce(begin(true));
        check_tcp(true);
        CHECK(opens("/", O_RDONLY) == -EACCES);
        return CHILD_PASSED;
}

static int failures(void) {
        Failure failure = FAILURE_NULL;
        int fd = begin(false);

        CHECK(landlock_ruleset_allow(fd, -1, LANDLOCK_READ, &failure) < 0);
        CHECK(strstr(failure.text, "Landlock rule"));
        CHECK(landlock_ruleset_enforce(-1, &failure) < 0);
        CHECK(failure.stage == FAILURE_STAGE_SANDBOX && strstr(failure.text, "enforce"));
        return CHILD_PASSED;
}

static void run_row(void **state) {
        tree_new("/var/tmp", tree, ARRAY_SIZE(tree));
        child_run(*(ChildFn *)*state);
        tree_free();
}

static void test_probe(void **state) {
        (void)state;
        if (!landlock_abi())
                child_skip(CHILD_NO_LANDLOCK);
        assert_int_equal(landlock_probe(), 1);
        assert_int_equal(opens("/", O_RDONLY), 0); /* only the child lost it */
}

int main(void) {
        static ChildFn rows[] = {nothing,           list,     read_only, run,
                                 write_but_not_run, device,   signals,   abstract_sockets,
                                 tcp_refused,       tcp_free, failures};
        static const char *const names[] = {
                "nothing",           "list",     "read_only", "run",
                "write_but_not_run", "device",   "signals",   "abstract_sockets",
                "tcp_refused",       "tcp_free", "failures"};
        struct CMUnitTest tests[ARRAY_SIZE(rows) + 3] = {
                cmocka_unit_test(test_handled),
                cmocka_unit_test(test_granted),
                cmocka_unit_test(test_probe),
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i)
                tests[i + 3] = (struct CMUnitTest){names[i], run_row, NULL, NULL, &rows[i]};
        return cmocka_run_group_tests(tests, NULL, NULL);
}
