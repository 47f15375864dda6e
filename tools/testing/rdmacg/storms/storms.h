/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Each storm does one kind of damage: see ../lib/storm/storm.h for which process does what.
 *
 *	storms.c	the directors, and the table of storms
 *	tenant.c	what tenants do
 */
#ifndef STORMS_H
#define STORMS_H

#include "../lib/storm/storm.h"

#define MAX_OBJECTS	48		/* of one tenant at a time */

/* A context of a device, and what was made with it. */
struct session {
	struct tenant *tenant;
	int device;		/* -1 if it does not stay */
	enum kind nr_kinds;	/* those that its driver has */
	struct base base;
	int nr;
	struct {
		enum kind kind;
		void *object;
	} objects[MAX_OBJECTS];
};

/* tenant.c */
bool open_session(struct session *session, struct tenant *tenant, int device);
bool open_session_with(struct session *session, struct tenant *tenant,
		       struct ibv_device *verbs, int device, bool rxe);
void make_one(struct session *session);
void drop_one(struct session *session);
void step(struct session *session);
void close_session(struct session *session);
void churn(int number);

#endif /* STORMS_H */
