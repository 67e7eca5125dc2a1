/* Other programs: started with what a program expects of its surroundings, whatever the monitor needs for itself. */
#ifndef WHERRY_MONITOR_CHILD_H
#define WHERRY_MONITOR_CHILD_H

#include <sys/types.h>

/*
 * What the monitor sets for itself and children must not inherit: signals are blocked or ignored, the limit of open
 * files is raised to what is allowed. Called once, at the start; -1 with errno. SIGCHLD and SIGTERM are read from the
 * descriptor it returns.
 */
int child_prepare(void);

/* Starts ARGUMENTS with these three standard streams; the pid, or -1 with errno. */
pid_t child_start(char *const arguments[], const int streams[3]);

/* The same, with COUNT descriptors from FIRST on as its 3, 4 and so on; FIRST is larger than 3. */
pid_t child_start_with(char *const arguments[], const int streams[3], int first, int count);

/* Becomes ARGUMENTS, with nothing on its standard streams. Returns only when that can't be. */
void child_become(char *const arguments[]);

#endif
