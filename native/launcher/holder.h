/*
 * The holder: one tiny process that keeps a user's namespaces (user and mount; root's: mount only) alive between
 * commands. Its pid file is "holder" in the runtime directory; who makes one holds the lock "holder.lock" meanwhile.
 */
#ifndef WHERRY_LAUNCHER_HOLDER_H
#define WHERRY_LAUNCHER_HOLDER_H

#include <stdbool.h>

/* Whose namespaces these are, and with how many ids: WHERRY_NAMESPACE for Node. */
enum inside { INSIDE_USER, INSIDE_SINGLE, INSIDE_ROOT };

/*
 * Brings this process into the namespaces of the user's holder. When there is none: into those of a container's
 * monitor (pid files in "monitors/"), which outlived it, and a new holder is started there; else a new holder makes
 * new ones. However many processes call this at once, they come into the same namespaces.
 *
 * The user is root inside. The current directory is the root directory afterwards. RUNTIME is the runtime directory,
 * open. Dies, with the reason, when there is no way.
 */
enum inside holder_enter(int runtime, bool root);

/*
 * The short way: as holder_enter(), but only into a holder that is alive. False, and nothing has changed, when there
 * is none, or when a better one can be made.
 */
bool holder_join(int runtime, bool root, enum inside *inside);

#endif
