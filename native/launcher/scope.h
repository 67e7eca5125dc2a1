/* The unit of systemd that a process is in, which decides how long it lives. */
#ifndef WHERRY_LAUNCHER_SCOPE_H
#define WHERRY_LAUNCHER_SCOPE_H

#include <sys/types.h>

/*
 * Asks the user's service manager to keep the process PID in a scope of its own, so that it doesn't end with the
 * log-in session or the service that this command belongs to (logind.conf(5): KillUserProcesses=). Where there is no
 * such manager, or where it refuses, the process stays where it is.
 */
void scope_make(pid_t pid);

#endif
