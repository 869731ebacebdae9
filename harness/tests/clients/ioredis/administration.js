// INFO, CONFIG, COMMAND, SLOWLOG, LATENCY, MEMORY; and errors.

'use strict';

const { assert, refused, section } = require('./script');

section('introspection', async (redis) => {
  const info = await redis.info();
  assert.match(info, /^# Server\r\nredis_version:7\./);
  assert.match(info, /\r\nrole:master\r\n/);
  assert.doesNotMatch(await redis.info('memory'), /redis_version/);
  assert.deepEqual(await redis.config('GET', 'maxmemory-p*'), ['maxmemory-policy', 'noeviction']);
  assert.equal(await redis.config('SET', 'maxmemory-policy', 'allkeys-lru'), 'OK');
  assert.deepEqual(await redis.config('GET', 'maxmemory-policy'), ['maxmemory-policy', 'allkeys-lru']);
  assert.equal(await redis.config('SET', 'maxmemory-policy', 'noeviction'), 'OK');
  await refused(redis.config('SET', 'no-such-name', 'x'), "ERR Unknown option or number of arguments for CONFIG SET - 'no-such-name'");
  assert.equal(await redis.config('RESETSTAT'), 'OK');
  await redis.set('key', 'x');
  assert.match(await redis.info('commandstats'), /cmdstat_set:calls=1,/);
  const everything = await redis.command();
  assert.equal(await redis.command('COUNT'), everything.length);
  const [[name, arity, flags, first, last, step]] = await redis.command('INFO', 'get');
  assert.deepEqual([name, arity, flags, first, last, step], ['get', 2, ['readonly', 'fast'], 1, 1, 1]);
  assert.deepEqual(await redis.command('GETKEYS', 'MSET', 'a', 1, 'b', 2), ['a', 'b']);
  assert.equal((await redis.command('DOCS', 'getex'))[0], 'getex');
});

section('slow log', async (redis) => {
  await redis.config('SET', 'slowlog-log-slower-than', 0);
  await redis.slowlog('RESET');
  await redis.echo('seaweed');
  const log = await redis.slowlog('GET', 10);
  await redis.config('SET', 'slowlog-log-slower-than', 10_000);
  const [number, at, duration, words, peer] = log.find((entry) => entry[3][0].toLowerCase() === 'echo');
  assert.ok(number >= 0 && at > 1_700_000_000 && duration >= 0);
  assert.equal(words[1], 'seaweed');
  assert.match(peer, /^127\.0\.0\.1:\d+$/);
  assert.ok((await redis.slowlog('LEN')) >= 1);
  assert.equal(await redis.slowlog('RESET'), 'OK');
  assert.equal(await redis.slowlog('LEN'), 0);
});

section('latency', async (redis) => {
  await redis.latency('RESET');
  assert.deepEqual(await redis.latency('LATEST'), []);
  await redis.config('SET', 'latency-monitor-threshold', 1);
  await redis.call('DEBUG', 'SLEEP', '0.05');
  const [[event, when, last, most]] = await redis.latency('LATEST');
  await redis.config('SET', 'latency-monitor-threshold', 0);
  assert.equal(event, 'command');
  assert.ok(when > 1_700_000_000 && last >= 50 && most === last);
  assert.deepEqual(await redis.latency('HISTORY', 'command'), [[when, last]]);
  assert.equal(await redis.latency('RESET', 'command'), 1);
  await redis.set('key', 'x');
  assert.equal((await redis.latency('HISTOGRAM', 'set'))[0], 'set');
});

section('memory', async (redis) => {
  await redis.set('key', 'x'.repeat(100_000));
  const usage = await redis.memory('USAGE', 'key');
  assert.ok(usage > 100_000 && usage < 150_000);
  assert.equal(await redis.memory('USAGE', 'nothing'), null);
  const stats = await redis.memory('STATS');
  assert.equal(stats[stats.indexOf('keys.count') + 1], 1);
  assert.equal(typeof (await redis.memory('DOCTOR')), 'string');
});

section('errors', async (redis) => {
  await redis.lpush('list', 1);
  const wrong = 'WRONGTYPE Operation against a key holding the wrong kind of value';
  for (const call of [
    redis.get('list'),
    redis.incr('list'),
    redis.hgetall('list'),
    redis.sadd('list', 'x'),
    redis.zadd('list', 1, 'x'),
    redis.setbit('list', 1, 1),
  ]) {
    await refused(call, wrong);
  }
  await refused(redis.call('NOSUCH', 'a'), "ERR unknown command 'NOSUCH', with args beginning with: 'a'");
  await refused(redis.call('GET'), "ERR wrong number of arguments for 'get' command");
  await refused(redis.call('SET', 'a', 'b', 'XY'), 'ERR syntax error');
  await refused(redis.lset('list', 5, 'x'), 'ERR index out of range');
  await refused(redis.auth('secret'), 'ERR AUTH <password> called without any password configured');
  assert.equal(await redis.ping(), 'PONG');
});
