// What ioredis builds out of commands: pipelines made by themselves, the queue of one who is offline,
// prefixes of keys, MONITOR as events, callbacks and duplicates.

'use strict';

const { assert, eventually, section } = require('./script');

section('conveniences', async (redis, server) => {
  const together = server.connect({ enableAutoPipelining: true });
  await together.set('anchor', 'weighed anchor');
  const answers = await Promise.all(Array.from({ length: 500 }, (_, i) => together.incrby('n', i)));
  assert.equal(answers.at(-1), (499 * 500) / 2);
  assert.equal(await together.get('anchor'), 'weighed anchor');
  const offline = server.connect({ lazyConnect: true });
  const early = [offline.set('early', 1), offline.incr('early')];
  assert.deepEqual(await Promise.all(early), ['OK', 2]);
  const prefixed = server.connect({ keyPrefix: 'ship:' });
  await prefixed.mset({ bow: 1, stern: 2 });
  assert.deepEqual((await redis.keys('ship:*')).sort(), ['ship:bow', 'ship:stern']);
  assert.deepEqual(await prefixed.sort('none', 'BY', 'w_*'), []);
  const twin = redis.duplicate();
  assert.equal(await twin.get('early'), '2');
  twin.disconnect();
  const answer = await new Promise((resolve, reject) => {
    redis.get('early', (error, value) => (error ? reject(error) : resolve(value)));
  });
  assert.equal(answer, '2');
});

section('conveniences', async (redis, server) => {
  const monitor = await redis.monitor();
  const seen = [];
  monitor.on('monitor', (time, words, peer, database) => seen.push({ time, words, peer, database }));
  await server.connect().set('key', 'a b');
  const isSet = ({ words }) => words[0].toLowerCase() === 'set';
  const { time, words, peer, database } = await eventually(() => seen.find(isSet), 'it is shown');
  assert.deepEqual(words.slice(1), ['key', 'a b']);
  assert.ok(Number(time) > 1_700_000_000 && database === '0');
  assert.match(peer, /^127\.0\.0\.1:\d+$/);
  monitor.disconnect();
});
