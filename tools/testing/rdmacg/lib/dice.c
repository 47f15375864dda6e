// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>

#include "dice.h"

static unsigned short dice[3];

void dice_take(unsigned int seed, unsigned int number)
{
	unsigned int mixed = (seed + number) * 2654435761u;

	dice[0] = number;
	dice[1] = mixed;
	dice[2] = mixed >> 16;
	nrand48(dice);
}

int roll(int sides)
{
	return nrand48(dice) % sides;
}
