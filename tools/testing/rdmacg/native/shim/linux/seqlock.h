/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _SHIM_LINUX_SEQLOCK_H
#define _SHIM_LINUX_SEQLOCK_H

#include <linux/atomic.h>
#include <linux/kernel.h>
#include <linux/sched.h>

typedef struct {
	unsigned int sequence;
} seqcount_t;

#define SEQCNT_ZERO(name)	{ .sequence = 0 }

static inline unsigned int read_seqcount_begin(const seqcount_t *seq)
{
	unsigned int sequence;

	while ((sequence = smp_load_acquire(&seq->sequence)) % 2) {
		shim_wait();
		cpu_relax();
	}
	return sequence;
}

static inline bool read_seqcount_retry(const seqcount_t *seq,
				       unsigned int sequence)
{
	smp_rmb();
	return READ_ONCE(seq->sequence) != sequence;
}

static inline void write_seqcount_begin(seqcount_t *seq)
{
	WRITE_ONCE(seq->sequence, seq->sequence + 1);
	smp_wmb();
}

static inline void write_seqcount_end(seqcount_t *seq)
{
	smp_wmb();
	WRITE_ONCE(seq->sequence, seq->sequence + 1);
}

#endif
