// Strings, counters, bits, expiry, keys of any kind.

'use strict';

const { assert, eventually, refused, section } = require('./script');

section('strings', async (redis) => {
  assert.equal(await redis.set('key', 'breakwater'), 'OK');
  assert.equal(await redis.get('key'), 'breakwater');
  assert.equal(await redis.get('nothing'), null);
  assert.equal(await redis.set('key', 'other', 'NX'), null);
  assert.equal(await redis.set('key', 'second', 'GET'), 'breakwater');
  assert.equal(await redis.append('key', ' wave'), 11);
  assert.equal(await redis.strlen('key'), 11);
  assert.equal(await redis.getrange('key', -4, -1), 'wave');
  assert.equal(await redis.setrange('key', 7, 'surf'), 11);
  assert.equal(await redis.getdel('key'), 'second surf');
  assert.equal(await redis.mset(new Map([['a', '1'], ['b', '2']])), 'OK');
  assert.equal(await redis.mset({ c: 3 }), 'OK');
  assert.deepEqual(await redis.mget('a', 'nothing', 'c'), ['1', null, '3']);
  assert.equal(await redis.msetnx('c', 9, 'd', 9), 0);
  assert.equal(await redis.exists('a', 'b', 'c', 'd', 'a'), 4);
  assert.equal(await redis.getset('a', 'new'), '1');
  assert.equal(await redis.setnx('a', 'x'), 0);
  await redis.mset('x', 'ohmytext', 'y', 'mynewtext');
  assert.equal(await redis.lcs('x', 'y'), 'mytext');
  assert.equal(await redis.lcs('x', 'y', 'LEN'), 6);
});

section('counters', async (redis) => {
  assert.equal(await redis.incr('n'), 1);
  assert.equal(await redis.incrby('n', 4241), 4242);
  assert.equal(await redis.decr('n'), 4241);
  assert.equal(await redis.decrby('n', 5000), -759);
  assert.equal(await redis.incrbyfloat('f', 10.5), '10.5');
  assert.equal(await redis.incrbyfloat('f', '-0.25'), '10.25');
  await redis.set('big', '9223372036854775807');
  await refused(redis.incr('big'), 'ERR increment or decrement would overflow');
  await redis.set('text', 'x');
  await refused(redis.incr('text'), 'ERR value is not an integer or out of range');
});

section('bits', async (redis) => {
  await redis.set('foobar', 'foobar');
  assert.equal(await redis.bitcount('foobar'), 26);
  assert.equal(await redis.bitcount('foobar', 5, 30, 'BIT'), 17);
  assert.equal(await redis.setbit('bits', 7, 1), 0);
  assert.equal(await redis.getbit('bits', 7), 1);
  assert.equal(await redis.bitpos('bits', 1), 7);
  assert.equal(await redis.bitop('NOT', 'not', 'foobar'), 6);
  assert.equal(await redis.bitop('AND', 'and', 'foobar', 'not'), 6);
  assert.equal(await redis.bitcount('and'), 0);
  const field = ['OVERFLOW', 'SAT', 'SET', 'u8', 8, 255, 'INCRBY', 'u8', 8, 10, 'GET', 'i4', '#2'];
  assert.deepEqual(await redis.bitfield('field', ...field), [0, 255, -1]);
  assert.deepEqual(await redis.bitfield('field', 'OVERFLOW', 'FAIL', 'INCRBY', 'u2', 100, 5), [null]);
  assert.deepEqual(await redis.bitfield_ro('field', 'GET', 'u8', 8), [255]);
});

section('expiry', async (redis) => {
  await redis.set('key', 'x', 'EX', 100);
  assert.ok([99, 100].includes(await redis.ttl('key')));
  assert.ok((await redis.pttl('key')) > 98_000);
  assert.equal(await redis.expireat('key', 33177117420), 1);
  assert.equal(await redis.expiretime('key'), 33177117420);
  assert.equal(await redis.expire('key', 10, 'NX'), 0);
  assert.equal(await redis.persist('key'), 1);
  assert.equal(await redis.ttl('key'), -1);
  assert.equal(await redis.ttl('nothing'), -2);
  assert.equal(await redis.setex('keep', 100, '1'), 'OK');
  assert.equal(await redis.getex('keep', 'PERSIST'), '1');
  assert.equal(await redis.ttl('keep'), -1);
  assert.equal(await redis.psetex('soon', 30, 'x'), 'OK');
  await eventually(async () => (await redis.get('soon')) === null, 'it expires');
  assert.equal(await redis.dbsize(), 2);
  const [seconds] = await redis.time();
  assert.ok(Math.abs(Number(seconds) - Date.now() / 1000) < 5);
  await refused(redis.set('key', 'x', 'EX', 0), "ERR invalid expire time in 'set' command");
});

section('keys', async (redis, server) => {
  await redis.set('drift', 'wood');
  assert.equal(await redis.rename('drift', 'driftwood'), 'OK');
  assert.equal(await redis.randomkey(), 'driftwood');
  await refused(redis.rename('drift', 'x'), 'ERR no such key');
  await redis.set('other', 'x');
  assert.equal(await redis.renamenx('other', 'driftwood'), 0);
  assert.equal(await redis.copy('driftwood', 'copy'), 1);
  assert.equal(await redis.copy('other', 'copy', 'REPLACE'), 1);
  assert.equal(await redis.get('copy'), 'x');
  assert.equal(await redis.touch('copy', 'other', 'nothing'), 2);
  assert.equal(await redis.unlink('copy', 'nothing'), 1);
  assert.equal(await redis.del('other'), 1);
  assert.equal(await redis.type('driftwood'), 'string');
  assert.deepEqual(await redis.keys('drift*'), ['driftwood']);
  await redis.hset('hash', 'field', 'value');
  assert.equal(await redis.object('ENCODING', 'hash'), 'listpack');
  assert.equal(await redis.object('REFCOUNT', 'hash'), 1);
  await redis.rpush('numbers', 3, 1, 2);
  await redis.mset({ weight_1: 30, weight_2: 20, weight_3: 10, name_1: 'one', name_2: 'two', name_3: 'three' });
  assert.deepEqual(await redis.sort('numbers'), ['1', '2', '3']);
  assert.deepEqual(await redis.sort('numbers', 'BY', 'weight_*', 'GET', 'name_*'), ['three', 'two', 'one']);
  assert.equal(await redis.sort('numbers', 'DESC', 'STORE', 'sorted'), 3);
  assert.deepEqual(await redis.lrange('sorted', 0, -1), ['3', '2', '1']);
  const payload = await redis.dumpBuffer('numbers');
  assert.equal(await redis.restore('again', 0, payload), 'OK');
  assert.deepEqual(await redis.lrange('again', 0, -1), ['3', '1', '2']);
  await refused(redis.restore('again', 0, payload), 'BUSYKEY');
  const wanted = new Set();
  const pipeline = redis.pipeline();
  for (let i = 0; i < 1000; i += 1) {
    wanted.add(`scanned:${i}`);
    pipeline.set(`scanned:${i}`, i);
  }
  await pipeline.exec();
  const seen = new Set();
  for await (const names of redis.scanStream({ match: 'scanned:*', count: 50 })) {
    for (const name of names) seen.add(name);
  }
  assert.deepEqual(seen, wanted);
  const hashes = [];
  for await (const names of server.connect().scanStream({ type: 'hash' })) hashes.push(...names);
  assert.deepEqual(hashes, ['hash']);
});
