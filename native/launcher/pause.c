/*
 * The holder's whole program: it waits until it is killed.
 *
 * It has no C library, no data and no stack to speak of, so that the process which keeps a user's namespaces alive
 * costs two pages. Its bytes are embedded into the launcher, which runs them from memory: a holder that ran a file
 * would keep that file's mount busy.
 */
#include <sys/prctl.h>
#include <sys/syscall.h>

#if defined(__x86_64__)
static long call(long number, long a, long b)
{
	register long c __asm__("rdx") = 0, d __asm__("r10") = 0, e __asm__("r8") = 0;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "r"(c), "r"(d), "r"(e)
			 : "rcx", "r11", "memory");
	return result;
}
#elif defined(__aarch64__)
static long call(long number, long a, long b)
{
	register long x8 __asm__("x8") = number, x0 __asm__("x0") = a, x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = 0, x3 __asm__("x3") = 0, x4 __asm__("x4") = 0;

	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4) : "memory");
	return x0;
}
#else
#error "wherry runs on x86_64 and aarch64"
#endif

void _start(void);

void _start(void)
{
	static const char name[] = "wherry-holder";

	call(SYS_prctl, PR_SET_NAME, (long)name);
	for (;;)
		call(SYS_ppoll, 0, 0); /* no descriptors, no time limit */
}
