/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Programs of typed system calls: what "make fuzz" makes, runs and compares.
 * Documentation/driver-api/dma-buf-rust-fuzz.rst tells how it is used.
 */
#ifndef DMA_BUF_RUST_FUZZ_H
#define DMA_BUF_RUST_FUZZ_H

#include "common.h"

#define MAX_CALLS	24
#define ARGS		7
#define MAX_SLOTS	128

/* A call, and bytes of which it makes its arguments, whatever they are */
struct call {
	__u8 op;
	/* Which of its allocations and copies fails, 0: none does; and whether all behind it do */
	__u8 nth;
	bool all;
	__u8 a[ARGS];
};

struct prog {
	unsigned int n;
	struct call calls[MAX_CALLS];
};

/* What a program holds. All but the last three are descriptors. */
enum thing {
	NOTHING, HEAP, BUF, FENCE, LINE, MEMFD, UDMABUF, VGEM, GPU, CAMERA,
	EPOLL, SOCKET, PATH, EVENT, GEM, SYNCOBJ, MAPPING,
	KINDS
};

struct slot {
	enum thing kind;
	/* of a handle: that of its card */
	int fd;
	__u32 handle;
	char *map;
	size_t len;
};

/* What the calls of a program share, and its threads, if it has several */
struct world {
	struct slot slots[MAX_SLOTS];
	unsigned int n;
	bool racing;
	/* a fence may have come out of a timeline of points */
	bool chains;
	/* a fence may have a callback that has the last reference: of a poll, of an eventfd */
	bool polled;
	/* how many descriptors there may be */
	bool limited;
};

struct dice {
	__u64 state;
};

/* One thread's calls, and what came of them */
struct run {
	struct world *world;
	/* Allocations may fail, in each call */
	bool faults;
	/* Where it says which allocation of a call fails, 0: nowhere; and who decides that */
	int fail_nth;
	/* Where it says that each does, 0: nowhere */
	int fail_all;
	struct dice dice;
	/* Whether the last call that was to fail has come to its nth, and how many have */
	bool hit;
	unsigned long hits;
	/* What was asked for since this was set to 0 */
	unsigned int n_touched;
	struct slot *touched[8];
	/* What had to be made since this was */
	unsigned int n_made;
	enum thing made[8];
	size_t used;
	char text[16384];
};

struct op {
	const char *name;
	void (*run)(struct run *r, const __u8 *a);
};

/* Tables end with an op that has no name. */
extern const struct op buffer_ops[], file_ops[], fence_ops[], udmabuf_ops[];
extern const struct op prime_ops[], syncobj_ops[], camera_ops[], display_ops[];

/* fuzz_run.c, fuzz_fences.c, fuzz_display.c: once, before all else */
void fuzz_begin(void);
void fences_begin(void);
void display_begin(void);
unsigned int op_count(void);
/* -1 if there is none of that name */
int op_called(const char *name);
const char *op_name(unsigned int op);
/* Runs the calls from "first" on, each "step"th of them. */
void run_calls(struct run *r, const struct prog *p, unsigned int first,
	       unsigned int step);
/* Before a timeline is closed: lets its fences signal, if that is better. */
void line_end(const struct world *w, int fd);
/* Lets go of all that a program still holds. */
void world_end(struct world *w);

/*
 * What an op is written with. Of a kind that the program has not got yet one is
 * made; a few values of "a" give something of the wrong kind, or nothing.
 */
struct slot *slot_of(struct run *r, enum thing kind, __u8 a);
int fd_of(struct run *r, enum thing kind, __u8 a);
/* A descriptor of any kind that the program holds */
struct slot *any_slot(struct run *r, __u8 a);
struct slot *put_slot(struct run *r, enum thing kind, int fd);
void drop_slot(struct slot *s);
/* What is written down: texts, results of system calls, descriptors */
void say(struct run *r, const char *fmt, ...) __printf(2, 3);
/* With all numbers in it as "#" */
void say_masked(struct run *r, const char *text, size_t len);
long said(struct run *r, long ret);
void got_fd(struct run *r, enum thing kind, long fd);
void got_handle(struct run *r, long ret, enum thing kind, int card, __u32 handle);
/* Where a system call finds its argument: seldom where it can read all of it. */
void *arg_at(__u8 a, void *arg, size_t len);
/* A call that may wait for ever is interrupted. Write: it is a fence that signals late. */
long patient_ioctl(struct run *r, int fd, unsigned long cmd, void *arg);
/* The kernel's name for what is of a kind and was opened, -1 if there is none */
int open_kind(enum thing kind);
/* Which heap, by number; before that, which there are */
void heaps_begin(void);
int open_some_heap(__u8 a, int flags);
/* Touches a byte: false if that raised SIGBUS or SIGSEGV. */
bool touch(char *at, bool write, char *value);

#define PICK(table, a)	({ \
	__auto_type all = &(table); \
	(*all)[(a) % ARRAY_SIZE(*all)]; \
})
/* One bit of a in eight means yes. */
#define SELDOM(a)	(((a) & 0xe0) == 0xe0)

/* fuzz_corpus.c */
void dice_seed(struct dice *d, __u64 seed, __u64 number);
unsigned int roll(struct dice *d, unsigned int sides);

struct corpus {
	struct prog *progs;
	unsigned int n;
};

void corpus_add(struct corpus *c, const struct prog *p);
/* Programs in which something fails are others. */
bool corpus_read(const char *path, struct corpus *c, struct corpus *failing);
/* Made by hand: a line that is no duel, or is not understood, ends the fuzzer. */
bool duels_read(const char *path, struct corpus *c);
/* A program of its own, or one of the corpus with changes */
void prog_make(struct prog *p, struct dice *d, const struct corpus *c);
void prog_print(const struct prog *p);

/* fuzz_cover.c: which basic blocks of drivers/dma-buf are reached */
#define MAX_BLOCKS	32768
#define BLOCK_WORDS	(MAX_BLOCKS / 32)

/* What one thread has reached, others one after the other */
struct cover {
	int fd;
	unsigned long *reached;
};

/* False without CONFIG_KCOV */
bool cover_open(struct cover *c);
/* From here on, and until this thread ends */
bool cover_enable(struct cover *c);
/* How many it was so far, each time counted */
unsigned long cover_length(const struct cover *c);
/* Counts what a program of that many threads has reached, and forgets it. */
void cover_add(struct cover *c, unsigned int threads);
/* The same for this thread, whose it is from cover_begin() on */
bool cover_begin(void);
void cover_start(void);
/* Counts what was reached since, and returns how many blocks were new. */
unsigned int cover_stop(void);
unsigned int cover_blocks(void);
/* Those that the last run has reached, a bit for each */
void cover_of_last(__u32 blocks[BLOCK_WORDS]);
/* Address and number of times of each */
void cover_print(void);

/*
 * fuzz_faults.c: allocations and copies fail for who asks for it; "ours": those under
 * drivers/dma-buf alone. False: they cannot.
 */
bool set_faults(bool ours);
/* "make-it-fail": each allocation, instead of four of a hundred */
bool set_always(void);
/* A call that fails halfway */
void call_failing(struct run *r, const struct op *op, const struct call *call);

/*
 * fuzz_race.c: threads and faults; "duels" are programs whose last two calls are known to
 * meet. The number of programs, 0: remains
 */
unsigned long race(const struct corpus *c, const struct corpus *duels, __u64 seed,
		   unsigned int seconds);

/* fuzz_duel.c: two threads, with a "struct cover" each; descriptors from first_fd on are closed */
void duel_make(struct prog *p, struct dice *dice, const struct corpus *c);
void duel(const struct prog *p, const struct dice *dice, struct cover *covers, int first_fd);

/* What there is on the machine, and what a program must leave as it was */
struct remains {
	int objects;
	int timelines;
	int files;
	int log;
};

void remains_look(struct remains *before);
/* Says what is left, or that the kernel has complained. */
bool remains_none(const struct remains *before);

#endif
