// SPDX-License-Identifier: GPL-2.0
/*
 * What the running kernel says: which core, who exports, who is attached, and
 * which memory the display fetches its pixels from.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "evidence.h"
#include "util.h"

#define BUFINFO	"/sys/kernel/debug/dma_buf/bufinfo"
#define DEBUG_HINT	"as root: mount -t debugfs none /sys/kernel/debug (CONFIG_DEBUG_FS)"

const char *running_core(void)
{
	const char *core = "c";
	char line[512];
	FILE *f = fopen("/proc/kallsyms", "r");
	unsigned int lines = 0;

	if (!f)
		fail_errno("the kernel needs CONFIG_KALLSYMS, and /proc must be mounted",
			   "cannot read /proc/kallsyms to see which core runs");
	for (; fgets(line, sizeof(line), f); lines++)
		if (strstr(line, " _R") && strstr(line, "12dma_buf_core"))
			core = "rust";
	fclose(f);
	if (!lines)
		fail("the kernel needs CONFIG_KALLSYMS",
		     "/proc/kallsyms is empty: cannot see which core runs");
	return core;
}

/* Append a word to a list unless it is there already. */
static void add_word(char *list, size_t len, const char *word)
{
	size_t n = strlen(word);
	const char *at = list;

	while ((at = strstr(at, word))) {
		if ((at == list || at[-1] == ' ') &&
		    (at[n] == '\0' || at[n] == ' '))
			return;
		at += n;
	}
	n = strlen(list);
	snprintf(list + n, len - n, "%s%s", n ? " " : "", word);
}

static bool is_ours(const struct buffer *b, unsigned int count,
		    unsigned long long ino)
{
	for (unsigned int i = 0; i < count; i++)
		if (b[i].ino == ino)
			return true;
	return false;
}

static FILE *open_bufinfo(void)
{
	FILE *f = fopen(BUFINFO, "r");

	if (!f)
		fail_errno(DEBUG_HINT, "cannot read " BUFINFO);
	return f;
}

/* One line an object, its fences, then the devices that are attached. */
static bool parse_object(const char *line, char *exporter,
			 unsigned long long *ino)
{
	return sscanf(line, "%*u %*x %*x %*d %63s %llu", exporter, ino) == 2;
}

void look_at_bufinfo(const struct buffer *b, unsigned int count,
		     struct evidence *e)
{
	char line[256], word[NAME_MAX_LEN];
	bool ours = false, devices = false;
	unsigned long long ino;
	unsigned int found = 0;
	FILE *f = open_bufinfo();

	memset(e, 0, sizeof(*e));
	while (fgets(line, sizeof(line), f)) {
		if (parse_object(line, word, &ino)) {
			ours = is_ours(b, count, ino);
			devices = false;
			if (ours) {
				found++;
				add_word(e->exporters, sizeof(e->exporters),
					 word);
			}
		} else if (strstr(line, "Attached Devices:")) {
			devices = true;
		} else if (!strncmp(line, "Total", 5)) {
			devices = false;
		} else if (ours && devices &&
			   sscanf(line, " %63s", word) == 1) {
			add_word(e->importers, sizeof(e->importers), word);
		}
	}
	fclose(f);
	if (found != count)
		fail(BUG_HINT,
		     BUFINFO " lists %u of our %u buffers", found, count);
}

bool still_in_bufinfo(ino_t ino)
{
	char line[256], word[NAME_MAX_LEN];
	unsigned long long n;
	bool found = false;
	FILE *f = open_bufinfo();

	while (fgets(line, sizeof(line), f))
		if (parse_object(line, word, &n) && n == ino)
			found = true;
	fclose(f);
	return found;
}

/*
 * The PL111 shows its registers in debugfs, and one of them holds the address
 * it fetches pixels from. Other drivers offer no such look.
 */
bool scanout_address(const struct display *d, __u64 *address)
{
	char path[96], text[2048];
	const char *reg;

	snprintf(path, sizeof(path), "/sys/kernel/debug/dri/%u/regs", d->minor);
	if (!read_text(path, text, sizeof(text)))
		return false;
	reg = strstr(text, "CLCD_UBAS");
	reg = reg ? strchr(reg, ':') : NULL;
	if (!reg)
		return false;
	*address = strtoull(reg + 1, NULL, 16);
	return *address != 0;
}

/*
 * The memory at that address, past every driver and exporter. NULL if the
 * kernel does not let us look (no CONFIG_DEVMEM, or CONFIG_STRICT_DEVMEM).
 */
void *scanout_map(__u64 address, size_t size)
{
	int fd = open("/dev/mem", O_RDONLY | O_CLOEXEC);
	void *view;

	if (fd < 0)
		return NULL;
	view = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, address);
	close(fd);
	return view == MAP_FAILED ? NULL : view;
}
