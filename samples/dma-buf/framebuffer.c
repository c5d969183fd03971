// SPDX-License-Identifier: GPL-2.0
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>

#include "framebuffer.h"

static unsigned int uses_of(int card, __u32 fb)
{
	unsigned int id, uses = 0;
	char path[64], line[256];
	const char *at;
	bool found = false;
	struct stat st;
	FILE *f;

	if (fstat(card, &st))
		return 0;
	snprintf(path, sizeof(path), "/sys/kernel/debug/dri/%u/framebuffer",
		 minor(st.st_rdev));
	f = fopen(path, "re");
	if (!f)
		return 0;
	while (!uses && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "framebuffer[%u]:", &id) == 1)
			found = id == fb;
		at = found ? strstr(line, "refcount=") : NULL;
		if (at)
			sscanf(at, "refcount=%u", &uses);
	}
	fclose(f);
	return uses;
}

unsigned int framebuffer_let_go(int card, __u32 fb, int most_ms)
{
	const struct timespec moment = { .tv_nsec = 1000000 };
	unsigned int uses = uses_of(card, fb);

	for (int ms = 0; ms < most_ms && uses > 1; ms++) {
		nanosleep(&moment, NULL);
		uses = uses_of(card, fb);
	}
	return uses;
}
