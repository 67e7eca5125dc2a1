#define _GNU_SOURCE
#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/scoped.h"

enum { FIRST_SIZE = 1024, LARGEST_SIZE = 1024 * 1024 };

int io_write(int fd, const void *bytes, size_t size)
{
	const char *at = bytes;

	while (size > 0) {
		ssize_t n = write(fd, at, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		at += n;
		size -= (size_t)n;
	}
	return 0;
}

ssize_t io_read(int fd, void *bytes, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = read(fd, (char *)bytes + done, size - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

char *io_read_open(int fd, size_t *size)
{
	size_t room = FIRST_SIZE, done = 0;
	scoped_str text = NULL;

	for (;;) {
		char *grown = realloc(text, room + 1);

		if (!grown)
			return NULL;
		text = grown;
		ssize_t n = io_read(fd, text + done, room - done);

		if (n < 0)
			return NULL;
		done += (size_t)n;
		if (done < room)
			break;
		if (room >= LARGEST_SIZE) {
			errno = EFBIG;
			return NULL;
		}
		room *= 4;
	}
	text[done] = '\0';
	if (size)
		*size = done;
	return scoped_take_str(&text);
}

char *io_read_file(int directory, const char *path, size_t *size)
{
	scoped_fd fd = openat(directory, path, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? NULL : io_read_open(fd, size);
}

pid_t io_read_pid(const char *path)
{
	scoped_str text = io_read_file(AT_FDCWD, path, NULL);
	long pid = text ? strtol(text, NULL, 10) : 0;

	return pid > 0 && pid <= INT_MAX ? (pid_t)pid : 0;
}

int io_replace(int directory, const char *path, const void *bytes, size_t size, mode_t mode)
{
	scoped_str staged = NULL;

	if (asprintf(&staged, "%s.%d.tmp", path, getpid()) < 0) {
		staged = NULL;
		errno = ENOMEM;
		return -1;
	}
	/* The name is this process's own; what is there was left by a dead one with the same pid. */
	(void)unlinkat(directory, staged, 0);
	scoped_fd fd = openat(directory, staged, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);

	if (fd < 0)
		return -1;
	if (io_write(fd, bytes, size) < 0 || renameat(directory, staged, directory, path) < 0) {
		int error = errno;

		(void)unlinkat(directory, staged, 0);
		errno = error;
		return -1;
	}
	return 0;
}

/* The second field, the name, may hold spaces and parentheses: what comes behind is counted from the last ')'. */
static unsigned long long parse_start_time(const char *stat)
{
	const char *at = strrchr(stat, ')');
	unsigned long long ticks = 0;
	char state = 0;

	if (!at || sscanf(at + 1, " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
			  &state, &ticks) != 2) {
		errno = EPROTO;
		return 0;
	}
	if (state == 'Z' || state == 'X') {
		errno = ESRCH;
		return 0;
	}
	return ticks;
}

unsigned long long io_start_time_at(int process)
{
	scoped_str stat = io_read_file(process, "stat", NULL);

	return stat ? parse_start_time(stat) : 0;
}

unsigned long long io_start_time(pid_t pid)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	scoped_str stat = io_read_file(AT_FDCWD, path, NULL);

	return stat ? parse_start_time(stat) : 0;
}
