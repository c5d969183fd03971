// SPDX-License-Identifier: GPL-2.0
/*
 * What the interop matrix is expected to be. A pair that is not named here
 * works, and a driver that is not named here is there: anything else fails,
 * and so does another errno, another step, and success where none is expected.
 */
#include "interop.h"

#define IMPORT		"DRM_IOCTL_PRIME_FD_TO_HANDLE"
#define QUEUE		"VIDIOC_QBUF"
#define HEAP_PAGES	"the system heap hands out chunks of at most 1 MiB from all over the memory"
#define UDMABUF_PAGES	"the pages of a memory file lie anywhere, here out of order on purpose"
#define SHMEM_PAGES	"DRM's shmem helper hands out single pages"
#define VMALLOC_PAGES	"videobuf2's vmalloc allocator hands out single pages"
#define DISPLAY		"the PL111 has one address register and no IOMMU: "
#define CAMERA		"a camera without scatter-gather DMA wants one piece: "
#define SAMPLE		"the sample imports what its device can reach with one address: "

static const struct expectation refusals[] = {
	{ "system_heap", "vivid_contig", NULL, QUEUE, EFAULT, CAMERA HEAP_PAGES },
	{ "udmabuf", "vivid_contig", NULL, QUEUE, EFAULT, CAMERA UDMABUF_PAGES },
	{ "vgem", "vivid_contig", NULL, QUEUE, EFAULT, CAMERA SHMEM_PAGES },
	{ "vkms", "vivid_contig", NULL, QUEUE, EFAULT, CAMERA SHMEM_PAGES },
	{ "vb2", "vivid_contig", NULL, QUEUE, EFAULT, CAMERA VMALLOC_PAGES },

	{ "system_heap", "display", "vexpress-a9", IMPORT, EINVAL, DISPLAY HEAP_PAGES },
	{ "udmabuf", "display", "vexpress-a9", IMPORT, EINVAL, DISPLAY UDMABUF_PAGES },
	{ "vgem", "display", "vexpress-a9", IMPORT, EINVAL, DISPLAY SHMEM_PAGES },
	{ "vkms", "display", "vexpress-a9", IMPORT, EINVAL, DISPLAY SHMEM_PAGES },
	{ "vb2", "display", "vexpress-a9", IMPORT, EINVAL, DISPLAY VMALLOC_PAGES },

	{ "system_heap", "rust_dumb", NULL, IMPORT, EINVAL, SAMPLE HEAP_PAGES },
	{ "udmabuf", "rust_dumb", NULL, IMPORT, EINVAL, SAMPLE UDMABUF_PAGES },
	{ "vgem", "rust_dumb", NULL, IMPORT, EINVAL, SAMPLE SHMEM_PAGES },
	{ "vkms", "rust_dumb", NULL, IMPORT, EINVAL, SAMPLE SHMEM_PAGES },
	{ "vb2", "rust_dumb", NULL, IMPORT, EINVAL, SAMPLE VMALLOC_PAGES },
};

#define BOUNCE		"a bounce buffer has no piece of more than 256 KiB, and there are few: "

/* Who maps more than that, or several pieces of it, at once */
static const struct expectation bounces[] = {
	{ NULL, "vivid_contig", NULL, QUEUE, EINVAL, BOUNCE "a frame is one piece" },
	{ NULL, "rust_dumb", NULL, IMPORT, EIO, BOUNCE "a frame is one piece" },
	{ NULL, "rust_importer", NULL, "RUST_DMA_BUF_IMPORTER_SUBMIT", EIO,
	  BOUNCE "the buffer's pieces may be larger" },
};

/* What a form of the kernel does not have */
static const struct {
	const char *name;
	const char *machine;
	const char *link;
	const char *reason;
} absences[] = {
	{ "rust_dumb", NULL, "m",
	  "the kernel crate has DRM with CONFIG_DRM=y only" },
};

static bool holds(const char *wanted, const char *is)
{
	return !wanted || !strcmp(wanted, is);
}

const struct expectation *expected_refusal(const char *exporter,
					   const char *importer,
					   const struct form *form)
{
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++)
		if (!strcmp(refusals[i].exporter, exporter) &&
		    !strcmp(refusals[i].importer, importer) &&
		    holds(refusals[i].machine, form->machine))
			return &refusals[i];
	return NULL;
}

const struct expectation *possible_refusal(const char *importer,
					   const struct form *form)
{
	for (size_t i = 0; form->bounced && i < ARRAY_SIZE(bounces); i++)
		if (!strcmp(bounces[i].importer, importer))
			return &bounces[i];
	return NULL;
}

const char *expected_absence(const char *name, const struct form *form)
{
	for (size_t i = 0; i < ARRAY_SIZE(absences); i++)
		if (!strcmp(absences[i].name, name) &&
		    holds(absences[i].machine, form->machine) &&
		    holds(absences[i].link, form->link))
			return absences[i].reason;
	return NULL;
}
