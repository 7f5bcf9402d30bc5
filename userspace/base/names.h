// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Names that several programs of the project must agree on: the version that all of them print, the
 * socket where the agent answers, who may ask there, and the first word of its replies.
 */
#pragma once

#define LODESTONE_VERSION    "0.1.0"
#define LODESTONE_RUN        "/run/lodestone"
#define LODESTONE_SOCKET     LODESTONE_RUN "/lodestoned.sock"
#define LODESTONE_GROUP      "lodestone"      /* its members may read */
#define LODESTONE_FEED_GROUP "lodestone-feed" /* its members may say what the cluster holds */
#define LODESTONE_PROTOCOL   "lodestone/1"

/* What --version says: the version, of which tree, by which compiler. Static. */
const char *lodestone_build(void);
