// Hashes, lists, sets, HyperLogLogs.

'use strict';

const { assert, refused, section } = require('./script');

section('hashes', async (redis) => {
  assert.equal(await redis.hset('hash', 'light', 'lantern'), 1);
  assert.equal(await redis.hget('hash', 'light'), 'lantern');
  assert.equal(await redis.hset('hash', { light: 'lamp', n: 1, x: 'y' }), 2);
  assert.deepEqual({ ...(await redis.hgetall('hash')) }, { light: 'lamp', n: '1', x: 'y' });
  assert.deepEqual({ ...(await redis.hgetall('nothing')) }, {});
  assert.deepEqual(await redis.hmget('hash', 'x', 'nothing'), ['y', null]);
  assert.equal(await redis.hsetnx('hash', 'x', 'z'), 0);
  assert.equal(await redis.hincrby('hash', 'n', 41), 42);
  assert.equal(await redis.hincrbyfloat('hash', 'n', 0.5), '42.5');
  assert.equal(await redis.hexists('hash', 'n'), 1);
  assert.equal(await redis.hstrlen('hash', 'light'), 4);
  assert.deepEqual((await redis.hkeys('hash')).sort(), ['light', 'n', 'x']);
  assert.deepEqual((await redis.hvals('hash')).sort(), ['42.5', 'lamp', 'y']);
  assert.equal(await redis.hdel('hash', 'n', 'nothing'), 1);
  assert.equal(await redis.hlen('hash'), 2);
  assert.deepEqual((await redis.hrandfield('hash', 5)).sort(), ['light', 'x']);
  const large = new Map();
  for (let i = 0; i < 2000; i += 1) large.set(`field:${i}`, String(i));
  assert.equal(await redis.hset('large', large), 2000);
  const seen = new Map();
  for await (const words of redis.hscanStream('large', { count: 100 })) {
    for (let i = 0; i < words.length; i += 2) seen.set(words[i], words[i + 1]);
  }
  assert.deepEqual(seen, large);
});

section('lists', async (redis) => {
  assert.equal(await redis.rpush('list', 'mooring', 'b', 'c'), 3);
  assert.equal(await redis.lpush('list', 'z'), 4);
  assert.deepEqual(await redis.lrange('list', 0, -1), ['z', 'mooring', 'b', 'c']);
  assert.equal(await redis.lpushx('nothing', 'x'), 0);
  assert.equal(await redis.lindex('list', 1), 'mooring');
  assert.equal(await redis.linsert('list', 'BEFORE', 'b', 'a'), 5);
  assert.equal(await redis.lset('list', 0, 'first'), 'OK');
  assert.equal(await redis.lpos('list', 'c'), 4);
  assert.equal(await redis.lrem('list', 0, 'a'), 1);
  assert.equal(await redis.ltrim('list', 1, -1), 'OK');
  assert.equal(await redis.lmove('list', 'other', 'LEFT', 'RIGHT'), 'mooring');
  assert.equal(await redis.rpoplpush('list', 'other'), 'c');
  assert.deepEqual(await redis.lpop('other', 5), ['mooring', 'c'].reverse());
  assert.equal(await redis.rpop('other'), null);
  assert.deepEqual(await redis.lmpop(2, 'other', 'list', 'LEFT', 'COUNT', 10), ['list', ['b']]);
  assert.equal(await redis.lmpop(1, 'list', 'LEFT'), null);
  assert.equal(await redis.rpush('long', ...Array.from({ length: 5000 }, (_, i) => i)), 5000);
  assert.deepEqual(await redis.lrange('long', 2500, 2502), ['2500', '2501', '2502']);
});

section('sets', async (redis) => {
  assert.equal(await redis.sadd('set', 'starfish', 'urchin', 'starfish'), 2);
  assert.deepEqual((await redis.smembers('set')).sort(), ['starfish', 'urchin']);
  assert.equal(await redis.sismember('set', 'starfish'), 1);
  assert.deepEqual(await redis.smismember('set', 'urchin', 'crab'), [1, 0]);
  assert.equal(await redis.sadd('other', ['urchin', 'crab']), 2);
  assert.deepEqual(await redis.sinter('set', 'other'), ['urchin']);
  assert.deepEqual((await redis.sunion('set', 'other')).sort(), ['crab', 'starfish', 'urchin']);
  assert.deepEqual(await redis.sdiff('set', 'other'), ['starfish']);
  assert.equal(await redis.sintercard(2, 'set', 'other', 'LIMIT', 1), 1);
  assert.equal(await redis.sunionstore('kept', 'set', 'other'), 3);
  assert.equal(await redis.sdiffstore('kept', 'set', 'other'), 1);
  assert.equal(await redis.sinterstore('kept', 'set', 'other'), 1);
  assert.equal(await redis.smove('set', 'other', 'starfish'), 1);
  assert.equal(await redis.scard('other'), 3);
  assert.equal(await redis.srem('other', 'crab', 'nothing'), 1);
  assert.equal(await redis.srandmember('set'), 'urchin');
  assert.equal((await redis.srandmember('other', -5)).length, 5);
  assert.deepEqual(await redis.spop('set', 3), ['urchin']);
  assert.equal(await redis.spop('set'), null);
  await redis.sadd('large', Array.from({ length: 2000 }, (_, i) => `member:${i}`));
  const seen = new Set();
  for await (const members of redis.sscanStream('large')) members.forEach((member) => seen.add(member));
  assert.equal(seen.size, 2000);
});

section('hyperloglog', async (redis) => {
  assert.equal(await redis.pfadd('a', ...'abcdefghijklm'), 1);
  assert.equal(await redis.pfadd('a', 'a', 'b'), 0);
  assert.equal(await redis.pfcount('a'), 13);
  assert.equal(await redis.pfadd('b', ...'lmnop'), 1);
  assert.equal(await redis.pfcount('a', 'b'), 16);
  assert.equal(await redis.pfmerge('c', 'a', 'b'), 'OK');
  assert.equal(await redis.pfcount('c'), 16);
  await redis.pfadd('many', ...Array.from({ length: 20_000 }, (_, i) => i));
  assert.ok(Math.abs((await redis.pfcount('many')) - 20_000) < 400);
  await redis.set('none', 'x');
  await refused(redis.pfcount('none'), 'WRONGTYPE Key is not a valid HyperLogLog string value.');
});
