#define _GNU_SOURCE
#include "launcher/refusal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/die.h"
#include "base/io.h"
#include "base/scoped.h"

/* A number of /proc/sys; OTHERWISE where the kernel has no such thing. */
static long setting(const char *path, long otherwise)
{
	scoped_str text = io_read_file(AT_FDCWD, path, NULL);

	return text ? strtol(text, NULL, 10) : otherwise;
}

static bool has_seccomp_filter(void)
{
	scoped_str status = io_read_file(AT_FDCWD, "/proc/self/status", NULL);

	return status && strstr(status, "\nSeccomp:\t2");
}

static void explain_forbidden(const char *what, int error)
{
	const bool root = geteuid() == 0; /* whom the machine's switches don't concern */

	if (!root && setting("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", 0) != 0) {
		warn("Cannot %s: AppArmor keeps user namespaces from programs without a profile "
		     "(kernel.apparmor_restrict_unprivileged_userns=1)",
		     what);
		hint("Have root install wherry's AppArmor profile, which install.sh offers, "
		     "or run: sysctl kernel.apparmor_restrict_unprivileged_userns=0");
	} else if (!root && setting("/proc/sys/kernel/unprivileged_userns_clone", 1) == 0) {
		warn("Cannot %s: only root may on this machine (kernel.unprivileged_userns_clone=0)", what);
		hint("Have root run: sysctl kernel.unprivileged_userns_clone=1 "
		     "(to keep it, put that line into /etc/sysctl.d/90-wherry.conf)");
	} else if (has_seccomp_filter()) {
		warn("Cannot %s: the seccomp filter around this process forbids it", what);
		hint("Run wherry outside of this container or service, or start the container with --privileged");
	} else {
		warn("Cannot %s: %s", what, strerror(error));
		hint("A chroot and most containers forbid it: run wherry outside, or in a container with --privileged");
	}
}

static void explain_limit(const char *what)
{
	if (setting("/proc/sys/user/max_user_namespaces", 1) == 0) {
		warn("Cannot %s: this machine allows none (user.max_user_namespaces=0)", what);
		hint("Have root run: sysctl user.max_user_namespaces=15000 "
		     "(to keep it, put that line into /etc/sysctl.d/90-wherry.conf)");
	} else {
		warn("Cannot %s: there are as many namespaces as this machine allows", what);
		hint("Have root raise user.max_user_namespaces and user.max_mnt_namespaces by sysctl, "
		     "or end programs that use many (browsers, containers)");
	}
}

_Noreturn void refuse(const char *what, int error)
{
	switch (error) {
	case EPERM:
	case EACCES:
		explain_forbidden(what, error);
		break;
	case ENOSPC: /* the number of namespaces, or how deep they are nested */
	case EUSERS: /* the depth, before Linux 4.9 */
		explain_limit(what);
		break;
	case EINVAL:
	case ENOSYS:
		warn("Cannot %s: this kernel was built without user namespaces (CONFIG_USER_NS)", what);
		hint("Boot a kernel of your distribution, version 5.8 or newer");
		break;
	default:
		warn("Cannot %s: %s", what, strerror(error));
	}
	die_quietly();
}
