// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of the IB core's side of the RDMA cgroup controller.
 *
 * Part of cgroup.c, to see what it keeps to itself. They cover the numbers that
 * no software device has.
 */

#include <kunit/test.h>

#define IB_CLAMP_FIELD(_field)						\
	{								\
		.name = #_field,					\
		.offset = offsetof(struct ib_device_attr, _field),	\
	}

/* All are of 32 bits, with a sign or without. */
static const struct {
	const char *name;
	size_t offset;
} ib_clamp_fields[] = {
	IB_CLAMP_FIELD(max_qp),
	IB_CLAMP_FIELD(max_raw_ipv6_qp),
	IB_CLAMP_FIELD(max_raw_ethy_qp),
	IB_CLAMP_FIELD(max_cq),
	IB_CLAMP_FIELD(max_srq),
	IB_CLAMP_FIELD(max_pd),
	IB_CLAMP_FIELD(max_mr),
	IB_CLAMP_FIELD(max_mw),
	IB_CLAMP_FIELD(max_ah),
	IB_CLAMP_FIELD(max_wq_type_rq),
	IB_CLAMP_FIELD(rss_caps.max_rwq_indirection_tables),
};

static u32 *ib_clamp_field(struct ib_device_attr *attr, int nr)
{
	return (void *)attr + ib_clamp_fields[nr].offset;
}

/* Clamp each field that is @value, with all others 0. */
static void ib_clamp_expect(struct kunit *test, struct ib_device_attr *attr,
			    int limit, u32 value, u32 clamped)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(ib_clamp_fields); i++) {
		memset(attr, 0, sizeof(*attr));
		*ib_clamp_field(attr, i) = value;
		ib_clamp_attr(attr, limit);
		KUNIT_EXPECT_EQ_MSG(test, *ib_clamp_field(attr, i), clamped,
				    "%s of %u, with a limit of %d",
				    ib_clamp_fields[i].name, value, limit);
		*ib_clamp_field(attr, i) = 0;
		KUNIT_EXPECT_TRUE(test, !memchr_inv(attr, 0, sizeof(*attr)));
	}
}

static void ib_clamp_lowers_each_number_of_objects(struct kunit *test)
{
	struct ib_device_attr *attr;

	attr = kunit_kzalloc(test, sizeof(*attr), GFP_KERNEL);
	KUNIT_ASSERT_TRUE(test, attr);
	ib_clamp_expect(test, attr, 12, 100, 12);
	ib_clamp_expect(test, attr, 12, 12, 12);
	ib_clamp_expect(test, attr, 12, 11, 11);
	ib_clamp_expect(test, attr, 0, 100, 0);
	ib_clamp_expect(test, attr, S32_MAX, 100, 100);
}

static void ib_clamp_leaves_all_else(struct kunit *test)
{
	struct ib_device_attr *attr, *before;
	int i;

	attr = kunit_kzalloc(test, sizeof(*attr), GFP_KERNEL);
	before = kunit_kzalloc(test, sizeof(*before), GFP_KERNEL);
	KUNIT_ASSERT_TRUE(test, attr && before);
	memset(attr, 0x7f, sizeof(*attr));
	memcpy(before, attr, sizeof(*attr));

	ib_clamp_attr(attr, 3);
	for (i = 0; i < ARRAY_SIZE(ib_clamp_fields); i++)
		*ib_clamp_field(attr, i) = *ib_clamp_field(before, i);
	KUNIT_EXPECT_EQ(test, memcmp(attr, before, sizeof(*attr)), 0);
}

static struct kunit_case ib_clamp_cases[] = {
	KUNIT_CASE(ib_clamp_lowers_each_number_of_objects),
	KUNIT_CASE(ib_clamp_leaves_all_else),
	{ }
};

static struct kunit_suite ib_clamp_suite = {
	.name = "rdmacg_ib",
	.test_cases = ib_clamp_cases,
};

kunit_test_suite(ib_clamp_suite);
