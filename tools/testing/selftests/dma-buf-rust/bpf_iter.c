// SPDX-License-Identifier: GPL-2.0
/*
 * BPF programs that walk all buffers of the machine: one that runs for each and
 * writes what it finds into a file, one that walks by itself.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/resource.h>

#include <linux/dma-buf.h>

#include "btf.h"
#include "udmabufs.h"

#define FEW		7
/* More than the file of an iterator holds at once: it must stop and go on. */
#define MANY		1500
#define WALKS		100

/* What the program writes for each buffer */
struct record {
	__u64 size;
	__u64 ino;
	char name[DMA_BUF_NAME_LEN];
	char exporter[DMA_BUF_NAME_LEN];
};

static int bufs[MANY];
static struct record records[2 * MANY];

/* Runs for each buffer, and once more without one. */
static int load_writer(void)
{
	const int at = -(int)sizeof(struct record);
	const int name = at + (int)offsetof(struct record, name);
	const int exporter = at + (int)offsetof(struct record, exporter);
	const struct bpf_insn insns[] = {
		/* the context: a bpf_iter_meta, which knows the file, and the buffer */
		LOAD(BPF_REG_6, BPF_REG_1, 0),
		LOAD(BPF_REG_7, BPF_REG_1, 8),
		JUMP_IF_ZERO(BPF_REG_7, 31),
		LOAD(BPF_REG_6, BPF_REG_6, btf_member("bpf_iter_meta", "seq")),
		STORE_IMM(BPF_REG_10, name, 0),
		STORE_IMM(BPF_REG_10, name + 8, 0),
		STORE_IMM(BPF_REG_10, name + 16, 0),
		STORE_IMM(BPF_REG_10, name + 24, 0),
		STORE_IMM(BPF_REG_10, exporter, 0),
		STORE_IMM(BPF_REG_10, exporter + 8, 0),
		STORE_IMM(BPF_REG_10, exporter + 16, 0),
		STORE_IMM(BPF_REG_10, exporter + 24, 0),
		/* 12: size and inode number */
		LOAD(BPF_REG_1, BPF_REG_7, btf_member("dma_buf", "size")),
		STORE(BPF_REG_10, at, BPF_REG_1),
		LOAD(BPF_REG_1, BPF_REG_7, btf_member("dma_buf", "file")),
		LOAD(BPF_REG_1, BPF_REG_1, btf_member("file", "f_inode")),
		LOAD(BPF_REG_1, BPF_REG_1, btf_member("inode", "i_ino")),
		STORE(BPF_REG_10, at + 8, BPF_REG_1),
		/* 18: the name, if there is one */
		LOAD(BPF_REG_3, BPF_REG_7, btf_member("dma_buf", "name")),
		JUMP_IF_ZERO(BPF_REG_3, 4),
		MOV(BPF_REG_1, BPF_REG_10),
		ADD_IMM(BPF_REG_1, name),
		MOV_IMM(BPF_REG_2, DMA_BUF_NAME_LEN),
		CALL(BPF_FUNC_probe_read_kernel_str),
		/* 24: the exporter's */
		LOAD(BPF_REG_3, BPF_REG_7, btf_member("dma_buf", "exp_name")),
		MOV(BPF_REG_1, BPF_REG_10),
		ADD_IMM(BPF_REG_1, exporter),
		MOV_IMM(BPF_REG_2, DMA_BUF_NAME_LEN),
		CALL(BPF_FUNC_probe_read_kernel_str),
		/* 29: into the file */
		MOV(BPF_REG_1, BPF_REG_6),
		MOV(BPF_REG_2, BPF_REG_10),
		ADD_IMM(BPF_REG_2, at),
		MOV_IMM(BPF_REG_3, sizeof(struct record)),
		CALL(BPF_FUNC_seq_write),
		/* 34 */
		MOV_IMM(BPF_REG_0, 0),
		EXIT(),
	};
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_TRACING,
		.expected_attach_type = BPF_TRACE_ITER,
		.attach_btf_id = btf_find("bpf_iter_dmabuf", BTF_KIND_FUNC),
	};

	return bpf_load(&attr, insns, ARRAY_SIZE(insns));
}

/* Counts the buffers and adds up their sizes, in the two words of its context. */
static int load_walker(void)
{
	const int new = btf_find("bpf_iter_dmabuf_new", BTF_KIND_FUNC);
	const int next = btf_find("bpf_iter_dmabuf_next", BTF_KIND_FUNC);
	const int destroy = btf_find("bpf_iter_dmabuf_destroy", BTF_KIND_FUNC);
	const struct bpf_insn insns[] = {
		MOV(BPF_REG_6, BPF_REG_1),
		MOV(BPF_REG_1, BPF_REG_10),
		ADD_IMM(BPF_REG_1, -8),
		CALL_KERNEL(new),
		/* 4 */
		MOV(BPF_REG_1, BPF_REG_10),
		ADD_IMM(BPF_REG_1, -8),
		CALL_KERNEL(next),
		JUMP_IF_ZERO(BPF_REG_0, 8),
		LOAD(BPF_REG_1, BPF_REG_0, btf_member("dma_buf", "size")),
		LOAD(BPF_REG_2, BPF_REG_6, 0),
		ADD_IMM(BPF_REG_2, 1),
		STORE(BPF_REG_6, 0, BPF_REG_2),
		LOAD(BPF_REG_2, BPF_REG_6, 8),
		ADD(BPF_REG_2, BPF_REG_1),
		STORE(BPF_REG_6, 8, BPF_REG_2),
		JUMP(-12),
		/* 16 */
		MOV(BPF_REG_1, BPF_REG_10),
		ADD_IMM(BPF_REG_1, -8),
		CALL_KERNEL(destroy),
		MOV_IMM(BPF_REG_0, 0),
		EXIT(),
	};
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_SYSCALL,
		.prog_flags = BPF_F_SLEEPABLE,
	};

	return bpf_load(&attr, insns, ARRAY_SIZE(insns));
}

static int open_iter(int prog)
{
	union bpf_attr link = {
		.link_create = {
			.prog_fd = prog,
			.attach_type = BPF_TRACE_ITER,
		},
	};
	union bpf_attr iter = { 0 };
	int fd;

	iter.iter_create.link_fd = bpf(BPF_LINK_CREATE, &link);
	t_need((int)iter.iter_create.link_fd >= 0, "BPF_LINK_CREATE");
	fd = bpf(BPF_ITER_CREATE, &iter);
	t_need(fd >= 0, "BPF_ITER_CREATE");
	close(iter.iter_create.link_fd);
	return fd;
}

/* Reads up to "room" bytes of records; how many bytes there were, or -1. */
static ssize_t read_records(int iter, char *to, size_t room)
{
	size_t used = 0;

	while (used < room) {
		ssize_t n = read(iter, to + used, room - used);

		if (n < 0 && errno == EAGAIN)
			continue;
		if (n < 0)
			return -1;
		if (!n)
			break;
		used += n;
	}
	return used;
}

/* All buffers of the machine, into "records": how many, or -1. */
static int walk(int prog)
{
	int iter = open_iter(prog);
	ssize_t len = read_records(iter, (char *)records, sizeof(records));

	close(iter);
	return len < 0 || len % sizeof(records[0]) ? -1 :
	       len / (ssize_t)sizeof(records[0]);
}

static const struct record *record_of(int buf, int count)
{
	const ino_t ino = inode_of(buf);

	for (int i = 0; i < count; i++)
		if (records[i].ino == ino)
			return &records[i];
	return NULL;
}

static bool is(const struct record *r, __u64 size, const char *name,
	       const char *exporter)
{
	if (r && r->size == size && !strcmp(r->name, name) &&
	    !strcmp(r->exporter, exporter))
		return true;
	if (r)
		t_note("found size %llu, name \"%s\", exporter \"%s\"", r->size,
		       r->name, r->exporter);
	else
		t_note("not found");
	return false;
}

static void test_records(int prog)
{
	const size_t page = page_size();
	int before, count, file, user;
	struct group g;

	group_begin(&g, "a record for each buffer");
	before = count_objects();
	t_ok(walk(prog) == before, "%d buffers before", before);
	for (int i = 0; i < FEW; i++)
		bufs[i] = new_buffer((i + 1) * page);
	file = new_memfd(3, F_SEAL_SHRINK);
	user = udmabuf_of_pages(file, 0, 3);
	t_need(!ioctl(bufs[2], DMA_BUF_SET_NAME, "a name"), "DMA_BUF_SET_NAME");
	t_need(!ioctl(bufs[3], DMA_BUF_SET_NAME,
		      "a name that is as long as it is"), "DMA_BUF_SET_NAME");
	t_need(!ioctl(user, DMA_BUF_SET_NAME, "of a file"), "DMA_BUF_SET_NAME");

	count = walk(prog);
	t_ok(count == before + FEW + 1, "%d more", FEW + 1);
	t_ok(is(record_of(bufs[0], count), page, "", "system"), "the first");
	t_ok(is(record_of(bufs[2], count), 3 * page, "a name", "system"),
	     "one with a name");
	t_ok(is(record_of(bufs[3], count), 4 * page,
		"a name that is as long as it is", "system"),
	     "one with the longest name");
	t_ok(is(record_of(user, count), 3 * page, "of a file", "udmabuf"),
	     "one of another exporter");
	t_ok(is(record_of(bufs[FEW - 1], count), FEW * page, "", "system"),
	     "the last");
	for (int i = 1; i < count; i++)
		for (int k = 0; k < i; k++)
			if (records[i].ino == records[k].ino)
				t_ok(false, "%llu comes twice", records[i].ino);

	t_need(!ioctl(bufs[2], DMA_BUF_SET_NAME, "another"), "DMA_BUF_SET_NAME");
	close(bufs[0]);
	count = walk(prog);
	t_ok(count == before + FEW, "one is gone");
	t_ok(is(record_of(bufs[2], count), 3 * page, "another", "system"),
	     "one has another name");
	for (int i = 1; i < FEW; i++)
		close(bufs[i]);
	close(user);
	close(file);
	t_ok(walk(prog) == before, "as many as before");
	group_end(&g);
}

/* The iterator stops at a buffer when its file is full, and must keep it. */
static void test_stop(int prog)
{
	int before, iter, count;
	struct group g;
	ssize_t len;

	group_begin(&g, "stopping and going on");
	before = count_objects();
	for (int i = 0; i < MANY; i++)
		bufs[i] = new_buffer(page_size());
	count = walk(prog);
	t_ok(count == before + MANY, "%d buffers", MANY);
	for (int i = 0; i < MANY; i++)
		if (!record_of(bufs[i], count))
			t_ok(false, "%d is missing", i);

	iter = open_iter(prog);
	len = read_records(iter, (char *)records, sizeof(records[0]));
	t_ok(len == sizeof(records[0]), "one record");
	for (int i = 0; i < MANY; i++)
		close(bufs[i]);
	t_ok(count_objects() == before + 1, "the iterator keeps the one it is at");
	len = read_records(iter, (char *)records, sizeof(records));
	t_ok(len > 0 && len / sizeof(records[0]) < MANY,
	     "it goes on to the end, which is nearer now");
	t_ok(count_objects() == before, "and keeps none");
	close(iter);

	for (int i = 0; i < MANY; i++)
		bufs[i] = new_buffer(page_size());
	iter = open_iter(prog);
	read_records(iter, (char *)records, sizeof(records[0]));
	for (int i = 0; i < MANY; i++)
		close(bufs[i]);
	t_ok(count_objects() == before + 1, "once more it keeps one");
	close(iter);
	t_ok(count_objects() == before, "until it is closed");
	group_end(&g);
}

static bool run_walker(int prog, __u64 context[2])
{
	union bpf_attr attr = {
		.test = {
			.prog_fd = prog,
			.ctx_in = (uintptr_t)context,
			.ctx_size_in = 2 * sizeof(context[0]),
		},
	};

	context[0] = 0;
	context[1] = 0;
	return !bpf(BPF_PROG_TEST_RUN, &attr) && !attr.test.retval;
}

static void test_walker(int prog)
{
	__u64 before[2], after[2];
	struct group g;

	group_begin(&g, "a program that walks by itself");
	t_ok(run_walker(prog, before) && (int)before[0] == count_objects(),
	     "it counts all buffers");
	for (int i = 0; i < FEW; i++)
		bufs[i] = new_buffer((i + 1) * page_size());
	t_ok(run_walker(prog, after) && after[0] == before[0] + FEW,
	     "it counts %d more", FEW);
	t_ok(after[1] - before[1] == FEW * (FEW + 1) / 2 * page_size(),
	     "and knows their sizes");
	for (int i = 0; i < FEW; i++)
		close(bufs[i]);
	t_ok(run_walker(prog, after) && after[0] == before[0],
	     "then as many as before");
	group_end(&g);
}

static atomic_bool enough;

/* Buffers come, get names, and go. */
static void *churn(void *arg)
{
	int heap = open_heap("system"), held[8] = { -1, -1, -1, -1, -1, -1, -1, -1 };
	char name[16];

	for (unsigned int i = 0; !atomic_load(&enough); i++) {
		int *slot = &held[i * 7 % 8];

		if (*slot >= 0)
			close(*slot);
		*slot = alloc_fd(heap, page_size());
		snprintf(name, sizeof(name), "%u", i);
		ioctl(*slot, DMA_BUF_SET_NAME, name);
	}
	for (int i = 0; i < 8; i++)
		if (held[i] >= 0)
			close(held[i]);
	close(heap);
	return arg;
}

static void test_churn(int writer, int walker)
{
	int log, kept = 0, bad = 0;
	pthread_t threads[2];
	__u64 context[2];
	struct group g;

	group_begin(&g, "while buffers come and go");
	log = log_open();
	for (int i = 0; i < FEW; i++)
		bufs[i] = new_buffer(page_size());
	for (int i = 0; i < 2; i++)
		t_need(!pthread_create(&threads[i], NULL, churn, NULL),
		       "pthread_create");
	for (int i = 0; i < WALKS; i++) {
		int count = walk(writer);

		bad += count < FEW || !run_walker(walker, context) ||
		       context[0] < FEW;
		for (int k = 0; k < FEW; k++)
			kept += count > 0 && record_of(bufs[k], count);
	}
	atomic_store(&enough, true);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	t_ok(!bad, "%d walks", WALKS);
	t_ok(kept == WALKS * FEW, "those that stay are always seen");
	t_ok(log_is_clean(log), "the kernel has nothing to say about it");
	for (int i = 0; i < FEW; i++)
		close(bufs[i]);
	close(log);
	group_end(&g);
}

int main(void)
{
	struct rlimit many = { 2 * MANY, 2 * MANY };
	int writer, walker, device;

	t_begin();
	if (!btf_open()) {
		t_skip("the kernel has no type information: CONFIG_DEBUG_INFO_BTF");
		return t_end();
	}
	t_need(!setrlimit(RLIMIT_NOFILE, &many), "setrlimit");
	device = udmabuf_open();
	t_need(device >= 0, "/dev/udmabuf");
	writer = load_writer();
	t_err(writer, 0, "load a program that runs for each buffer");
	walker = load_walker();
	t_err(walker, 0, "load a program that walks by itself");
	if (writer >= 0 && walker >= 0) {
		test_records(writer);
		test_stop(writer);
		test_walker(walker);
		test_churn(writer, walker);
	}
	close(writer);
	close(walker);
	close(device);
	return t_end();
}
