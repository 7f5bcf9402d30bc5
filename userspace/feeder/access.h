// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Where the API server is and who we are there: what a pod is given, or a kubeconfig. What stands
 * in files is read again and again, since the kubelet replaces a token long before it ends, and a
 * CA when it is to be another one; both by swapping a link, so files are opened anew each time. It
 * is read each second while it is in doubt, for what is to come in its place may be on its way.
 */
#pragma once

#include "base/nsec.h"
#include "base/strbuf.h"

#include <stdbool.h>

/* Contents that stand in a file, or that were given as they are. */
struct access_text {
	char *path; /* owned; NULL: nothing to read again */
	char *data; /* owned; NULL: there is none (yet) */
	size_t len;
};

struct access {
	char *server;      /* owned; "https://HOST:PORT", without a slash behind it */
	char *server_name; /* owned; the name that its certificate is to have; NULL: HOST */
	bool is_insecure;  /* the certificate is not looked at */
	struct access_text ca, cert, key, token;
	nsec_t read_at;    /* the files were read then */
	nsec_t doubted_at; /* the server did not take it, or we not the server; 0: never */
	unsigned version;  /* counts readings that found something else than was known */
};

/* The folder in which a pod finds its token and the CA. */
#define ACCESS_POD_FOLDER "/var/run/secrets/kubernetes.io/serviceaccount"

/* What a pod is given in `folder`; false: *why. Must be given back by access_done() either way. */
bool access_of_pod(struct access *ret, const char *folder, struct strbuf *why) must_check;
/* The current context of a kubeconfig (kubeconfig.c). */
bool access_of_kubeconfig(struct access *ret, const char *path, struct strbuf *why) must_check;
void access_done(struct access *a);

/* Asks this server instead. False: it is no such address. */
bool access_set_server(struct access *a, const char *server) must_check;

/*
 * Reads the files again: once a minute, once a second for a minute after they were in doubt, and
 * now if they are. False: one could not be read, and what it held before stays; *why.
 */
bool access_refresh(struct access *a, nsec_t now, bool is_doubted, struct strbuf *why) must_check;
/* When to call that again at the latest. */
nsec_t access_deadline(const struct access *a);
