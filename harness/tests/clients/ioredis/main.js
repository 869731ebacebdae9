// ioredis, through everything that the server has. Called with `port=N protocol=2|3`.
//
// `require` finds ioredis by NODE_PATH. Each module adds its sections.

'use strict';

const script = require('./script');

for (const family of [
  'strings',
  'collections',
  'sorted',
  'waiting',
  'transactions',
  'pubsub',
  'administration',
  'connections',
  'conveniences',
]) {
  require(`./${family}`);
}

const words = Object.fromEntries(process.argv.slice(2).map((word) => word.split('=')));
script.run(Number(words.port), Number(words.protocol)).then((status) => process.exit(status));
