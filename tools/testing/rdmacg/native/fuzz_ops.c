// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fuzzing: the input is a sequence of operations, in letters, so that a person
 * can read and write it. Each argument is one character, and stands for its
 * distance from '0', modulo what there is to choose from. Characters that start
 * no operation are passed over, so operations can stand on lines.
 *
 *	m P		mkdir in cgroup P
 *	r C		rmdir, if it has no children
 *	a C		the task goes there
 *	+ N		a device comes, with the name N
 *	- D		device D goes, charged or not
 *	n D N		device D gets the name N
 *	c D R		the task charges resource R; one of three does not exist
 *	u U		the Uth of the charges that are held is given back
 *	x C D R		cgroup C gives back what it does not hold
 *	q D R		the task asks for its limit
 *	l C D R V	one limit becomes the Vth of a list
 *	b C D V W	both limits
 *	d C R V		the default of a cgroup becomes the Vth of a list
 *	w C text	text is written to rdma.max, up to a newline; '\' stands for one
 *	f C F		a file is read
 *	g C		all files of a cgroup are read
 *	e		what waits for RCU is freed
 *	s		all that is still to happen does
 *	k N		the next operation lacks memory, the Nth time it asks
 *
 * Cgroups are those with a directory, 0 is the root. Devices are in order of
 * registration.
 */

#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>

#define ROOT		0
#define MAX_CHARGES	64
#define FAIL_NTH	12

/* The last one is as long as can be. */
static const char names[][REF_NAME_SIZE] = {
	"a", "b", "mlx4_0", "index=1", "hca_handle=1", "max", "default",
	"a_name_that_is_as_long_as_the_name_of_an_RDMA_device_can_be_now",
};

static const char * const limits[] = {
	"0", "1", "2", "3", "0x4", "05", "2147483646", "2147483647", "max",
	"2147483648", "-1", "", "default",
};

static struct {
	int cgroup, device;
	unsigned int resource;
} charges[MAX_CHARGES];
static int nr_charges;
static int task_cgroup;

static const u8 *input, *input_end;

static unsigned int next_byte(void)
{
	return input < input_end ? *input++ : '0';
}

static unsigned int choose(unsigned int count)
{
	return (u8)(next_byte() - '0') % count;
}

static bool is_visible(int cgroup)
{
	const struct ref_cgroup *c = &fuzz_world.ref.cgroups[cgroup];

	return c->exists && !c->removed;
}

static int choose_cgroup(void)
{
	int cgroup, count = 0, chosen;

	for (cgroup = 0; cgroup < REF_CGROUPS; cgroup++)
		count += is_visible(cgroup);
	chosen = choose(count);
	for (cgroup = 0; !is_visible(cgroup) || chosen--; cgroup++)
		;
	return cgroup;
}

static bool has_visible_child(int parent)
{
	int cgroup;

	for (cgroup = 1; cgroup < REF_CGROUPS; cgroup++)
		if (is_visible(cgroup) &&
		    fuzz_world.ref.cgroups[cgroup].parent == parent)
			return true;

	return false;
}

/* -1 if there is none; the argument is taken all the same. */
static int choose_device(void)
{
	int count = fuzz_world.ref.nr_registered;
	int chosen = choose(count ?: 1);

	return count ? fuzz_world.ref.order[chosen] : -1;
}

static void attach(int cgroup)
{
	fuzz_trace("the task goes to %d", cgroup);
	shim_cgroup_attach(fuzz_world.css[cgroup]);
	ref_enter(&fuzz_world.ref, cgroup);
	ref_leave(&fuzz_world.ref, task_cgroup);
	task_cgroup = cgroup;
}

static void add_device(const char *name)
{
	int device;

	for (device = 0; device < REF_DEVICES; device++) {
		if (!fuzz_world.ref.devices[device].registered) {
			fuzz_device_add(device, name);
			return;
		}
	}
}

static void forget_charge(int nr)
{
	charges[nr] = charges[--nr_charges];
}

static void del_device(int device)
{
	int i;

	fuzz_device_del(device);
	for (i = nr_charges - 1; i >= 0; i--) {
		int cgroup = charges[i].cgroup;

		if (charges[i].device != device)
			continue;
		forget_charge(i);
		css_put(fuzz_world.css[cgroup]);
		ref_drop_charge(&fuzz_world.ref, cgroup);
	}
}

static void charge(int device, unsigned int resource)
{
	if (nr_charges == MAX_CHARGES ||
	    !fuzz_charge(task_cgroup, device, resource))
		return;
	charges[nr_charges].cgroup = task_cgroup;
	charges[nr_charges].device = device;
	charges[nr_charges++].resource = resource;
}

static void uncharge(int nr)
{
	int cgroup = charges[nr].cgroup, device = charges[nr].device;
	unsigned int resource = charges[nr].resource;

	forget_charge(nr);
	fuzz_uncharge(cgroup, device, resource);
}

/* Of the root and of what is charged below, nobody can tell what is missing. */
static void uncharge_none(int cgroup, int device, unsigned int resource)
{
	if (resource < REF_RESOURCES &&
	    (cgroup == ROOT ||
	     fuzz_world.ref.cgroups[cgroup].counters[device][resource].usage))
		return;
	fuzz_uncharge_none(cgroup, device, resource);
}

static void set_limits(int cgroup, int device, const char *handle,
		       const char *object)
{
	char line[160];
	int length;

	/* With an index it is about this device, whatever others are called. */
	length = snprintf(line, sizeof(line), "%s index=%d%s%s%s%s\n",
			  fuzz_world.ref.devices[device].name, device,
			  handle ? " hca_handle=" : "", handle ?: "",
			  object ? " hca_object=" : "", object ?: "");
	fuzz_write(cgroup, line, length);
}

static void write_text(int cgroup)
{
	char text[256];
	size_t length = 0;
	u8 c = 0;

	while (input < input_end && length < sizeof(text) && c != '\n') {
		c = *input++;
		text[length++] = c == '\\' ? '\n' : c;
	}
	fuzz_write(cgroup, text, length);
}

static const char *choose_limit(void)
{
	return limits[choose(ARRAY_SIZE(limits))];
}

static void set_default(int cgroup)
{
	unsigned int resource = choose(REF_RESOURCES);
	char line[64];
	int length = snprintf(line, sizeof(line), "default %s=%s",
			      ref_resource_names[resource], choose_limit());

	fuzz_write(cgroup, line, length);
}

static void operate_on_device(char operation)
{
	bool has_cgroup = strchr("xlb", operation);
	int cgroup = has_cgroup ? choose_cgroup() : ROOT;
	int device = choose_device();
	unsigned int resource = 0;
	const char *limit;

	if (strchr("cxql", operation))
		resource = choose(REF_RESOURCES + 1);
	if (device < 0)
		return;

	switch (operation) {
	case '-':
		del_device(device);
		break;
	case 'n':
		fuzz_device_rename(device, names[choose(ARRAY_SIZE(names))]);
		break;
	case 'c':
		charge(device, resource);
		break;
	case 'x':
		uncharge_none(cgroup, device, resource);
		break;
	case 'q':
		fuzz_query(task_cgroup, device, resource);
		break;
	case 'l':
		limit = choose_limit();
		set_limits(cgroup, device, resource ? NULL : limit,
			   resource == 1 ? limit : NULL);
		break;
	case 'b':
		limit = choose_limit();
		set_limits(cgroup, device, limit, choose_limit());
		break;
	}
}

static void operate(char operation)
{
	int cgroup;

	switch (operation) {
	case 'm':
		cgroup = choose_cgroup();
		if (ref_nr_cgroups(&fuzz_world.ref) < REF_CGROUPS)
			fuzz_mkdir(cgroup);
		break;
	case 'r':
		cgroup = choose_cgroup();
		if (cgroup != ROOT && !has_visible_child(cgroup))
			fuzz_rmdir(cgroup);
		break;
	case 'a':
		attach(choose_cgroup());
		break;
	case '+':
		add_device(names[choose(ARRAY_SIZE(names))]);
		break;
	case 'u':
		if (nr_charges)
			uncharge(choose(nr_charges));
		break;
	case 'w':
		write_text(choose_cgroup());
		break;
	case 'd':
		set_default(choose_cgroup());
		break;
	case 'f':
		cgroup = choose_cgroup();
		fuzz_compare_file(cgroup, choose(REF_FILES));
		break;
	case 'g':
		fuzz_compare_files(choose_cgroup());
		break;
	case 'e':
		fuzz_free();
		break;
	case 's':
		fuzz_settle();
		break;
	case 'k':
		fuzz_fail_nth(1 + choose(FAIL_NTH));
		break;
	default:
		if (operation && strchr("-ncxqlb", operation))
			operate_on_device(operation);
	}
}

static void compare_all(void)
{
	int cgroup;

	for (cgroup = 1; cgroup < REF_CGROUPS; cgroup++)
		if (is_visible(cgroup))
			fuzz_compare_files(cgroup);
}

static void remove_all(void)
{
	int cgroup;
	bool again;

	while (nr_charges)
		uncharge(nr_charges - 1);
	compare_all();
	while (fuzz_world.ref.nr_registered)
		del_device(fuzz_world.ref.order[0]);
	attach(ROOT);
	do {
		again = false;
		for (cgroup = 1; cgroup < REF_CGROUPS; cgroup++) {
			if (is_visible(cgroup) && !has_visible_child(cgroup)) {
				fuzz_rmdir(cgroup);
				again = true;
			}
		}
	} while (again);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	fuzz_init();
	return 0;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	input = data;
	input_end = data + size;
	fuzz_begin();
	task_cgroup = ROOT;
	ref_enter(&fuzz_world.ref, ROOT);

	while (input < input_end)
		operate(next_byte());

	compare_all();
	fuzz_settle();
	remove_all();
	fuzz_end();
	return 0;
}
