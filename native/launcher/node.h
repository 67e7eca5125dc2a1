/* What the launcher ends in: Node with wherry's program, told by WHERRY_* variables where it is. */
#ifndef WHERRY_LAUNCHER_NODE_H
#define WHERRY_LAUNCHER_NODE_H

/*
 * The installation's directory (WHERRY_HOME): the one above the directory of this program, by whatever link it was
 * called. The caller frees it.
 */
char *node_home(void);

/* Sets a variable of the environment; dies when there is no memory. NULL takes it away. */
void node_tell(const char *name, const char *value);

/*
 * Replaces this process by Node, which runs HOME's dist/main.js, or src/cli/main.ts where the former is absent or
 * WHERRY_SOURCE=1. ARGUMENTS are the user's, without the program's name. Dies when there is no Node.
 */
_Noreturn void node_become(const char *home, int count, char *const arguments[]);

#endif
