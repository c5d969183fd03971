// SPDX-License-Identifier: GPL-2.0
/*
 * interop MACHINE LINK: every exporter with every importer. Each pair shares a
 * buffer, looks at its content from both sides, sees each other's fences, and
 * lets go in both orders; nothing may be left. A pair is one test, and one
 * line "# cell EXPORTER IMPORTER HOW" for whoever prints the matrix.
 *
 * Buffers that are said to be scattered must be so: see make_holes().
 */
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <sys/mman.h>

#include <linux/dma-buf.h>

#include "interop.h"

#define IN_OUT		(POLLIN | POLLOUT)
#define NR_HOLES	128

static struct outcome outcome;

bool refused(const char *step)
{
	if (outcome.result == RESULT_PASS) {
		outcome.result = RESULT_REFUSED;
		outcome.err = errno;
		snprintf(outcome.step, sizeof(outcome.step), "%s", step);
	}
	return false;
}

bool missing(const char *what)
{
	if (outcome.result == RESULT_PASS) {
		outcome.result = RESULT_MISSING;
		snprintf(outcome.step, sizeof(outcome.step), "%s", what);
	}
	return false;
}

bool wrong(const char *fmt, ...)
{
	char text[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	t_note("%s", text);
	outcome.result = RESULT_WRONG;
	return false;
}

/* What is said of one part of the work also says which part it was. */
static bool part(const char *name, bool fine)
{
	if (!fine)
		t_note("that was: %s", name);
	return fine;
}

static bool attached_is(const struct exporter *e, const struct importer *i,
			const struct shared *s)
{
	bool own = e->driver && i->driver && !strcmp(e->driver, i->driver);
	int n = attached(s->fd);

	return i->attaches < 0 || n == (own ? 0 : i->attaches) ||
	       wrong("%d devices are attached", n);
}

/* Fences go with a release a little later. */
static bool objects_become(int wanted)
{
	int n = count_objects();

	for (int ms = 0; n != wanted && ms < PATIENCE_MS; ms += 20) {
		nap_ms(20);
		n = count_objects();
	}
	return n == wanted || wrong("%d dma-bufs instead of %d", n, wanted);
}

static bool comes_to_rest(const struct shared *s)
{
	return becomes_idle(s->fd) || wrong("the buffer does not become idle");
}

/*
 * A fence that user space puts on the buffer: poll and EXPORT_SYNC_FILE know
 * of it while it is pending and when it is over, and the importer heeds it or
 * not, as is its way.
 */
static bool see_fence(const struct importer *i, const struct shared *s, bool writer)
{
	int line = timeline_open(), fence, reader_waits, writer_waits;
	bool fine;

	if (line < 0)
		return missing(SW_SYNC);
	if (!comes_to_rest(s)) {
		close(line);
		return false;
	}
	fence = timeline_fence(line, 1);
	if (import_fence(s->fd, fence,
			 writer ? DMA_BUF_SYNC_WRITE : DMA_BUF_SYNC_READ))
		refused("DMA_BUF_IOCTL_IMPORT_SYNC_FILE");
	reader_waits = export_fence(s->fd, DMA_BUF_SYNC_READ);
	writer_waits = export_fence(s->fd, DMA_BUF_SYNC_WRITE);
	if (reader_waits < 0 || writer_waits < 0)
		refused("DMA_BUF_IOCTL_EXPORT_SYNC_FILE");
	fine = poll_now(s->fd, IN_OUT) == (writer ? 0 : POLLIN) &&
	       fence_status(reader_waits) == !writer &&
	       !fence_status(writer_waits);
	if (!fine)
		wrong("a pending fence is not what the buffer shows");
	if (i->heeds)
		fine &= i->heeds(s, line, writer);
	else
		timeline_inc(line, 1);
	if (!poll_signalled(writer_waits) || fence_status(reader_waits) != 1)
		fine = wrong("the fence is over, but not for everybody");
	fine &= comes_to_rest(s);
	close(writer_waits);
	close(reader_waits);
	close(fence);
	close(line);
	return fine && outcome.result == RESULT_PASS;
}

/* What must hold while both sides have the buffer */
static bool share(const struct exporter *e, const struct importer *i,
		  const struct shared *s, unsigned int seed)
{
	fill_words(s->fd, s->view, seed);
	return i->import(s) &&
	       part("attachments", attached_is(e, i, s)) &&
	       (!i->reads || part("the importer reads", i->reads(seed))) &&
	       (!i->writes ||
		part("the importer writes", i->writes(s->view, seed + 1)));
}

/* The exporter's fd, handle and device go first: the importer has it all. */
static bool exporter_first(const struct exporter *e, const struct importer *i,
			   struct shared *s, unsigned int seed)
{
	int before = count_objects();
	__u32 *witness = NULL;
	size_t size;
	bool fine;

	if (!i->open() || !e->get(s) || !share(e, i, s, seed))
		return false;
	if (!part("a writer's fence", see_fence(i, s, true)) ||
	    !part("a reader's fence", see_fence(i, s, false)) ||
	    (i->own_fence && !part("its own fence", i->own_fence(s))))
		return false;
	fill_words(s->fd, s->view, seed + 2);
	/* who only writes cannot say what is in the buffer */
	if (!i->reads) {
		witness = map_shared(s->fd, s->size, 0);
		if (!witness)
			return refused("mmap of the dma-buf");
	}
	size = s->size;
	fine = (!i->keep || i->keep(s));
	e->put(s);
	*s = (struct shared){ .fd = -1, .device = -1 };
	if (fine && i->attaches >= 0)
		fine = part("the importer keeps it", objects_become(before + 1));
	if (fine && i->reads)
		fine = part("the importer reads without the exporter",
			    i->reads(seed + 2));
	if (fine && witness)
		fine = part("the importer writes without the exporter",
			    i->writes(witness, seed + 3));
	if (witness)
		munmap(witness, size);
	i->release();
	return fine && part("all is gone", objects_become(before));
}

static bool importer_first(const struct exporter *e, const struct importer *i,
			   struct shared *s, unsigned int seed)
{
	int before = count_objects();
	bool fine;

	if (!e->get(s) || !i->open() || !share(e, i, s, seed))
		return false;
	i->release();
	fill_words(s->fd, s->view, seed + 2);
	fine = part("the exporter still has it",
		    words_are(s->view, WORDS, seed + 2, ~0U) &&
		    (becomes_detached(s->fd) || wrong("something is attached")));
	e->put(s);
	*s = (struct shared){ .fd = -1, .device = -1 };
	return fine && part("all is gone", objects_become(before));
}

static bool let_go(const struct exporter *e, const struct importer *i,
		   struct shared *s, bool fine)
{
	i->release();
	i->close();
	e->put(s);
	*s = (struct shared){ .fd = -1, .device = -1 };
	return fine;
}

static void pair(const struct exporter *e, const struct importer *i,
		 unsigned int seed)
{
	struct shared s = { .fd = -1, .device = -1 };
	int fds = count_fds(), objects = count_objects();

	outcome = (struct outcome){ .result = RESULT_PASS };
	if (let_go(e, i, &s, exporter_first(e, i, &s, seed)))
		let_go(e, i, &s, importer_first(e, i, &s, seed + 10));
	/* whatever came out: nothing may be left */
	objects_become(objects);
	if (count_fds() != fds)
		wrong("%d fds instead of %d", count_fds(), fds);
}

static const char *errno_name(int err)
{
	return err ? strerrorname_np(err) : "-";
}

static bool is_refusal(const struct expectation *e)
{
	return e && e->err == outcome.err && !strcmp(e->step, outcome.step);
}

/* One word for the matrix, one line for the test's result */
static void judge(const struct exporter *e, const struct importer *i,
		  const struct form *form)
{
	const struct expectation *refusal =
		expected_refusal(e->name, i->name, form);
	const struct expectation *bounce = possible_refusal(i->name, form);
	const char *absence = expected_absence(e->name, form);
	const char *how = "FAIL", *why = "";
	bool ok = false;

	if (!absence)
		absence = expected_absence(i->name, form);
	switch (outcome.result) {
	case RESULT_PASS:
		ok = !absence && !refusal;
		how = "pass";
		break;
	case RESULT_REFUSED:
		if (is_refusal(bounce))
			refusal = bounce;
		ok = !absence && is_refusal(refusal);
		how = errno_name(outcome.err);
		why = ok ? refusal->reason : outcome.step;
		break;
	case RESULT_MISSING:
		ok = absence;
		how = "not-built";
		why = ok ? absence : outcome.step;
		break;
	case RESULT_WRONG:
		break;
	}
	t_note("cell %s %s %s%s", e->name, i->name, how, ok ? "" : "!");
	if (!ok && absence)
		t_note("expected was: not built: %s", absence);
	else if (!ok && refusal)
		t_note("expected was: %s from %s", errno_name(refusal->err),
		       refusal->step);
	t_ok(ok, "%s -> %s: %s%s%s%s", e->name, i->name,
	     outcome.result == RESULT_REFUSED ? "not possible: " : "", how,
	     *why ? ": " : "", why);
}

/*
 * On a machine that has just started, pages that are allocated one after the
 * other may happen to be neighbours. Leave holes of a page each, of the kind of
 * memory that heaps and DRM take: the next single pages come from these.
 */
static void make_holes(int bufs[2 * NR_HOLES])
{
	int heap = open_heap("system");

	for (int i = 0; i < 2 * NR_HOLES; i++)
		bufs[i] = alloc_fd(heap, page_size());
	for (int i = 0; i < 2 * NR_HOLES; i += 2)
		close(bufs[i]);
	close(heap);
}

static void fill_holes(const int bufs[2 * NR_HOLES])
{
	for (int i = 1; i < 2 * NR_HOLES; i += 2)
		close(bufs[i]);
}

int main(int argc, char **argv)
{
	struct form form;
	const struct importer *importers[] = {
		&vivid_importer, &vivid_contig_importer, &vgem_importer,
		&vkms_importer, &bochs_importer, &dumb_importer,
		&sample_importer,
	};
	int holes[2 * NR_HOLES];
	cpu_set_t one;
	struct group g;

	t_begin();
	if (argc != 3)
		ksft_exit_fail_msg("usage: interop MACHINE LINK\n");
	form = (struct form){
		.machine = argv[1],
		.link = argv[2],
		.bounced = has_bounce_buffers(),
	};
	if (!strcmp(form.machine, "vexpress-a9"))
		importers[4] = &pl111_importer;
	/* each CPU keeps free pages of its own */
	CPU_ZERO(&one);
	CPU_SET(0, &one);
	sched_setaffinity(0, sizeof(one), &one);
	group_begin(&g, "the matrix");
	make_holes(holes);
	for (size_t e = 0; e < nr_exporters; e++) {
		for (size_t i = 0; i < ARRAY_SIZE(importers); i++) {
			pair(&exporters[e], importers[i], 100 * e + 20 * i);
			judge(&exporters[e], importers[i], &form);
		}
	}
	fill_holes(holes);
	group_end(&g);
	return t_end();
}
