/*
 * Whole reads and writes: a signal in between (EINTR) or a short count is nobody's concern but this module's.
 *
 * Functions return -1 with errno when they fail, and print nothing. Descriptors they open are close-on-exec.
 */
#ifndef WHERRY_BASE_IO_H
#define WHERRY_BASE_IO_H

#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

/* Writes all SIZE bytes. On a non-blocking descriptor that is full: -1 with EAGAIN, a part may be written. */
int io_write(int fd, const void *bytes, size_t size);

/* Reads until SIZE bytes are there or the file ends; the count of bytes. */
ssize_t io_read(int fd, void *bytes, size_t size);

/*
 * A small file (at most 1 MiB, else EFBIG) relative to DIRECTORY (or AT_FDCWD), as a string that the caller frees;
 * NULL with errno. SIZE, where not NULL, gets the length, so that zero bytes inside can be seen (/proc/PID/cmdline).
 */
char *io_read_file(int directory, const char *path, size_t *size);

/* As io_read_file(), of an open file from where it stands. */
char *io_read_open(int fd, size_t *size);

/* The process ID that the file PATH begins with; 0 where there is none. */
pid_t io_read_pid(const char *path);

/*
 * Gives PATH new contents, so that a reader, and a crash of this process, sees either the old file or the whole new
 * one: written under the name "PATH.PID.tmp" and renamed. Not synced: state files are void after a reboot.
 */
int io_replace(int directory, const char *path, const void *bytes, size_t size, mode_t mode);

/*
 * When the process was started, in clock ticks since the boot (field 22 of /proc/PID/stat, proc(5)): together with
 * the pid it names one process of this boot. 0 with errno when there is no such process, or when it is a zombie
 * (ESRCH): a zombie has ended.
 */
unsigned long long io_start_time(pid_t pid);

/* As io_start_time(), through an open directory /proc/PID, which never becomes another process's. */
unsigned long long io_start_time_at(int process);

#endif
