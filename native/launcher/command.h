/* Other programs, run to their end. */
#ifndef WHERRY_LAUNCHER_COMMAND_H
#define WHERRY_LAUNCHER_COMMAND_H

/* A program's path: $PATH first, then where distributions put it. NULL when it is not installed; the caller frees. */
char *command_find(const char *name);

/*
 * Runs a program with nothing as its input. The exit status, or -1 when it could not be run or was killed. OUTPUT,
 * where not NULL, gets what it printed on both streams, for the caller to free (never NULL, at most 1 MiB); else it
 * prints into the void.
 */
int command_run(const char *const arguments[], char **output);

#endif
