// SPDX-License-Identifier: GPL-2.0-only
/*
 * As lib/vsprintf.c has it: no sign but '-', and no care for overflow. Built for
 * each kernel whose parser uses it, as _parse_integer() differs between them.
 */

#include <linux/kernel.h>
#include <kstrtox.h>

unsigned long simple_strtoul(const char *str, char **end, unsigned int base)
{
	unsigned long long value;
	unsigned int digits;

	str = _parse_integer_fixup_radix(str, &base);
	digits = _parse_integer(str, base, &value);
	*end = (char *)str + (digits & ~KSTRTOX_OVERFLOW);
	return value;
}

long simple_strtol(const char *str, char **end, unsigned int base)
{
	bool negative = *str == '-';
	unsigned long value = simple_strtoul(str + negative, end, base);

	return negative ? -value : value;
}
