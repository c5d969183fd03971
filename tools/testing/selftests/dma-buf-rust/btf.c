// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's type information: a header, then types of variable length,
 * numbered from 1, then names. See Documentation/bpf/btf.rst.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "btf.h"
#include "common.h"

#define BTF_FILE	"/sys/kernel/btf/vmlinux"
/* Of structures without a name within each other */
#define DEPTH		4

static const struct btf_type **types;
static int type_count;
static const char *names;

/* What follows a type depends on its kind. */
static size_t size_of_type(const struct btf_type *t)
{
	const unsigned int n = BTF_INFO_VLEN(t->info);

	switch (BTF_INFO_KIND(t->info)) {
	case BTF_KIND_INT:
		return sizeof(*t) + sizeof(__u32);
	case BTF_KIND_ARRAY:
		return sizeof(*t) + sizeof(struct btf_array);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return sizeof(*t) + n * sizeof(struct btf_member);
	case BTF_KIND_ENUM:
		return sizeof(*t) + n * sizeof(struct btf_enum);
	case BTF_KIND_ENUM64:
		return sizeof(*t) + n * sizeof(struct btf_enum64);
	case BTF_KIND_FUNC_PROTO:
		return sizeof(*t) + n * sizeof(struct btf_param);
	case BTF_KIND_VAR:
		return sizeof(*t) + sizeof(struct btf_var);
	case BTF_KIND_DATASEC:
		return sizeof(*t) + n * sizeof(struct btf_var_secinfo);
	case BTF_KIND_DECL_TAG:
		return sizeof(*t) + sizeof(struct btf_decl_tag);
	default:
		return sizeof(*t);
	}
}

bool btf_open(void)
{
	int fd = open(BTF_FILE, O_RDONLY | O_CLOEXEC);
	const struct btf_header *head;
	const char *at, *end;
	size_t used = 0;
	struct stat st;
	char *data;

	if (fd < 0)
		return false;
	t_need(!fstat(fd, &st), BTF_FILE);
	data = malloc(st.st_size);
	/* no type is shorter than this */
	types = malloc((st.st_size / sizeof(**types) + 1) * sizeof(*types));
	t_need(data && types, "malloc");
	while (used < (size_t)st.st_size) {
		ssize_t n = read(fd, data + used, st.st_size - used);

		t_need(n > 0, BTF_FILE);
		used += n;
	}
	close(fd);

	head = (const struct btf_header *)data;
	t_need(head->magic == BTF_MAGIC, "the mark of type information");
	names = data + head->hdr_len + head->str_off;
	at = data + head->hdr_len + head->type_off;
	end = at + head->type_len;
	for (type_count = 1; at < end; type_count++) {
		types[type_count] = (const struct btf_type *)at;
		at += size_of_type(types[type_count]);
	}
	return true;
}

int btf_find(const char *name, unsigned int kind)
{
	for (int i = 1; i < type_count; i++)
		if (BTF_INFO_KIND(types[i]->info) == kind &&
		    !strcmp(names + types[i]->name_off, name))
			return i;
	t_note("the kernel has no type information about %s", name);
	return -1;
}

static int member_of(int type, const char *name, int depth)
{
	const struct btf_type *t = types[type];
	const struct btf_member *m = (const struct btf_member *)(t + 1);
	const unsigned int kind = BTF_INFO_KIND(t->info);

	if ((kind != BTF_KIND_STRUCT && kind != BTF_KIND_UNION) || !depth)
		return -1;
	for (unsigned int i = 0; i < BTF_INFO_VLEN(t->info); i++, m++) {
		const int at = BTF_INFO_KFLAG(t->info) ?
			       BTF_MEMBER_BIT_OFFSET(m->offset) / 8 :
			       m->offset / 8;
		int inside;

		if (m->name_off) {
			if (!strcmp(names + m->name_off, name))
				return at;
			continue;
		}
		inside = member_of(m->type, name, depth - 1);
		if (inside >= 0)
			return at + inside;
	}
	return -1;
}

int btf_member(const char *type, const char *member)
{
	int id = btf_find(type, BTF_KIND_STRUCT);
	int at = id < 0 ? -1 : member_of(id, member, DEPTH);

	if (at < 0)
		t_note("struct %s has no member %s", type, member);
	return at;
}

int bpf(int command, union bpf_attr *attr)
{
	return syscall(SYS_bpf, command, attr, sizeof(*attr));
}

int bpf_load(union bpf_attr *attr, const struct bpf_insn *insns, size_t count)
{
	static char log[1 << 16];
	char *line, *rest = log;
	int fd;

	attr->insns = (uintptr_t)insns;
	attr->insn_cnt = count;
	attr->license = (uintptr_t)"GPL";
	attr->log_buf = (uintptr_t)log;
	attr->log_size = sizeof(log);
	attr->log_level = 1;
	fd = bpf(BPF_PROG_LOAD, attr);
	if (fd < 0) {
		t_note("loading a program: %s; the verifier says:", strerror(errno));
		while ((line = strsep(&rest, "\n")))
			t_note("    %s", line);
	}
	return fd;
}
