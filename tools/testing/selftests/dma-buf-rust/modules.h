/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Loading and unloading modules, and what is left of them afterwards.
 */
#ifndef DMA_BUF_RUST_MODULES_H
#define DMA_BUF_RUST_MODULES_H

#include <stdbool.h>

#define MAX_MODULES	40
#define MAX_CACHES	400

struct module {
	const char *path;
	char name[56];
};

/* In the order in which they are loaded */
struct modules {
	struct module list[MAX_MODULES];
	int n;
};

/* The name is that of the file. */
void modules_add(struct modules *all, const char *path);
bool module_is_loaded(const char *name);
/*
 * A module that a test loads, named or lying beside the program, or where its
 * Makefile puts it, or a sample of the kernel; -1 if it is nowhere.
 */
int open_module(const char *given, const char *name);
/* As the system call returns; through one descriptor as often as the module is unloaded. */
int insert_module(int module, const char *params);
/* Opens and inserts one: a test. False, and one that is skipped, if it is nowhere. */
bool t_load_module(const char *given, const char *name);
/* open_module() for one that there is with DRM built in; skips if that is not. */
int open_drm_module(const char *given, const char *path, const char *name);
/* Whether other modules use it */
bool module_has_users(const char *name);
/* As the system calls return. Unloading fails with EAGAIN while it is in use. */
int module_load(const struct module *m);
int module_unload(const char *name);
/* The same, for a module that is in use for a moment at most */
int module_unload_soon(const char *name);
/* Each one, in order or in reverse; false, with a note, if one refuses. */
bool modules_load(const struct modules *all);
bool modules_unload(const struct modules *all);

/*
 * Runs the program of a sample, which lies beside this one: it must end well.
 * What it prints is text. False, and a test that is skipped, if there is none.
 */
bool sample_prints(const char *name, const char *arg, char *text, size_t len);

/* The kernel's memory. The slab caches' own reserves are given back first. */
struct memory {
	long free_kb;
	long percpu_kb;
	/* mappings in the vmalloc area */
	long vmalloc;
	/* objects in use, by slab cache */
	struct {
		char name[48];
		long objects;
	} caches[MAX_CACHES];
	int n;
};

void memory_look(struct memory *m);
/* Less than half a second each, but for what it takes to shrink the caches */
#define MANY_LOOKS	100
/*
 * Whether, at one of so many looks, no more is in use than before: of no cache
 * as many more objects, and not as many more mappings, as "rounds", and less
 * than so many kilobytes. Says what is, otherwise.
 */
bool memory_is_back(const struct memory *before, long rounds, long kb, int looks);

/*
 * Whether `cycle` can be called `n` times, and less than so many objects or
 * mappings are left of that, and less than a page each time. What is found may
 * have been another's, a new worker of the kernel's for instance. So it is done
 * again then.
 */
bool nothing_is_lost(int n, long objects, bool (*cycle)(void *with), void *with);

#endif
