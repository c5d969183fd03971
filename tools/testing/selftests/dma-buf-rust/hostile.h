/* SPDX-License-Identifier: GPL-2.0 */
/* The parts of the test hostile. */
#ifndef DMA_BUF_RUST_HOSTILE_H
#define DMA_BUF_RUST_HOSTILE_H

void test_read_only(void);
void test_answers(void);
void test_line_breaks(void);

#endif
