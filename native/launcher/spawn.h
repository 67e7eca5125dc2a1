/*
 * The birth of a holder: a grandchild that is nobody's child, with nothing open, in no terminal's session.
 *
 * It waits for its maker at each step, and ends when the maker is gone: a launcher that is killed half-way leaves no
 * holder that no pid file names.
 */
#ifndef WHERRY_LAUNCHER_SPAWN_H
#define WHERRY_LAUNCHER_SPAWN_H

#include "launcher/process.h"

struct spawn {
	int channel;
};

/*
 * Starts it in new namespaces (CLONE_* flags of unshare(2); 0: in those of this process), and holds it. SIGCHLD must
 * not be ignored. Dies with the reason when the kernel refuses.
 */
void spawn_start(struct spawn *spawn, int namespaces, struct process *holder);

/* Once its ids are mapped: has it make its mount namespace a slave of the host's, and show a pure cgroup v2 tree. */
void spawn_mount(struct spawn *spawn);

/* Once its pid file is written: lets it go, for good. */
void spawn_finish(struct spawn *spawn);

#endif
