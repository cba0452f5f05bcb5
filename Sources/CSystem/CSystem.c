#define _GNU_SOURCE
#include "CSystem.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

int ddb_epoll_set(int epoll, int operation, int descriptor, uint32_t events, uint64_t token) {
    struct epoll_event event = {.events = events, .data.u64 = token};
    return epoll_ctl(epoll, operation, descriptor, &event);
}

int ddb_accept(int listener) {
    return accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

int64_t ddb_raise_descriptor_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return -1;
    if (limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return -1;
    }
    return (int64_t)limit.rlim_cur;
}

// Between fork and exec: async-signal-safe calls only.
static void become(const char *path, char *const arguments[], const char *directory, const int streams[3], pid_t parent, int report) {
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) goto fail;
    if (getppid() != parent) _exit(127);  // the parent died before the line above took effect
    if (setsid() < 0) goto fail;
    if (directory && chdir(directory) != 0) goto fail;
    int null = open("/dev/null", O_RDONLY);
    if (null < 0) goto fail;
    // Away from the numbers that are about to be taken.
    int kept[4] = {streams[0] < 0 ? null : streams[0], streams[1], streams[2], report};
    for (int index = 0; index < 4; index++) {
        if ((kept[index] = fcntl(kept[index], F_DUPFD_CLOEXEC, 10)) < 0) goto fail;
    }
    report = kept[3];
    for (int index = 0; index < 3; index++) {
        if (dup2(kept[index], index) < 0) goto fail;
    }
    if (report != 3) {
        if (dup2(report, 3) < 0) goto fail;
        report = 3;
    }
    if (fcntl(report, F_SETFD, FD_CLOEXEC) != 0) goto fail;
    syscall(SYS_close_range, 4u, ~0u, 0u);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    for (int number = 1; number < 32; number++) signal(number, SIG_DFL);
    execvp(path, arguments);
fail:;
    int error = errno;
    ssize_t written = write(report, &error, sizeof error);
    (void)written;
    _exit(127);
}

pid_t ddb_spawn_bound(const char *path, char *const arguments[], const char *directory, int log_descriptor) {
    return ddb_spawn_piped(path, arguments, directory, -1, -1, log_descriptor);
}

pid_t ddb_spawn_piped(const char *path, char *const arguments[], const char *directory, int input, int output, int log_descriptor) {
    int streams[3] = {input, output < 0 ? log_descriptor : output, log_descriptor};
    int report[2];
    if (pipe2(report, O_CLOEXEC) != 0) return -1;
    pid_t parent = getpid();
    pid_t child = fork();
    if (child == 0) become(path, arguments, directory, streams, parent, report[1]);
    int saved = errno;
    close(report[1]);
    if (child < 0) {
        close(report[0]);
        errno = saved;
        return -1;
    }
    int error = 0;
    ssize_t got;
    do got = read(report[0], &error, sizeof error);
    while (got < 0 && errno == EINTR);
    close(report[0]);
    if (got == (ssize_t)sizeof error) {
        while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {}
        errno = error;
        return -1;
    }
    return child;
}

int ddb_pipe(int ends[2], int bytes) {
    if (pipe2(ends, O_CLOEXEC) != 0) return -1;
    (void)fcntl(ends[1], F_SETPIPE_SZ, bytes);
    return 0;
}

int ddb_event(void) {
    return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
}

int ddb_process_descriptor(pid_t process) {
    return (int)syscall(SYS_pidfd_open, process, 0);
}

int ddb_has_ended(pid_t child) {
    siginfo_t info = {0};
    return waitid(P_PID, (id_t)child, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == child;
}

int ddb_signal_process(int process_descriptor, int signal_number) {
    return (int)syscall(SYS_pidfd_send_signal, process_descriptor, signal_number, NULL, 0);
}

ssize_t ddb_read_cached(int descriptor, void *bytes, size_t count, off_t offset) {
    struct iovec part = {.iov_base = bytes, .iov_len = count};
    return preadv2(descriptor, &part, 1, offset, RWF_NOWAIT);
}

int ddb_sync_filesystem(int descriptor) {
    return syncfs(descriptor);
}

int ddb_begin_sync(int descriptor) {
    return sync_file_range(descriptor, 0, 0, SYNC_FILE_RANGE_WRITE);
}
