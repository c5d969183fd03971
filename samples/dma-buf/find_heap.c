// SPDX-License-Identifier: GPL-2.0
/*
 * Finds heaps of DMA-BUF by what they are, not by their names:
 *
 *   find_heap [ATTRIBUTE=VALUE...]
 *
 * prints the names of the heaps for which all of it holds, "contiguous=1 cached=1",
 * say, each with all that it tells of itself. The attributes are those of
 * Documentation/ABI/testing/sysfs-class-dma_heap. Fails if there is no such heap.
 */
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLASS	"/sys/class/dma_heap"

static const char * const attributes[] = {
	"alignment", "cached", "contiguous", "memory", "zeroed_ahead",
};

/* What a heap says of itself; false if it does not. */
static bool ask(const char *heap, const char *attribute, char *value, int size)
{
	char path[512];
	bool told;
	FILE *f;

	snprintf(path, sizeof(path), CLASS "/%s/%s", heap, attribute);
	f = fopen(path, "re");
	if (!f)
		return false;
	told = fgets(value, size, f);
	fclose(f);
	value[strcspn(value, "\n")] = '\0';
	return told;
}

/* Whether ATTRIBUTE=VALUE holds for it. */
static bool is(const char *heap, const char *wanted)
{
	size_t len = strcspn(wanted, "=");
	char attribute[64], value[64] = "";

	snprintf(attribute, sizeof(attribute), "%.*s", (int)len, wanted);
	return ask(heap, attribute, value, sizeof(value)) && !strcmp(value, wanted + len + 1);
}

static void describe(const char *heap)
{
	char value[64] = "";

	printf("%s", heap);
	for (size_t i = 0; i < sizeof(attributes) / sizeof(*attributes); i++)
		if (ask(heap, attributes[i], value, sizeof(value)))
			printf(" %s=%s", attributes[i], value);
	putchar('\n');
}

int main(int argc, char **argv)
{
	struct dirent **heaps;
	int found = 0, n;

	for (int i = 1; i < argc; i++) {
		if (argv[i][0] == '=' || strchr(argv[i], '/') || !strchr(argv[i], '=')) {
			fprintf(stderr, "find_heap [ATTRIBUTE=VALUE...], not %s\n", argv[i]);
			return 2;
		}
	}
	n = scandir(CLASS, &heaps, NULL, alphasort);
	if (n < 0) {
		perror(CLASS);
		return EXIT_FAILURE;
	}
	for (int i = 0; i < n; i++) {
		bool wanted = heaps[i]->d_name[0] != '.';

		for (int j = 1; wanted && j < argc; j++)
			wanted = is(heaps[i]->d_name, argv[j]);
		if (wanted) {
			describe(heaps[i]->d_name);
			found++;
		}
		free(heaps[i]);
	}
	free(heaps);
	if (!found)
		fprintf(stderr, "no such heap\n");
	return found ? EXIT_SUCCESS : EXIT_FAILURE;
}
