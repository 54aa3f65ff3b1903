/*
 * version.h - the release, as --version and server.info say it
 */
#ifndef COMMON_VERSION_H
#define COMMON_VERSION_H

#define REMOTEMEDIA_VERSION "0.1.0"

#endif
