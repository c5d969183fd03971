// SPDX-License-Identifier: GPL-2.0
/*
 * The displays of the interop matrix: vkms, which composes by CPU and writes
 * back; bochs, whose driver copies into the card's memory; and the PL111, which
 * fetches the pixels itself. What they show is looked at behind the driver:
 * in the writeback, in the card's memory, at the address of the scan-out.
 */
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <drm/drm_fourcc.h>

#include "interop.h"
#include "interop_kms.h"

#define COLOUR	0xffffffU	/* what of a word of XRGB8888 is shown */

static struct {
	struct kms kms;
	__u32 handle, fb;	/* what is imported */
	__u32 own_handle, own_fb;
	__u32 *own_view;
	size_t own_size;
	size_t seen_size;	/* the memory that the display fetches from */
	__u32 *seen;
} own = { .kms.card = -1 };

static bool import_frame(const struct shared *s, __u32 format, __u32 pitch)
{
	if (prime_import(own.kms.card, s->fd, &own.handle))
		return refused("DRM_IOCTL_PRIME_FD_TO_HANDLE");
	return kms_frame_buffer(&own.kms, own.handle, format, pitch, &own.fb);
}

static bool import_xrgb(const struct shared *s)
{
	return import_frame(s, DRM_FORMAT_XRGB8888, WIDTH * 4);
}

/* A flip waits until a writer is done with the buffer, and not for readers. */
static bool heeds(const struct shared *s, int line, bool writer)
{
	bool early, fine;

	(void)s;
	if (!kms_start(&own.kms, own.fb)) {
		timeline_inc(line, 1);
		return false;
	}
	early = kms_shown(&own.kms, writer ? 50 : PATIENCE_MS);
	timeline_inc(line, 1);
	fine = early ? !writer : writer && kms_shown(&own.kms, PATIENCE_MS);
	return fine || wrong("a %s's fence: the flip %s", writer ? "writer" :
			     "reader", early ? "does not wait" : "waits");
}

static void release(void)
{
	kms_remove(&own.kms, &own.fb, &own.handle);
}

static void shut(void)
{
	if (own.own_view)
		munmap(own.own_view, own.own_size);
	if (own.seen)
		munmap(own.seen, own.seen_size);
	kms_remove(&own.kms, &own.own_fb, &own.own_handle);
	kms_close(&own.kms);
	own.own_view = NULL;
	own.seen = NULL;
}

/* vkms has a buffer of its own beside the imported one: target or source */
static bool open_vkms(void)
{
	__u64 size;

	if (!kms_open(&own.kms, "vkms"))
		return false;
	if (!own.kms.writeback)
		return missing("vkms' writeback (enable_writeback=1)");
	if (dumb_create(own.kms.card, &own.own_handle, &size))
		return refused("DRM_IOCTL_MODE_CREATE_DUMB");
	own.own_size = size;
	own.own_view = dumb_map(own.kms.card, own.own_handle, size);
	if (!own.own_view)
		return refused("DRM_IOCTL_MODE_MAP_DUMB");
	return kms_frame_buffer(&own.kms, own.own_handle, DRM_FORMAT_XRGB8888,
				WIDTH * 4, &own.own_fb);
}

static bool reads_vkms(unsigned int seed)
{
	return kms_show(&own.kms, own.fb, own.own_fb) &&
	       words_are(own.own_view, WORDS, seed, COLOUR);
}

static bool writes_vkms(const __u32 *view, unsigned int seed)
{
	for (size_t i = 0; i < WORDS; i++)
		own.own_view[i] = word_at(seed, i);
	return kms_show(&own.kms, own.own_fb, own.fb) &&
	       words_are(view, WORDS, seed, COLOUR);
}

const struct importer vkms_importer = {
	.name = "vkms",
	.driver = "vkms",
	.attaches = 1,
	.open = open_vkms,
	.import = import_xrgb,
	.reads = reads_vkms,
	.writes = writes_vkms,
	.heeds = heeds,
	.release = release,
	.close = shut,
};

/* The memory of the card is its first PCI resource. */
static bool open_bochs(void)
{
	char path[128];
	struct stat st;
	glob_t found;
	int fd = -1;

	if (!kms_open(&own.kms, "bochs-drm"))
		return false;
	if (!glob("/sys/bus/pci/drivers/bochs-drm/0000:*/resource0", 0, NULL,
		  &found)) {
		snprintf(path, sizeof(path), "%s", found.gl_pathv[0]);
		fd = open(path, O_RDWR | O_SYNC | O_CLOEXEC);
		globfree(&found);
	}
	if (fd < 0 || fstat(fd, &st))
		return missing("the memory of the bochs display");
	own.seen_size = FRAME;
	own.seen = map_shared(fd, own.seen_size, 0);
	close(fd);
	return own.seen || refused("mmap of the display's memory");
}

static bool reads_bochs(unsigned int seed)
{
	return kms_show(&own.kms, own.fb, 0) &&
	       words_are(own.seen, WORDS, seed, COLOUR);
}

const struct importer bochs_importer = {
	.name = "display",
	.driver = "bochs-drm",
	.attaches = 1,
	.open = open_bochs,
	.import = import_xrgb,
	.reads = reads_bochs,
	.heeds = heeds,
	.release = release,
	.close = shut,
};

static bool open_pl111(void)
{
	return kms_open(&own.kms, "pl111");
}

static bool import_pl111(const struct shared *s)
{
	return import_frame(s, DRM_FORMAT_RGB565, WIDTH * 2);
}

/* The register with the address is in debugfs, the memory in /dev/mem. */
static bool reads_pl111(unsigned int seed)
{
	char path[96], text[2048];
	const char *reg;
	struct stat st;
	void *seen;
	bool fine;
	int fd;

	if (!kms_show(&own.kms, own.fb, 0))
		return false;
	if (fstat(own.kms.card, &st))
		return refused("fstat");
	snprintf(path, sizeof(path), "/sys/kernel/debug/dri/%u/regs",
		 minor(st.st_rdev));
	if (!read_file(path, text, sizeof(text)))
		return refused("read of the display's registers");
	reg = strstr(text, "CLCD_UBAS");
	reg = reg ? strchr(reg, ':') : NULL;
	if (!reg)
		return wrong("no scan-out address in %s", path);
	fd = open("/dev/mem", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return missing("/dev/mem");
	seen = mmap(NULL, FRAME / 2, PROT_READ, MAP_SHARED, fd,
		    strtoul(reg + 1, NULL, 16));
	close(fd);
	if (seen == MAP_FAILED)
		return refused("mmap of the scan-out");
	fine = words_are(seen, WORDS / 2, seed, ~0U);
	munmap(seen, FRAME / 2);
	return fine;
}

const struct importer pl111_importer = {
	.name = "display",
	.driver = "pl111",
	.attaches = 1,
	.open = open_pl111,
	.import = import_pl111,
	.reads = reads_pl111,
	.heeds = heeds,
	.release = release,
	.close = shut,
};
