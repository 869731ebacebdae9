// Clients that wait for a key until another one fills it.

'use strict';

const { assert, eventually, section } = require('./script');

const isWaiting = async (redis) => /blocked_clients:1\r/.test(await redis.info('clients'));

section('blocking', async (redis, server) => {
  const other = server.connect();
  // Has `other` wait, and fills the key once it does.
  const waits = async (wait, fill) => {
    const answer = wait();
    await eventually(() => isWaiting(redis), 'it waits');
    await fill();
    return answer;
  };
  assert.deepEqual(
    await waits(
      () => other.blpop('a', 'b', 5),
      () => redis.rpush('b', 'flotsam', 'jetsam'),
    ),
    ['b', 'flotsam'],
  );
  assert.deepEqual(await redis.lrange('b', 0, -1), ['jetsam']);
  assert.equal(
    await waits(
      () => other.blmove('source', 'target', 'LEFT', 'RIGHT', 5),
      () => redis.lpush('source', 'moved'),
    ),
    'moved',
  );
  assert.deepEqual(await redis.lrange('target', 0, -1), ['moved']);
  assert.deepEqual(
    await waits(
      () => other.blmpop(5, 2, 'x', 'y', 'RIGHT', 'COUNT', 2),
      () => redis.rpush('y', 1, 2, 3),
    ),
    ['y', ['3', '2']],
  );
  assert.deepEqual(
    await waits(
      () => other.bzpopmin('zset', 5),
      () => redis.zadd('zset', 1, 'low', 2, 'high'),
    ),
    ['zset', 'low', '1'],
  );
  assert.equal(
    await waits(
      () => other.brpoplpush('source', 'target', 5),
      () => redis.multi().lpush('source', 'first').lpush('source', 'second').exec(),
    ),
    'first',
  );
  assert.equal(await other.brpop('nothing', 0.05), null);
  // One who waits is served in turn, and one who gives up is not served.
  const third = server.connect();
  const first = other.blpop('queue', 5);
  await eventually(() => isWaiting(redis), 'the first waits');
  const second = third.blpop('queue', 5);
  await eventually(async () => /blocked_clients:2\r/.test(await redis.info('clients')), 'both wait');
  await redis.rpush('queue', 1, 2);
  assert.deepEqual(await Promise.all([first, second]), [
    ['queue', '1'],
    ['queue', '2'],
  ]);
});
