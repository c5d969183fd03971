// SPDX-License-Identifier: GPL-2.0
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "framebuffer.h"

unsigned int framebuffer_uses(int card, __u32 fb)
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
