/*
 * The runtime directory: what a reboot may forget. Pid files, locks and sockets of one user are in it, so it must be
 * the user's own, and nobody else may write there.
 */
#ifndef WHERRY_LAUNCHER_RUNTIME_H
#define WHERRY_LAUNCHER_RUNTIME_H

#include <stdbool.h>

/*
 * Where it is, or will be; the caller frees the string. Root's is /run/wherry; anybody else's $XDG_RUNTIME_DIR/wherry
 * where that variable names a directory that is theirs alone (XDG base directory specification: owned by the user,
 * mode 0700), else /run/user/UID/wherry, else /tmp/wherry-UID.
 */
char *runtime_path(bool root);

/* The last of those, for a user to whom containers were started before the first login of this boot; freed as well. */
char *runtime_fallback(void);

/*
 * Opens the directory, which is made when it is absent. Dies when it is not the user's own directory, or when others
 * may write there: what is inside can't be trusted.
 */
int runtime_open(const char *path);

/* Opens the directory when it is there and the user's own, else -1. */
int runtime_peek(const char *path);

#endif
