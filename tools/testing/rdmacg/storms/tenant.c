// SPDX-License-Identifier: GPL-2.0-only
/* What tenants do: make and drop verbs objects. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "storms.h"

#define BITE	(1 << 20)	/* of memory, by the hungry */

static struct ibv_device *devices[MAX_DEVICES];

static const struct ibv_ah_attr address = {
	.is_global = 1,
	.port_num = 1,
	/* A multicast group: it needs neither address nor route. */
	.grh = { .dgid.raw = { 0xff, 2, [15] = 1 }, .hop_limit = 1 },
};

/* Before tenants are started, which inherit what was found. */
void prepare_director(void)
{
	int i;

	for (i = 0; i < nr_devices; i++) {
		devices[i] = find_verbs(device_name(i));
		if (!devices[i])
			complain(LOAD, "libibverbs does not find %s",
				 device_name(i));
	}
}

static void hold(struct session *session, enum resource resource, int change)
{
	if (session->device >= 0)
		session->tenant->held[session->device][resource] += change;
	if (change > 0 && resource == OBJECT)
		add(&shared->made, 1);
}

/* Notes that a verb was refused. There may be other reasons than a limit. */
static void judge_refusal(const char *what)
{
	/* Or it is in another net namespace. */
	bool gone = errno == ENODEV || errno == ENOENT || errno == ENXIO ||
		    errno == EIO || errno == EPERM;

	if (errno == EAGAIN)
		add(&shared->refused, 1);
	else if (!(gone && shared->devices_leave) &&
		 !(errno == ENOMEM && shared->memory_ends))
		complain(LOAD, "cannot make %s: %m", what);
}

static void drop(struct session *session, enum kind kind, void *object)
{
	int err = object_drop(kind, object);

	if (err)
		complain(LOAD, "cannot drop %s: %s", kind_names[kind],
			 strerror(err));
	else
		hold(session, kind == CONTEXT ? HANDLE : OBJECT, -1);
}

void make_one(struct session *session)
{
	enum kind kind = PD + roll(session->nr_kinds - PD);
	void *object = object_make(&session->base, kind);

	if (!object) {
		judge_refusal(kind_names[kind]);
		return;
	}
	session->objects[session->nr].kind = kind;
	session->objects[session->nr++].object = object;
	hold(session, OBJECT, 1);
}

void drop_one(struct session *session)
{
	int which = roll(session->nr);

	drop(session, session->objects[which].kind,
	     session->objects[which].object);
	session->objects[which] = session->objects[--session->nr];
}

static void eat(void)
{
	char *memory = mmap(NULL, BITE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory != MAP_FAILED)
		memset(memory, 1, BITE);
}

static void obey_director(struct tenant *tenant)
{
	rest_if_told(tenant);
	if (tenant->hungry)
		eat();
}

/* Makes or drops one. */
void step(struct session *session)
{
	obey_director(session->tenant);
	if (session->nr == MAX_OBJECTS || (session->nr && roll(5) < 2))
		drop_one(session);
	else
		make_one(session);
}

/* Drops all, in any order. */
void close_session(struct session *session)
{
	struct base *base = &session->base;

	while (session->nr) {
		rest_if_told(session->tenant);
		drop_one(session);
	}
	if (base->cq)
		drop(session, CQ, base->cq);
	if (base->pd)
		drop(session, PD, base->pd);
	drop(session, CONTEXT, base->context);
}

/* @device is the number of @verbs if it stays, or -1. */
bool open_session_with(struct session *session, struct tenant *tenant,
		       struct ibv_device *verbs, int device, bool rxe)
{
	struct base *base = &session->base;

	*session = (struct session){
		.tenant = tenant, .device = device,
		.nr_kinds = nr_kinds_of(rxe),
		.base = { .verbs = verbs, .ah = address },
	};
	base->context = object_make(base, CONTEXT);
	if (!base->context) {
		judge_refusal(kind_names[CONTEXT]);
		return false;
	}
	hold(session, HANDLE, 1);

	base->pd = object_make(base, PD);
	if (base->pd) {
		hold(session, OBJECT, 1);
		base->cq = object_make(base, CQ);
	}
	if (!base->cq) {
		judge_refusal("the first PD or CQ");
		close_session(session);
		return false;
	}
	hold(session, OBJECT, 1);
	return true;
}

/* A new context with a PD and a CQ; false if it was refused. */
bool open_session(struct session *session, struct tenant *tenant, int device)
{
	return open_session_with(session, tenant, devices[device], device,
				 !strcmp(driver_of(device), "rxe"));
}

/* Works with one device after the other until the end of the storm. */
void churn(int number)
{
	struct tenant *tenant = &shared->tenants[number];
	struct session session;
	int steps;

	while (!shared->stop) {
		obey_director(tenant);
		if (!open_session(&session, tenant, roll(nr_devices))) {
			sleep_us(roll(2000));
			continue;
		}
		for (steps = roll(2 * MAX_OBJECTS); steps && !shared->stop; steps--)
			step(&session);
		close_session(&session);
	}
}
