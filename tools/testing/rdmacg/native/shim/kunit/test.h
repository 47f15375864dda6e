/* SPDX-License-Identifier: GPL-2.0-only */
/* KUnit, as far as suites here use it. */
#ifndef _SHIM_KUNIT_TEST_H
#define _SHIM_KUNIT_TEST_H

#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/slab.h>
#include <setjmp.h>
#include <string.h>

struct kunit_memory;

struct kunit {
	void *priv;
	bool failed;
	const char *skipped;
	jmp_buf abort;
	struct kunit_memory *memory;
};

struct kunit_case {
	const char *name;
	void (*run_case)(struct kunit *test);
};

struct kunit_suite {
	const char *name;
	int (*init)(struct kunit *test);
	void (*exit)(struct kunit *test);
	struct kunit_case *test_cases;
};

#define KUNIT_CASE(fn)		{ .name = #fn, .run_case = fn }
#define KUNIT_CASE_SLOW(fn)	KUNIT_CASE(fn)

/* A section, as in the kernel: the linker gathers all suites of a program. */
#define kunit_test_suite(suite)						\
	static struct kunit_suite *suite##_entry			\
	__attribute__((used, section("kunit_suites"))) = &(suite)

/* Zeroed memory that goes with the case, or NULL. */
void *kunit_kzalloc(struct kunit *test, size_t size, gfp_t gfp);

/* Of the kernel's, that which goes on; @reason is one text. */
#define kunit_mark_skipped(test, reason) ((test)->skipped = (reason))
#define kunit_info(test, format, ...) printf("    # " format, ##__VA_ARGS__)

/* Does not return if @fatal. */
__printf(5, 6)
void kunit_fail(struct kunit *test, bool fatal, const char *file, int line,
		const char *format, ...);

#define KUNIT_CHECK(test, fatal, condition, format, args...) do {	\
	if (!(condition))						\
		kunit_fail(test, fatal, __FILE__, __LINE__,		\
			   format, ##args);				\
} while (0)

#define KUNIT_COMPARE(test, fatal, left, op, right, format, args...) do { \
	typeof(left) __left = (left);					\
	typeof(right) __right = (right);				\
									\
	KUNIT_CHECK(test, fatal, __left op __right,			\
		    #left " " #op " " #right ": %lld, %lld " format,	\
		    (long long)__left, (long long)__right, ##args);	\
} while (0)

#define KUNIT_COMPARE_STR(test, fatal, left, right, format, args...) do { \
	const char *__left = (left), *__right = (right);		\
									\
	KUNIT_CHECK(test, fatal,					\
		    __left && __right && !strcmp(__left, __right),	\
		    #left ": \"%s\", not \"%s\" " format,		\
		    __left ?: "(null)", __right ?: "(null)", ##args);	\
} while (0)

#define KUNIT_FAIL(test, args...)	kunit_fail(test, false, __FILE__, __LINE__, args)

#define KUNIT_EXPECT_TRUE(t, c)		KUNIT_CHECK(t, false, c, "%s", #c)
#define KUNIT_EXPECT_FALSE(t, c)	KUNIT_CHECK(t, false, !(c), "!(%s)", #c)
#define KUNIT_EXPECT_NULL(t, p)		KUNIT_EXPECT_TRUE(t, !(p))
#define KUNIT_EXPECT_NOT_NULL(t, p)	KUNIT_EXPECT_TRUE(t, p)
#define KUNIT_EXPECT_PTR_EQ(t, l, r)	KUNIT_EXPECT_TRUE(t, (l) == (r))
#define KUNIT_EXPECT_PTR_NE(t, l, r)	KUNIT_EXPECT_TRUE(t, (l) != (r))
#define KUNIT_EXPECT_EQ(t, l, r)	KUNIT_COMPARE(t, false, l, ==, r, "")
#define KUNIT_EXPECT_NE(t, l, r)	KUNIT_COMPARE(t, false, l, !=, r, "")
#define KUNIT_EXPECT_LT(t, l, r)	KUNIT_COMPARE(t, false, l, <, r, "")
#define KUNIT_EXPECT_LE(t, l, r)	KUNIT_COMPARE(t, false, l, <=, r, "")
#define KUNIT_EXPECT_GT(t, l, r)	KUNIT_COMPARE(t, false, l, >, r, "")
#define KUNIT_EXPECT_GE(t, l, r)	KUNIT_COMPARE(t, false, l, >=, r, "")
#define KUNIT_EXPECT_STREQ(t, l, r)	KUNIT_COMPARE_STR(t, false, l, r, "")

#define KUNIT_EXPECT_TRUE_MSG(t, c, args...)	KUNIT_CHECK(t, false, c, args)
#define KUNIT_EXPECT_EQ_MSG(t, l, r, args...)	\
	KUNIT_COMPARE(t, false, l, ==, r, args)
#define KUNIT_EXPECT_STREQ_MSG(t, l, r, args...) \
	KUNIT_COMPARE_STR(t, false, l, r, args)

#define KUNIT_ASSERT_TRUE(t, c)		KUNIT_CHECK(t, true, c, "%s", #c)
#define KUNIT_ASSERT_FALSE(t, c)	KUNIT_CHECK(t, true, !(c), "!(%s)", #c)
#define KUNIT_ASSERT_NULL(t, p)		KUNIT_ASSERT_TRUE(t, !(p))
#define KUNIT_ASSERT_NOT_NULL(t, p)	KUNIT_ASSERT_TRUE(t, p)
#define KUNIT_ASSERT_NOT_ERR_OR_NULL(t, p)	\
	KUNIT_ASSERT_TRUE(t, !IS_ERR_OR_NULL(p))
#define KUNIT_ASSERT_EQ(t, l, r)	KUNIT_COMPARE(t, true, l, ==, r, "")
#define KUNIT_ASSERT_NE(t, l, r)	KUNIT_COMPARE(t, true, l, !=, r, "")
#define KUNIT_ASSERT_LT(t, l, r)	KUNIT_COMPARE(t, true, l, <, r, "")
#define KUNIT_ASSERT_LE(t, l, r)	KUNIT_COMPARE(t, true, l, <=, r, "")
#define KUNIT_ASSERT_GT(t, l, r)	KUNIT_COMPARE(t, true, l, >, r, "")
#define KUNIT_ASSERT_GE(t, l, r)	KUNIT_COMPARE(t, true, l, >=, r, "")

#endif
