// Messages of all three kinds; and what the server tells of keys.

'use strict';

const { assert, eventually, next, section } = require('./script');

section('pubsub', async (redis, server) => {
  const listener = server.connect();
  assert.equal(await listener.subscribe('horn', 'bell'), 2);
  assert.equal(await listener.psubscribe('f?g*'), 3);
  let heard = next(listener, 'message');
  assert.equal(await redis.publish('horn', 'foghorn'), 1);
  assert.deepEqual(await heard, ['horn', 'foghorn']);
  heard = next(listener, 'pmessage');
  assert.equal(await redis.publish('fog:1', 'thick'), 1);
  assert.deepEqual(await heard, ['f?g*', 'fog:1', 'thick']);
  heard = next(listener, 'messageBuffer');
  await redis.publish('bell', Buffer.from([0, 255]));
  assert.deepEqual(await heard, [Buffer.from('bell'), Buffer.from([0, 255])]);
  assert.equal(await redis.publish('nobody', 'x'), 0);
  assert.deepEqual((await redis.pubsub('CHANNELS')).sort(), ['bell', 'horn']);
  assert.deepEqual(await redis.pubsub('NUMSUB', 'horn', 'nobody'), ['horn', 1, 'nobody', 0]);
  assert.equal(await redis.pubsub('NUMPAT'), 1);
  const messages = [];
  listener.on('message', (channel, message) => messages.push(message));
  for (let i = 0; i < 1000; i += 1) redis.publish('horn', i);
  await eventually(() => messages.length === 1000, 'all are heard');
  assert.deepEqual(messages, Array.from({ length: 1000 }, (_, i) => String(i)));
  assert.equal(await listener.unsubscribe('bell'), 2);
  assert.equal(await listener.punsubscribe('f?g*'), 1);
  assert.equal(await listener.unsubscribe('horn'), 0);
  assert.equal(await listener.set('key', 'at work again'), 'OK');
});

section('pubsub', async (redis, server) => {
  const listener = server.connect();
  assert.equal(await listener.ssubscribe('shard'), 1);
  assert.deepEqual(await redis.pubsub('SHARDCHANNELS'), ['shard']);
  const heard = next(listener, 'smessage');
  assert.equal(await redis.publish('shard', 'not for it'), 0);
  assert.equal(await redis.spublish('shard', 'to one shard'), 1);
  assert.deepEqual(await heard, ['shard', 'to one shard']);
  assert.equal(await listener.sunsubscribe('shard'), 0);
});

section('notifications', async (redis, server) => {
  await redis.config('SET', 'notify-keyspace-events', 'KEA');
  try {
    const listener = server.connect();
    const told = [];
    listener.on('pmessage', (_, channel, event) => told.push(`${channel} ${event}`));
    await listener.psubscribe('__key*__:*');
    await redis.set('key', 'x', 'PX', 30);
    await eventually(async () => told.length === 6, 'it expires and is told');
    await redis.multi().lpush('list', 'x').rpop('list').exec();
    await eventually(() => told.length === 12, 'six more are told');
    const both = (key, event) => [`__keyspace@0__:${key} ${event}`, `__keyevent@0__:${event} ${key}`];
    assert.deepEqual(told, [
      ...['set', 'expire', 'expired'].flatMap((event) => both('key', event)),
      ...['lpush', 'rpop', 'del'].flatMap((event) => both('list', event)),
    ]);
  } finally {
    await redis.config('SET', 'notify-keyspace-events', '');
  }
});
