// Sorted sets, and the places on the earth that are kept in them.

'use strict';

const { assert, refused, section } = require('./script');

section('sorted sets', async (redis) => {
  assert.equal(await redis.zadd('birds', 3.5, 'albatross', 1, 'gull', 2, 'tern'), 3);
  assert.deepEqual(await redis.zrange('birds', 0, -1), ['gull', 'tern', 'albatross']);
  assert.equal(await redis.zadd('birds', 'GT', 'CH', 5, 'gull'), 1);
  assert.equal(await redis.zadd('birds', 'NX', 9, 'gull'), 0);
  assert.equal(await redis.zadd('birds', 'INCR', -4, 'gull'), '1');
  assert.equal(await redis.zscore('birds', 'albatross'), '3.5');
  assert.equal(await redis.zscore('birds', 'nothing'), null);
  assert.deepEqual(await redis.zmscore('birds', 'gull', 'nothing'), ['1', null]);
  assert.deepEqual(await redis.zrange('birds', 0, 0, 'REV', 'WITHSCORES'), ['albatross', '3.5']);
  assert.deepEqual(await redis.zrange('birds', '(1', '+inf', 'BYSCORE', 'LIMIT', 1, 1), ['albatross']);
  assert.deepEqual(await redis.zrangebyscore('birds', 1, 2, 'WITHSCORES'), ['gull', '1', 'tern', '2']);
  assert.deepEqual(await redis.zrevrangebyscore('birds', 'inf', 2), ['albatross', 'tern']);
  assert.equal(await redis.zcount('birds', 1, '(3.5'), 2);
  assert.equal(await redis.zrank('birds', 'tern'), 1);
  assert.equal(await redis.zrevrank('birds', 'tern'), 1);
  assert.equal(await redis.zincrby('birds', 1.25, 'tern'), '3.25');
  await redis.zadd('words', 0, 'a', 0, 'b', 0, 'c');
  assert.deepEqual(await redis.zrangebylex('words', '[b', '+'), ['b', 'c']);
  assert.equal(await redis.zlexcount('words', '-', '(c'), 2);
  assert.equal(await redis.zremrangebylex('words', '[c', '[c'), 1);
  assert.equal(await redis.zunionstore('union', 2, 'birds', 'words', 'WEIGHTS', 2, 1), 5);
  assert.equal(await redis.zscore('union', 'albatross'), '7');
  assert.deepEqual(await redis.zinter(2, 'birds', 'union', 'WITHSCORES'), ['gull', '3', 'tern', '9.75', 'albatross', '10.5']);
  assert.deepEqual(await redis.zdiff(2, 'union', 'birds'), ['a', 'b']);
  assert.equal(await redis.zintercard(2, 'birds', 'union', 'LIMIT', 2), 2);
  assert.equal(await redis.zrangestore('kept', 'birds', 0, 1), 2);
  assert.deepEqual(await redis.zpopmax('kept'), ['tern', '3.25']);
  assert.equal(await redis.zremrangebyrank('union', 0, 0), 1);
  assert.equal(await redis.zremrangebyscore('union', '-inf', 0), 1);
  assert.equal(await redis.zrem('birds', 'gull', 'nothing'), 1);
  assert.deepEqual(await redis.zmpop(2, 'nothing', 'birds', 'MIN', 'COUNT', 9), [
    'birds',
    [
      ['tern', '3.25'],
      ['albatross', '3.5'],
    ],
  ]);
  const words = [];
  for (let i = 0; i < 2000; i += 1) words.push(i, `member:${String(i).padStart(4, '0')}`);
  assert.equal(await redis.zadd('large', ...words), 2000);
  assert.deepEqual(await redis.zrange('large', 1000, 1001), ['member:1000', 'member:1001']);
  const seen = new Map();
  for await (const found of redis.zscanStream('large')) {
    for (let i = 0; i < found.length; i += 2) seen.set(found[i], Number(found[i + 1]));
  }
  assert.equal(seen.size, 2000);
  assert.equal(seen.get('member:1234'), 1234);
  await refused(redis.zadd('birds', 'x', 'y'), 'ERR value is not a valid float');
});

section('geo', async (redis) => {
  assert.equal(await redis.geoadd('Sicily', 13.361389, 38.115556, 'Palermo', 15.087269, 37.502669, 'Catania'), 2);
  assert.equal(await redis.geodist('Sicily', 'Palermo', 'Catania', 'km'), '166.2742');
  assert.equal(await redis.geodist('Sicily', 'Palermo', 'nowhere'), null);
  assert.deepEqual(await redis.geohash('Sicily', 'Palermo', 'nowhere'), ['sqc8b49rny0', null]);
  const [[longitude, latitude]] = await redis.geopos('Sicily', 'Palermo');
  assert.ok(Math.abs(longitude - 13.361389) < 1e-5 && Math.abs(latitude - 38.115556) < 1e-5);
  const near = ['FROMLONLAT', 15, 37, 'BYRADIUS', 200, 'km', 'ASC'];
  assert.deepEqual(await redis.geosearch('Sicily', ...near), ['Catania', 'Palermo']);
  assert.deepEqual(await redis.geosearch('Sicily', ...near, 'COUNT', 1, 'WITHDIST', 'WITHHASH'), [
    ['Catania', '56.4413', 3479447370796909],
  ]);
  assert.deepEqual(await redis.geosearch('Sicily', 'FROMMEMBER', 'Palermo', 'BYBOX', 100, 100, 'km'), ['Palermo']);
  assert.equal(await redis.geosearchstore('near', 'Sicily', ...near), 2);
  assert.deepEqual(await redis.georadius('Sicily', 15, 37, 200, 'km', 'DESC', 'COUNT', 1), ['Palermo']);
  assert.deepEqual(await redis.georadiusbymember('Sicily', 'Catania', 10, 'km'), ['Catania']);
  await refused(redis.geoadd('Sicily', 200, 100, 'x'), 'ERR invalid longitude,latitude pair 200.000000,100.000000');
});
