/*
 * Processes that pid files name.
 *
 * A pid file is only a hint: its process may have ended, and the kernel may have given the number to another. So each
 * holds "PID STARTTIME\n" (proc_pid_stat(5), field 22), and nothing is done with a number before a pidfd holds it.
 */
#ifndef WHERRY_LAUNCHER_PROCESS_H
#define WHERRY_LAUNCHER_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

/* A live process, which can't become another one while it is held. */
struct process {
	pid_t pid;
	int pidfd;
	int proc; /* /proc/PID */
};

/* Holds nothing; process_close() may be called on it. */
#define PROCESS_NONE                                                                                                   \
	{                                                                                                              \
		.pid = 0, .pidfd = -1, .proc = -1                                                                      \
	}

/* Lets a process go at the end of its scope. */
#define scoped_process __attribute__((cleanup(process_close))) struct process

/*
 * Holds the process that the file NAME in DIRECTORY names. False when there is no such file, when it is no pid file,
 * when the process has ended, or when its number is another's now.
 */
bool process_find(struct process *process, int directory, const char *name);

/* Holds the process PID, which the caller knows to be alive (its child); false when it has ended all the same. */
bool process_hold(struct process *process, pid_t pid);

/* Writes the pid file NAME in DIRECTORY for a process that is held. -1 with errno. */
int process_record(const struct process *process, int directory, const char *name);

void process_close(struct process *process);

#endif
