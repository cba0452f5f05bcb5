#pragma once
// Only what every module agrees on: a header of the system included here with other macros than Swift's own Glibc module uses would
// clash with it.
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/types.h>

// epoll's data is a union and accept4 is hidden from Swift.
int ddb_epoll_set(int epoll, int operation, int descriptor, uint32_t events, uint64_t token);
int ddb_accept(int listener);

// Raises the soft limit of open descriptors to the hard one; returns the limit now in force, or -1 with errno.
int64_t ddb_raise_descriptor_limit(void);

// Starts a program that the kernel kills (SIGKILL) when the calling *thread* ends, so the caller must be a thread that lives as
// long as the process. Standard input is /dev/null, standard output and error go to log_descriptor, every other descriptor is
// closed, it runs in a session of its own (a terminal's Ctrl-C does not reach it) with all signals unblocked.
// Returns the process id, or -1 with errno (also of a failed exec).
pid_t ddb_spawn_bound(const char *path, char *const arguments[], const char *directory, int log_descriptor);
// The same with standard input and output of the caller's choice; -1 leaves them as above. The caller closes its own.
pid_t ddb_spawn_piped(const char *path, char *const arguments[], const char *directory, int input, int output, int log_descriptor);
// A pipe that no child inherits, with room for `bytes` where the system grants it: the reading and the writing end. -1 with errno.
int ddb_pipe(int ends[2], int bytes);

// A counter to poll for (eventfd, non-blocking): readable from the first 8-byte write on. -1 with errno.
int ddb_event(void);

// A descriptor (pidfd) that becomes readable when the process ends, whoever its parent is, and never means another process that was
// given the same number later. -1 with errno.
int ddb_process_descriptor(pid_t process);
// Whether this child ended and waits to be collected.
int ddb_has_ended(pid_t child);
int ddb_signal_process(int process_descriptor, int signal_number);

// Reads what is in memory already: -1 with EAGAIN, or fewer bytes, where the disk would have to be waited for.
ssize_t ddb_read_cached(int descriptor, void *bytes, size_t count, off_t offset);

// Everything written to the descriptor's file system is on disk when this returns 0.
int ddb_sync_filesystem(int descriptor);
// Has the system begin to write a file to the disk, without a promise: a later sync has less to wait for. -1 with errno.
int ddb_begin_sync(int descriptor);
