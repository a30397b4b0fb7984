/*
 * Included before every source that is compiled for the loadable extension: there, SQLite is called through the
 * pointer that the client hands over, so that there is one SQLite only in the process.
 */
#ifndef HC_QUERY_SQLITE_EXT_H
#define HC_QUERY_SQLITE_EXT_H

#include <sqlite3ext.h>

/* Not exported; set once, when a client loads the extension. */
extern const sqlite3_api_routines *sqlite3_api __attribute__((visibility("hidden")));

#endif
