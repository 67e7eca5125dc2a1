#define _GNU_SOURCE
#include "launcher/command.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/die.h"
#include "base/io.h"
#include "base/scoped.h"

static char *executable_in(const char *directory, int length, const char *name)
{
	scoped_str path = NULL;

	if (asprintf(&path, "%.*s/%s", length, directory, name) < 0)
		die("Out of memory");
	return access(path, X_OK) == 0 ? scoped_take_str(&path) : NULL;
}

char *command_find(const char *name)
{
	static const char *const usual[] = {"/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"};
	const char *at = getenv("PATH");

	while (at && *at) {
		const char *end = strchrnul(at, ':');
		/* A relative entry would name another program in each directory. */
		char *path = *at == '/' ? executable_in(at, (int)(end - at), name) : NULL;

		if (path)
			return path;
		at = *end ? end + 1 : end;
	}
	for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++) {
		char *path = executable_in(usual[i], (int)strlen(usual[i]), name);

		if (path)
			return path;
	}
	return NULL;
}

/* After fork(): only async-signal-safe calls (signal-safety(7)). */
static _Noreturn void become(const char *const arguments[], int output)
{
	int nothing = open("/dev/null", O_RDWR);

	if (nothing < 0 || dup2(nothing, STDIN_FILENO) < 0)
		_exit(EXIT_OURS);
	if (output < 0)
		output = nothing;
	if (dup2(output, STDOUT_FILENO) < 0 || dup2(output, STDERR_FILENO) < 0)
		_exit(EXIT_OURS);
	execv(arguments[0], (char *const *)(uintptr_t)arguments);
	_exit(EXIT_OURS);
}

int command_run(const char *const arguments[], char **output)
{
	int ends[2] = {-1, -1};
	int status;
	pid_t child;

	if (output && pipe2(ends, O_CLOEXEC) < 0)
		die_errno("Cannot make a pipe");
	scoped_fd reading = ends[0], writing = ends[1];

	child = fork();
	if (child < 0)
		die_errno("Cannot start %s", arguments[0]);
	if (child == 0)
		become(arguments, writing);
	if (output) {
		close(scoped_take_fd(&writing));
		*output = io_read_open(reading, NULL);
		if (!*output)
			die_errno("Cannot read what %s says", arguments[0]);
	}
	while (waitpid(child, &status, 0) < 0) {
		if (errno != EINTR)
			return -1;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
