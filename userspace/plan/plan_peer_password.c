// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The password of a BGP session (ruling 4): of a Secret, by passwordSecret, by "secretref:NAME" or
 * by a text that is the name of one; else the text itself, as with strict: true it always is. A
 * line end that echo or an editor left behind is no part of it. A peer without the password it asks
 * for gets no session: one with less protection than was ordered is worse than none. No password is
 * ever in a text.
 */
#include "plan/plan_peers.h"

#include "base/limits.h"

static const struct api_object *find_secret(const struct peers_build *b, const char *name)
{
	const struct world_list all = world_list(b->in->world, API_SECRET);

	for (size_t i = 0; i < all.n; i++) {
		const struct api_meta *m = &all.items[i]->meta;
		const char *ns = plan_text(m->ns);

		if (strcmp(m->name, name) == 0 &&
		    (ns[0] == '\0' || strcmp(ns, b->env->settings->ns) == 0))
			return all.items[i];
	}
	return NULL;
}

static const struct api_secret_item *secret_password(const struct api_object *secret)
{
	for (size_t i = 0; secret && i < secret->secret.n; i++)
		if (strcmp(secret->secret.items[i].key, "password") == 0)
			return &secret->secret.items[i];
	return NULL;
}

static bool set_password(struct peers_build *b, struct peer_candidate *c, const uint8_t *key,
			 size_t len)
{
	if (len == 0 || len > LIMIT_PASSWORD_BYTES) {
		peer_problem(b, SEVERITY_ERROR, c, "spec.password", "InvalidPassword",
			     "use a password of 1 to 80 bytes", "the password has %zu bytes; %s",
			     len, peer_consequence(c));
		return false;
	}
	c->peer.password = key;
	c->peer.password_len = len;
	return true;
}

/* Of "key\n" and "key\r\n", what echo and editors leave behind: without it. */
static size_t without_line_end(const uint8_t *key, size_t len)
{
	if (len > 0 && key[len - 1] == '\n') {
		len--;
		len -= len > 0 && key[len - 1] == '\r';
	}
	return len;
}

static void take_key(struct peers_build *b, const struct api_object *secret,
		     const struct api_secret_item *item, struct peer_secret *ret)
{
	ret->key = item->data;
	ret->len = without_line_end(item->data, item->len);
	if (ret->len < item->len)
		object_problem(&b->env->problems, SEVERITY_INFO, secret,
			       arena_printf(b->arena, "%s[%s]", item->section, item->key),
			       "LineEndDropped",
			       "nothing to do, or encode it without one: echo -n KEY | base64",
			       "ends with a line end, which is not part of the password here");
}

bool peer_secret_read(struct peers_build *b, const struct peer_candidate *c, struct peer_secret *s)
{
	const struct api_object *secret = find_secret(b, s->name);
	const struct api_secret_item *item = secret_password(secret);

	if (!item) {
		peer_problem(
			b, SEVERITY_ERROR, c, s->field, "SecretMissing",
			arena_printf(b->arena, "create it in namespace %s, with the key password",
				     b->env->settings->ns),
			"%s; %s",
			secret ? arena_printf(b->arena, "Secret %s has no key password", s->name)
			       : arena_printf(b->arena, "there is no Secret %s", s->name),
			s->consequence);
		return false;
	}
	if (!secret->secret.type || strcmp(secret->secret.type, "kubernetes.io/basic-auth") != 0) {
		const bool strict = b->env->config.strict;

		peer_problem(b, strict ? SEVERITY_ERROR : SEVERITY_WARNING, c, s->field,
			     "SecretType", "make it a Secret of type kubernetes.io/basic-auth",
			     "Secret %s is not of the type MetalLB demands%s%s", s->name,
			     strict ? "; (strict) " : "", strict ? s->consequence : "");
		if (strict)
			return false;
	}
	take_key(b, secret, item, s);
	return true;
}

static bool password_by_reference(struct peers_build *b, struct peer_candidate *c, const char *name,
				  const char *field)
{
	struct peer_secret s = {.name = name, .field = field, .consequence = peer_consequence(c)};

	return peer_secret_read(b, c, &s) && set_password(b, c, s.key, s.len);
}

/* A literal, cut to len bytes where it had a line end: `password: |` leaves one. */
static bool set_literal(struct peers_build *b, struct peer_candidate *c, size_t len)
{
	const char *password = c->spec->password;

	peer_problem(b, SEVERITY_INFO, c, "spec.password", "PasswordLiteral",
		     "use passwordSecret, so that the object does not hold the password",
		     b->env->config.strict
			     ? "using literal: with strict, a password is never a Secret's name"
			     : "using literal: no Secret has the name given as password");
	if (password[len])
		peer_problem(b, SEVERITY_INFO, c, "spec.password", "LineEndDropped",
			     "nothing to do, or write it on one line",
			     "ends with a line end, which is not part of the password here");
	return set_password(b, c, (const uint8_t *)password, len);
}

/*
 * What would be taken for a literal now was the name of a Secret before: its password is not the
 * text itself.
 */
static bool was_reference(const struct peer_candidate *c, const char *text)
{
	const struct plan_good *last = c->last.good;

	return last && strcmp(c->spec->password, plan_text(c->last.object->peer.password)) == 0 &&
	       (last->password_len != strlen(text) ||
		memcmp(last->password, text, last->password_len) != 0);
}

bool peer_password_resolve(struct peers_build *b, struct peer_candidate *c)
{
	static const char prefix[] = "secretref:";
	const struct api_peer *spec = c->spec;
	const struct api_secret_item *item;
	const struct api_object *secret;
	struct peer_secret from;
	const char *text;
	size_t len;

	if (spec->password_secret)
		return password_by_reference(b, c, spec->password_secret, "spec.passwordSecret");
	if (!spec->password || spec->password[0] == '\0')
		return true;
	len = without_line_end((const uint8_t *)spec->password, strlen(spec->password));
	text = arena_strndup(b->arena, spec->password, len);
	if (b->env->config.strict)
		return set_literal(b, c, len);
	if (strncmp(text, prefix, sizeof(prefix) - 1) == 0)
		return password_by_reference(b, c, text + sizeof(prefix) - 1, "spec.password");
	secret = find_secret(b, text);
	item = secret_password(secret);
	if (!item && was_reference(c, text))
		return password_by_reference(b, c, text, "spec.password");
	if (!item)
		return set_literal(b, c, len);
	peer_problem(b, SEVERITY_INFO, c, "spec.password", "PasswordResolvedFromSecret",
		     "use passwordSecret to say so in the object",
		     "the password is the key password of the Secret that spec.password names");
	take_key(b, secret, item, &from);
	return set_password(b, c, from.key, from.len);
}
