#define _GNU_SOURCE
#include "launcher/process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/io.h"
#include "base/die.h"
#include "base/scoped.h"

void process_close(struct process *process)
{
	scoped_close(&process->pidfd);
	scoped_close(&process->proc);
	process->pidfd = process->proc = -1;
}

bool process_hold(struct process *process, pid_t pid)
{
	char path[32];

	process_close(process);
	process->pid = pid;
	process->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (process->pidfd < 0) {
		if (errno == ENOSYS)
			die("Cannot use this kernel: wherry needs Linux 5.8 or newer");
		return false;
	}
	/* From here on PID can be no other process's, unless it was already when the pidfd was opened. */
	snprintf(path, sizeof(path), "/proc/%d", pid);
	process->proc = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return process->proc >= 0;
}

bool process_find(struct process *process, int directory, const char *name)
{
	scoped_str text = io_read_file(directory, name, NULL);
	unsigned long long start;
	pid_t pid;

	if (!text || sscanf(text, "%d %llu", &pid, &start) != 2 || pid <= 0 || start == 0)
		return false;
	return process_hold(process, pid) && io_start_time_at(process->proc) == start;
}

int process_record(const struct process *process, int directory, const char *name)
{
	unsigned long long start = io_start_time_at(process->proc);
	char line[64];
	int size;

	if (start == 0)
		return -1;
	size = snprintf(line, sizeof(line), "%d %llu\n", process->pid, start);
	return io_replace(directory, name, line, (size_t)size, 0600);
}
