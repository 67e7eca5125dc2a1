/* The current directory, which setns(2) into a mount namespace changes to "/" (setns(2), mount namespaces). */
#ifndef WHERRY_LAUNCHER_PLACE_H
#define WHERRY_LAUNCHER_PLACE_H

struct place {
	int fd;	    /* -1: it is closed to the user */
	char *path; /* NULL: it was removed, or can't be reached */
};

/* Notes where this process is. */
void place_note(struct place *place);

/*
 * Goes back there, in the namespace that was entered meanwhile, and lets go of PLACE. A directory that is not to be
 * seen in there stays the current one as it was outside; one that is closed to the user can't stay: then it is "/". The
 * user is warned, but not of a directory that was removed.
 */
void place_return(struct place *place);

#endif
