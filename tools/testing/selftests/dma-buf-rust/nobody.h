/* SPDX-License-Identifier: GPL-2.0 */
/* What is tried by who has no rights, with descriptors that somebody gave him. */
#ifndef DMA_BUF_RUST_NOBODY_H
#define DMA_BUF_RUST_NOBODY_H

/* The calling process is user and group 65534 from here on, in no other groups. */
void drop_rights(void);
/* Runs a part of a test as nobody, in a process of its own, whose results are counted here. */
void as_nobody(void (*part)(void *with), void *with);

#endif
