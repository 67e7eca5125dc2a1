/* The many ways in which a machine forbids user namespaces, in words that say who can allow them, and how. */
#ifndef WHERRY_LAUNCHER_REFUSAL_H
#define WHERRY_LAUNCHER_REFUSAL_H

/*
 * Says why the user could not do WHAT ("make a user namespace"), when a system call for it failed with ERROR, and
 * ends the process. The cause is looked for in this order: AppArmor's restriction (Ubuntu), Debian's switch, the
 * kernel's limits; then it is the container or chroot around us.
 */
_Noreturn void refuse(const char *what, int error);

#endif
