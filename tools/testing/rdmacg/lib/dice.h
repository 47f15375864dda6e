/* SPDX-License-Identifier: GPL-2.0-only */
/* Chance that a seed repeats, of each process its own. */
#ifndef RDMACG_DICE_H
#define RDMACG_DICE_H

void dice_take(unsigned int seed, unsigned int number);
/* A number from 0 to @sides - 1. */
int roll(int sides);

#endif /* RDMACG_DICE_H */
