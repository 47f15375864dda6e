// SPDX-License-Identifier: GPL-2.0-only
/*
 * Cgroup core: the life of a css, and its files. The order of events is that of
 * kernel/cgroup/cgroup.c, with RCU callbacks in place of work items.
 */

#include <linux/cgroup.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../native.h"

/* See linux/cgroup.h. */
static_assert(offsetof(struct cgroup_subsys_state, parent) == 192);

static struct kernfs_node root_kn;
struct cgroup_root cgrp_dfl_root = { .cgrp.kn = &root_kn };

static atomic_long_t nr_css;

static __thread struct task_struct task;
static __thread struct css_set task_css_set;
__thread struct task_struct *shim_current;
__thread void (*shim_on_notify)(void);

long shim_nr_css(void)
{
	return atomic_long_read(&nr_css);
}

static struct cgroup_subsys_state *css_of_rcu(struct rcu_head *rcu)
{
	return container_of(rcu, struct cgroup_subsys_state, rcu);
}

static void css_free(struct cgroup_subsys_state *css)
{
	percpu_ref_exit(&css->refcnt);
	css->ss->css_free(css);
	atomic_long_dec(&nr_css);
}

static void css_free_rcu(struct rcu_head *rcu)
{
	struct cgroup_subsys_state *css = css_of_rcu(rcu);
	struct cgroup_subsys_state *parent = css->parent;

	css_free(css);
	css_put(parent);
}

/* The last reference is gone. */
static void css_release(struct percpu_ref *ref)
{
	struct cgroup_subsys_state *css =
		container_of(ref, struct cgroup_subsys_state, refcnt);

	call_rcu(&css->rcu, css_free_rcu);
}

static void css_offline_rcu(struct rcu_head *rcu)
{
	struct cgroup_subsys_state *css = css_of_rcu(rcu);

	if (css->ss->css_offline)
		css->ss->css_offline(css);
	css_put(css);
}

/* Each CPU knows that the css is dying. */
static void css_killed(struct percpu_ref *ref)
{
	struct cgroup_subsys_state *css =
		container_of(ref, struct cgroup_subsys_state, refcnt);

	call_rcu(&css->rcu, css_offline_rcu);
}

static struct cgroup_subsys_state *css_create(struct cgroup_subsys *ss,
					      struct cgroup_subsys_state *parent)
{
	struct cgroup_subsys_state *css = ss->css_alloc(parent);
	int err;

	if (IS_ERR(css))
		return css;

	atomic_long_inc(&nr_css);
	css->cgroup = &cgrp_dfl_root.cgrp;
	css->ss = ss;
	css->parent = parent;
	err = percpu_ref_init(&css->refcnt, css_release, 0, GFP_KERNEL);
	if (!err && ss->css_online)
		err = ss->css_online(css);
	if (err) {
		css_free(css);
		return ERR_PTR(err);
	}
	return css;
}

struct cgroup_subsys_state *shim_cgroup_init(struct cgroup_subsys *ss)
{
	struct cgroup_subsys_state *root = css_create(ss, NULL);

	if (IS_ERR(root))
		abort();
	root->flags |= CSS_NO_REF;
	ss->root = root;
	return root;
}

void shim_cgroup_exit(struct cgroup_subsys *ss)
{
	css_free(ss->root);
	ss->root = NULL;
}

struct cgroup_subsys_state *shim_cgroup_mkdir(struct cgroup_subsys_state *parent)
{
	struct cgroup_subsys_state *css = css_create(parent->ss, parent);

	if (!IS_ERR(css))
		css_get(parent);
	return css;
}

void shim_cgroup_rmdir(struct cgroup_subsys_state *css)
{
	css_get(css);			/* put by css_offline_rcu() */
	percpu_ref_kill_and_confirm(&css->refcnt, css_killed);
}

void shim_cgroup_attach(struct cgroup_subsys_state *css)
{
	struct cgroup_subsys_state **mine = &task_css_set.subsys[rdma_cgrp_id];

	if (css)
		css_get(css);
	if (*mine)
		css_put(*mine);
	*mine = css;
	task.cgroups = &task_css_set;
	shim_current = &task;
}

static struct cftype *file_of(struct cgroup_subsys_state *css,
			      const char *name)
{
	struct cftype *cft;

	for (cft = css->ss->dfl_cftypes; *cft->name; cft++)
		if (!strcmp(cft->name, name) &&
		    (css->parent || !(cft->flags & CFTYPE_NOT_ON_ROOT)))
			return cft;

	return NULL;
}

ssize_t shim_cgroup_write(struct cgroup_subsys_state *css, const char *name,
			  const char *text, size_t length)
{
	struct kernfs_open_file of = { css, file_of(css, name) };
	ssize_t ret;
	char *copy;

	if (!of.cft)
		return -ENOENT;
	if (!of.cft->write)
		return -EINVAL;
	if (length >= PAGE_SIZE)
		return -E2BIG;

	/* Of the exact size, for AddressSanitizer to see one byte too far. */
	copy = malloc(length + 1);
	if (!copy)
		abort();
	memcpy(copy, text, length);
	copy[length] = '\0';
	ret = of.cft->write(&of, copy, length, 0);
	free(copy);
	return ret;
}

ssize_t shim_cgroup_read(struct cgroup_subsys_state *css, const char *name,
			 char *text, size_t size)
{
	struct kernfs_open_file of = { css, file_of(css, name) };
	struct seq_file sf = { .buf = text, .size = size, .private = &of };
	int err;

	if (!of.cft)
		return -ENOENT;
	if (!of.cft->seq_show)
		return -EINVAL;

	err = of.cft->seq_show(&sf, NULL);
	if (err)
		return err;
	if (sf.count == sf.size)
		return -EOVERFLOW;
	text[sf.count] = '\0';
	return sf.count;
}

void shim_call_on_notify(void (*func)(void))
{
	shim_on_notify = func;
}

unsigned long shim_cgroup_notified(struct cgroup_subsys_state *css,
				   const char *name)
{
	struct cgroup_file *file = (void *)css + file_of(css, name)->file_offset;

	return atomic_long_read(&file->notified);
}

static void seq_add(struct seq_file *sf, const char *text, size_t length)
{
	if (sf->count + length < sf->size) {
		memcpy(sf->buf + sf->count, text, length);
		sf->count += length;
	} else {
		sf->count = sf->size;
	}
}

void seq_putc(struct seq_file *sf, char c)
{
	seq_add(sf, &c, 1);
}

void seq_puts(struct seq_file *sf, const char *text)
{
	seq_add(sf, text, strlen(text));
}

static void seq_add_number(struct seq_file *sf, unsigned long long number)
{
	char digits[20], *first = digits + sizeof(digits);

	do {
		*--first = '0' + number % 10;
	} while (number /= 10);
	seq_add(sf, first, digits + sizeof(digits) - first);
}

static void seq_add_signed(struct seq_file *sf, long long number)
{
	if (number < 0)
		seq_add(sf, "-", 1);
	seq_add_number(sf, number < 0 ? -(unsigned long long)number : number);
}

/* Files are read so often here that vsnprintf() would take most of the time. */
void seq_printf(struct seq_file *sf, const char *format, ...)
{
	const char *text;
	va_list args;

	va_start(args, format);
	while (*format) {
		size_t length = strcspn(format, "%");

		seq_add(sf, format, length);
		format += length;
		if (!strncmp(format, "%s", 2)) {
			text = va_arg(args, const char *);
			seq_add(sf, text, strlen(text));
		} else if (!strncmp(format, "%u", 2)) {
			seq_add_number(sf, va_arg(args, unsigned int));
		} else if (!strncmp(format, "%d", 2)) {
			seq_add_signed(sf, va_arg(args, int));
		} else if (!strncmp(format, "%lu", 3)) {
			seq_add_number(sf, va_arg(args, unsigned long));
			format++;
		} else if (!strncmp(format, "%lld", 4)) {
			seq_add_signed(sf, va_arg(args, long long));
			format += 2;
		} else if (!strncmp(format, "%llu", 4)) {
			seq_add_number(sf, va_arg(args, unsigned long long));
			format += 2;
		} else if (*format) {
			abort();
		} else {
			break;
		}
		format += 2;
	}
	va_end(args);
}
