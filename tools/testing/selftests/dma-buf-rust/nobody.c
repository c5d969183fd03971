// SPDX-License-Identifier: GPL-2.0
/*
 * What is tried by who has no rights.
 */
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common.h"
#include "nobody.h"

#define NOBODY	65534

/* The libc's is in a header with a struct group of its own. */
#ifdef SYS_setgroups32
#define SET_GROUPS	SYS_setgroups32
#else
#define SET_GROUPS	SYS_setgroups
#endif

void drop_rights(void)
{
	t_need(!syscall(SET_GROUPS, 0, NULL) && !setresgid(NOBODY, NOBODY, NOBODY) &&
	       !setresuid(NOBODY, NOBODY, NOBODY), "to be nobody");
	t_need(setuid(0) && errno == EPERM, "to be nobody for good");
	/* what is in /proc/self would be root's otherwise */
	t_need(!prctl(PR_SET_DUMPABLE, 1), "PR_SET_DUMPABLE");
}

void as_nobody(void (*part)(void *with), void *with)
{
	struct ksft_count *results;
	int status = -1;
	pid_t child;

	results = mmap(NULL, page_size(), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	t_need(results != MAP_FAILED, "mmap");
	fflush(stdout);
	child = fork();
	t_need(child >= 0, "fork");
	if (!child) {
		drop_rights();
		part(with);
		*results = t_results();
		fflush(stdout);
		_exit(0);
	}
	t_need(waitpid(child, &status, 0) == child, "waitpid");
	t_need(!status, "what nobody does");
	t_set_results(*results);
	munmap(results, page_size());
}
