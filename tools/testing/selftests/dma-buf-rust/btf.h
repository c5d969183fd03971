/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel's type information, as far as a small BPF program needs it, and
 * the bpf() system call.
 */
#ifndef DMA_BUF_RUST_BTF_H
#define DMA_BUF_RUST_BTF_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/bpf.h>
#include <linux/btf.h>

/* Reads it; false if the kernel has none. */
bool btf_open(void);
/* The number of a type (BTF_KIND_STRUCT, BTF_KIND_FUNC), or -1 */
int btf_find(const char *name, unsigned int kind);
/* Where a member of a structure begins, in bytes, also within nameless members; or -1 */
int btf_member(const char *type, const char *member);

/*
 * Loads a program that is to be run as "attr" says, and completes "attr". The
 * fd, or -1, and the verifier's opinion among the test results.
 */
int bpf_load(union bpf_attr *attr, const struct bpf_insn *insns, size_t count);
int bpf(int command, union bpf_attr *attr);

#define INSN(c, dst, src, o, i) ((struct bpf_insn) {			\
	.code = (c), .dst_reg = (dst), .src_reg = (src), .off = (o), .imm = (i), \
})
#define MOV(dst, src)		INSN(BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0)
#define MOV_IMM(dst, imm)	INSN(BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, imm)
#define ADD(dst, src)		INSN(BPF_ALU64 | BPF_ADD | BPF_X, dst, src, 0, 0)
#define ADD_IMM(dst, imm)	INSN(BPF_ALU64 | BPF_ADD | BPF_K, dst, 0, 0, imm)
/* 64 bits from and to memory */
#define LOAD(dst, src, off)	INSN(BPF_LDX | BPF_MEM | BPF_DW, dst, src, off, 0)
#define STORE(dst, off, src)	INSN(BPF_STX | BPF_MEM | BPF_DW, dst, src, off, 0)
#define STORE_IMM(dst, off, imm) INSN(BPF_ST | BPF_MEM | BPF_DW, dst, 0, off, imm)
/* Goes on so many instructions further down. */
#define JUMP(count)		INSN(BPF_JMP | BPF_JA, 0, 0, count, 0)
#define JUMP_IF_ZERO(reg, count) INSN(BPF_JMP | BPF_JEQ | BPF_K, reg, 0, count, 0)
#define CALL(helper)		INSN(BPF_JMP | BPF_CALL, 0, 0, 0, helper)
/* A function of the kernel, by the number that btf_find() gives */
#define CALL_KERNEL(func)	INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_KFUNC_CALL, 0, func)
#define EXIT()			INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)

#endif
