/* Runs libCacheSim's own policies over requests held in memory, and tells the CPU time.
 *
 * It is loaded into a process that has loaded the package's library, so what is timed is the library as
 * it is published. The requests are kept as the 24-byte records of the trace: a request of the library's
 * own for each would cost it memory bandwidth. */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

/* What is used of the library's interface, as version 0.3.5 lays it out. */
enum { ORACLE_GENERAL = 3 };

struct params {
  uint64_t cache_size, default_ttl;
  int32_t hashpower;
  bool consider_obj_metadata;
};

struct request {
  int64_t clock_time;
  uint64_t hash, obj_id;
  int64_t obj_size, obj_cost;
  int32_t ttl, op, tenant_id;
  uint64_t n_req;
  int64_t next_access_vtime;
  char others[4096];
};

struct cache {
  void *hashtable, *init;
  void (*free)(struct cache *);
  bool (*get)(struct cache *, const struct request *);
};

typedef struct cache *(*init_function)(struct params, const char *);
struct reader;
extern struct reader *setup_reader(const char *path, uint8_t trace_type, const void *params);
extern int read_one_req(struct reader *, struct request *);
extern int close_reader(struct reader *);

struct __attribute__((packed)) record {
  uint32_t time;
  uint64_t id;
  uint32_t size;
  int64_t next;
};

static double cpu_seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static struct cache *new_cache(init_function init, const char *specific, uint64_t size, int hashpower) {
  struct params params = {size, 86400 * 300, hashpower, false};
  return init(params, specific);
}

/* Reader included: from opening the trace to its end. */
double replay_file(init_function init, const char *specific, uint64_t size, int hashpower, const char *path,
                   uint64_t *misses) {
  static struct request request;
  memset(&request, 0, sizeof request);
  double start = cpu_seconds();
  struct reader *reader = setup_reader(path, ORACLE_GENERAL, NULL);
  struct cache *cache = new_cache(init, specific, size, hashpower);
  for (*misses = 0; read_one_req(reader, &request) == 0;) *misses += !cache->get(cache, &request);
  double seconds = cpu_seconds() - start;
  cache->free(cache);
  close_reader(reader);
  return seconds;
}

/* Reader excluded: the requests alone. The first is read from the file, so that all that the library sets in
 * a request is set. */
double replay_memory(init_function init, const char *specific, uint64_t size, int hashpower, const char *path,
                     bool ignore_size, const struct record *records, uint64_t count, uint64_t *misses) {
  static struct request request;
  memset(&request, 0, sizeof request);
  struct reader *reader = setup_reader(path, ORACLE_GENERAL, NULL);
  read_one_req(reader, &request);
  close_reader(reader);
  struct cache *cache = new_cache(init, specific, size, hashpower);
  uint64_t missed = 0;
  double start = cpu_seconds();
  for (uint64_t i = 0; i < count; i++) {
    request.clock_time = records[i].time;
    request.obj_id = records[i].id;
    request.obj_size = ignore_size ? 1 : records[i].size;
    request.next_access_vtime = records[i].next < 0 ? INT64_MAX : records[i].next;
    request.n_req = i;
    missed += !cache->get(cache, &request);
  }
  double seconds = cpu_seconds() - start;
  *misses = missed;
  cache->free(cache);
  return seconds;
}
