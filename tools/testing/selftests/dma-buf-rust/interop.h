/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The interop matrix: what the exporters, the importers and the pairing tell
 * each other. A buffer holds at least one frame, whose 32-bit words are either
 * pixels or numbers made from a seed.
 */
#ifndef DMA_BUF_RUST_INTEROP_H
#define DMA_BUF_RUST_INTEROP_H

#include "common.h"

#define WIDTH	640U
#define HEIGHT	480U
#define WORDS	(WIDTH * HEIGHT)
#define FRAME	(WORDS * sizeof(__u32))

/* A buffer in the hands of its exporter */
struct shared {
	int fd;			/* the dma-buf */
	size_t size;
	__u32 *view;		/* mapping of the exporter's own */
	size_t view_size;
	int device;		/* the exporter's file, -1 if it needs none */
	__u32 handle;		/* the device's name for it, 0 if it has none */
};

struct exporter {
	const char *name;
	/* The DRM driver, if it is one: it does not attach to its own buffers. */
	const char *driver;
	/* Both leave an errno and return false; missing() says what is. */
	bool (*get)(struct shared *s);
	/* The exporter lets go: mapping, fd, handle, device. */
	void (*put)(struct shared *s);
};

/*
 * What an importer does with a buffer. Each returns false when it did not work
 * and has said so: by refused(), wrong() or missing().
 */
struct importer {
	const char *name;
	const char *driver;
	/* Devices attached to an imported buffer; -1: only while it is at work */
	int attaches;
	bool (*open)(void);
	bool (*import)(const struct shared *s);
	/* The importer's side shows the words of this seed; NULL: only writes. */
	bool (*reads)(unsigned int seed);
	/* It writes, and the view shows it; NULL: only reads. */
	bool (*writes)(const __u32 *view, unsigned int seed);
	/*
	 * A fence that the importer has to heed, or not: value 1 of the
	 * timeline, on the buffer as a writer's or as a reader's.
	 */
	bool (*heeds)(const struct shared *s, int line, bool writer);
	/* Makes ready to do without the fd; NULL if it is ready anyway. */
	bool (*keep)(const struct shared *s);
	/* Fences of its own on the buffer; NULL if it has none */
	bool (*own_fence)(const struct shared *s);
	void (*release)(void);
	void (*close)(void);
};

extern const struct exporter exporters[];
extern const unsigned int nr_exporters;
extern const struct importer vgem_importer, dumb_importer;
extern const struct importer vkms_importer, bochs_importer, pl111_importer;
extern const struct importer vivid_importer, vivid_contig_importer;
extern const struct importer sample_importer;

/* How a pair came out */
enum result {
	RESULT_PASS,
	RESULT_REFUSED,		/* a system call of this step: errno */
	RESULT_MISSING,		/* a driver that is not there */
	RESULT_WRONG,
};

struct outcome {
	enum result result;
	char step[64];
	int err;
};

/* Notes what went wrong, the first time in a pair, and returns false. */
bool refused(const char *step);
bool missing(const char *what);
bool wrong(const char *fmt, ...) __printf(1, 2);

/* interop_expect.c: what a pair is expected to be in this form of the kernel */
struct form {
	const char *machine;
	const char *link;
	bool bounced;		/* devices reach bounce buffers only */
};

struct expectation {
	const char *exporter;
	const char *importer;
	const char *machine;	/* NULL: on every one */
	const char *step;
	int err;
	const char *reason;
};

/* NULL: it is expected to work */
const struct expectation *expected_refusal(const char *exporter,
					   const char *importer,
					   const struct form *form);
/* What may happen beside that where there are bounce buffers; NULL: nothing */
const struct expectation *possible_refusal(const char *importer,
					   const struct form *form);
/* NULL: it is expected to be there; otherwise why it is not */
const char *expected_absence(const char *name, const struct form *form);

/* interop_words.c: words made from a seed, and access of the CPU to a buffer */
__u32 word_at(unsigned int seed, size_t i);
void fill_words(int fd, __u32 *at, unsigned int seed);
/* Whether the first n are right, in the bits of the mask */
bool words_are(const __u32 *at, size_t n, unsigned int seed, __u32 mask);
bool same_words(const __u32 *a, const __u32 *b);
void begin_access(int fd, __u64 flags);
void end_access(int fd, __u64 flags);
/* NULL, and an errno, if it cannot be mapped */
__u32 *map_shared(int fd, size_t size, off_t offset);

/* A DRM device's part in it: 0 or an error like ioctl's */
int dumb_create(int card, __u32 *handle, __u64 *size);
__u32 *dumb_map(int card, __u32 handle, size_t size);
int handle_to_fd(int card, __u32 handle);

/*
 * interop_camera.c: vivid's instances, two for each way to allocate memory, so
 * that one can export to the other
 */
enum vivid {
	VIVID_IMPORT,
	VIVID_IMPORT_CONTIG,
	VIVID_EXPORT,
	VIVID_EXPORT_CONTIG,
};

/* The camera, set up for our frames; -1 without */
int vivid_open(enum vivid which);
bool vivid_get(struct shared *s, enum vivid which);

#endif
