/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _SHIM_LINUX_SEQ_FILE_H
#define _SHIM_LINUX_SEQ_FILE_H

#include <linux/compiler.h>
#include <linux/types.h>

struct seq_file {
	char *buf;
	size_t size;
	size_t count;		/* @size: did not fit */
	void *private;
};

void seq_putc(struct seq_file *sf, char c);
void seq_puts(struct seq_file *sf, const char *s);
__printf(2, 3)
void seq_printf(struct seq_file *sf, const char *format, ...);

#endif
