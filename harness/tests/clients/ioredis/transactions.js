// MULTI, EXEC, DISCARD and WATCH; databases; pipelines; large and binary values.

'use strict';

const { assert, refused, section } = require('./script');

section('transactions', async (redis) => {
  assert.deepEqual(await redis.multi().set('key', 'barnacle').get('key').incr('n').exec(), [
    [null, 'OK'],
    [null, 'barnacle'],
    [null, 1],
  ]);
  const [[, set], [error], [, after]] = await redis.multi().set('key', 'text').incr('key').set('after', 'done').exec();
  assert.deepEqual([set, after], ['OK', 'OK']);
  assert.equal(error.message, 'ERR value is not an integer or out of range');
  await assert.rejects(redis.multi().set('dropped', 'x').set('too few').exec(), {
    message: 'EXECABORT Transaction discarded because of previous errors.',
  });
  assert.equal(await redis.exists('dropped'), 0);
  assert.equal(await redis.multi({ pipeline: false }), 'OK');
  assert.equal(await redis.set('x', 1), 'QUEUED');
  assert.equal(await redis.discard(), 'OK');
  assert.equal(await redis.get('x'), null);
  await refused(redis.exec(), 'ERR EXEC without MULTI');
});

section('transactions', async (redis, server) => {
  const other = server.connect();
  await redis.watch('balance');
  await other.set('balance', 5);
  assert.equal(await redis.multi().set('balance', 1).exec(), null);
  assert.equal(await redis.get('balance'), '5');
  await redis.watch('balance');
  await redis.unwatch();
  await other.set('balance', 6);
  assert.deepEqual(await redis.multi().incr('balance').exec(), [[null, 7]]);
});

section('databases', async (redis, server) => {
  const third = server.connect({ db: 3 });
  assert.equal(await third.set('key', 'lighthouse'), 'OK');
  assert.equal(await redis.get('key'), null);
  assert.equal(await third.get('key'), 'lighthouse');
  assert.equal(await redis.select(3), 'OK');
  assert.equal(await redis.get('key'), 'lighthouse');
  assert.equal(await redis.move('key', 0), 1);
  assert.equal(await redis.select(0), 'OK');
  assert.equal(await redis.copy('key', 'kept', 'DB', 3), 1);
  assert.equal(await redis.swapdb(0, 3), 'OK');
  assert.deepEqual(await redis.keys('*'), ['kept']);
  assert.deepEqual(await third.keys('*'), ['key']);
  assert.equal(await third.flushdb(), 'OK');
  assert.match(await redis.info('keyspace'), /db0:keys=1,expires=0,avg_ttl=0\r\n$/);
  await refused(redis.select(99), 'ERR DB index is out of range');
});

section('pipelines', async (redis) => {
  const pipeline = redis.pipeline();
  for (let i = 0; i < 5000; i += 1) pipeline.set(`key:${i}`, `ripple-${i}`).get(`key:${i}`);
  const answers = await pipeline.exec();
  assert.equal(answers.length, 10_000);
  answers.forEach(([error, answer], i) => {
    assert.equal(error, null);
    assert.equal(answer, i % 2 === 0 ? 'OK' : `ripple-${(i - 1) / 2}`);
  });
  const values = Array.from({ length: 20 }, (_, i) => String(i).repeat(200_000));
  await redis.pipeline(values.map((value, i) => ['set', `wide:${i}`, value])).exec();
  const wide = await redis.pipeline(values.map((_, i) => ['get', `wide:${i}`])).exec();
  assert.deepEqual(wide.map(([, value]) => value), values);
  const mixed = await redis.pipeline().set('s', 'x').incr('s').get('s').exec();
  assert.equal(mixed[1][0].message, 'ERR value is not an integer or out of range');
  assert.equal(mixed[2][1], 'x');
});

section('large values', async (redis) => {
  for (const size of [1 << 20, 5 << 20]) {
    const value = 'abcdefgh'.repeat(size / 8) + 'tail-of-a-large-value';
    assert.equal(await redis.set('large', value), 'OK');
    assert.equal(await redis.strlen('large'), value.length);
    assert.ok((await redis.get('large')) === value);
  }
  const million = 'x'.repeat(1_000_000);
  await redis.rpush('list', million, million, million, million);
  assert.ok((await redis.lrange('list', 0, -1)).every((value) => value === million));
  assert.equal(await redis.setrange('sparse', 3_000_000, 'end'), 3_000_003);
  assert.ok((await redis.get('sparse')) === '\0'.repeat(3_000_000) + 'end');
});

section('binary', async (redis) => {
  const every = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
  const value = Buffer.concat([Buffer.from('\r\n'), every, Buffer.from([0xfe, 0xfd, 0xfc])]);
  assert.equal(await redis.set(every, value), 'OK');
  assert.deepEqual(await redis.getBuffer(every), value);
  assert.deepEqual(await redis.keysBuffer('*'), [every]);
  assert.equal(await redis.hset('\0hash', every, '$-1\r\n'), 1);
  assert.deepEqual(await redis.hkeysBuffer('\0hash'), [every]);
  assert.equal(await redis.hget('\0hash', every), '$-1\r\n');
  assert.equal(await redis.sadd('set', every, '', '\n'), 3);
  assert.equal(await redis.sismember('set', every), 1);
  assert.equal(await redis.set('', ''), 'OK');
  assert.equal(await redis.get(''), '');
  await redis.set('clé', 'größe');
  assert.equal(await redis.get('clé'), 'größe');
});
