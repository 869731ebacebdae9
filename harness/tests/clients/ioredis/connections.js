// CLIENT and what it does to connections; reconnecting, with what was asked meanwhile; passwords.

'use strict';

const { assert, eventually, next, refused, section } = require('./script');

section('clients', async (redis, server) => {
  const named = server.connect({ connectionName: 'helmsman' });
  assert.equal(await named.client('GETNAME'), 'helmsman');
  const id = await named.client('ID');
  assert.ok(id > (await redis.client('ID')));
  const mine = (await redis.client('LIST')).split('\n').find((line) => line.includes(' name=helmsman '));
  assert.match(mine, new RegExp(`^id=${id} addr=127\\.0\\.0\\.1:\\d+ .* db=0 .* resp=${server.protocol}`));
  assert.match(await named.client('INFO'), /cmd=client\|info user=default/);
  assert.equal(await redis.client('LIST', 'TYPE', 'pubsub'), '');
  assert.equal(await named.client('SETNAME', 'captain'), 'OK');
  assert.equal(await named.client('GETNAME'), 'captain');
  await refused(named.client('SETNAME', 'a b'), 'ERR Client names cannot contain spaces');
  assert.equal(await named.client('NO-EVICT', 'ON'), 'OK');
  assert.equal(await redis.client('UNBLOCK', id), 0);
  const waiting = refused(named.blpop('nothing', 5), 'UNBLOCKED client unblocked via CLIENT UNBLOCK');
  await eventually(async () => (await redis.client('UNBLOCK', id, 'ERROR')) === 1, 'it waits');
  await waiting;
  assert.equal(await redis.client('PAUSE', 50, 'WRITE'), 'OK');
  const begin = Date.now();
  assert.equal(await named.set('key', 'x'), 'OK');
  assert.ok(Date.now() - begin >= 40);
});

section('reconnect', async (redis, server) => {
  const killed = server.connect({ connectionName: 'castaway', retryStrategy: () => 20 });
  await killed.set('key', 'castaway');
  const id = await killed.client('ID');
  const closed = next(killed, 'close');
  assert.equal(await redis.client('KILL', 'ID', id), 1);
  await closed;
  // Kept until it is connected again.
  assert.equal(await killed.get('key'), 'castaway');
  assert.ok((await killed.client('ID')) > id);
  assert.equal(await killed.client('GETNAME'), 'castaway');
  const listener = server.connect({ retryStrategy: () => 20 });
  await listener.subscribe('horn');
  const ready = next(listener, 'ready');
  assert.equal(await redis.client('KILL', 'TYPE', 'pubsub'), 1);
  await ready;
  await eventually(async () => (await redis.pubsub('NUMSUB', 'horn'))[1] === 1, 'it listens again');
  const heard = next(listener, 'message');
  assert.equal(await redis.publish('horn', 'again'), 1);
  assert.deepEqual(await heard, ['horn', 'again']);
  await refused(redis.client('KILL', '127.0.0.1:1'), 'ERR No such client');
  assert.equal(await killed.quit(), 'OK');
});

section('reconnect', async (redis, server) => {
  await redis.config('SET', 'requirepass', 'sesame');
  try {
    const options = { retryStrategy: null, maxRetriesPerRequest: 0 };
    await assert.rejects(server.connect({ ...options, enableReadyCheck: false }).get('key'), /NOAUTH/);
    assert.equal(await server.connect({ password: 'sesame' }).ping(), 'PONG');
    assert.equal(await server.connect({ username: 'default', password: 'sesame' }).ping(), 'PONG');
    const wrong = server.connect({ ...options, password: 'wrong', lazyConnect: true });
    await assert.rejects(wrong.connect().then(() => wrong.get('key')), /WRONGPASS|NOAUTH|closed/);
  } finally {
    await redis.config('SET', 'requirepass', '');
  }
});
