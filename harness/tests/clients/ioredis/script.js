// Runs the sections of the script, and says of each whether it held: one line a section on standard
// output, `passed NAME` or `failed NAME: WHY`; the driver reads them.

'use strict';

const assert = require('node:assert/strict');
const Redis = require('ioredis');

const sections = [];

// A function that must hold, with a client of its own on an empty server. Several may share a name.
function section(name, run) {
  sections.push({ name, run });
}

// The server, how this run talks to it, and the clients that are to be closed at a section's end.
class Server {
  constructor(port, protocol) {
    this.port = port;
    this.protocol = protocol;
    this.clients = [];
  }

  connect(options = {}) {
    const { port, protocol } = this;
    const client = new Redis({ port, protocol, commandTimeout: 10_000, maxRetriesPerRequest: 3, ...options });
    // Without a listener an error ends the process; what matters reaches whoever asked.
    client.on('error', () => {});
    this.clients.push(client);
    return client;
  }

  close() {
    for (const client of this.clients.splice(0)) client.disconnect();
  }
}

// Asserts that a promise is refused with an error of the server that begins so.
async function refused(promise, text) {
  let answer;
  try {
    answer = await promise;
  } catch (error) {
    assert.equal(error.name, 'ReplyError');
    assert.equal(error.message.slice(0, text.length), text);
    return;
  }
  assert.fail(`answered ${JSON.stringify(answer)} instead of ${text}`);
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Waits until `holds()` gives something true, and gives it.
async function eventually(holds, what) {
  for (const end = Date.now() + 5000; Date.now() < end; await sleep(10)) {
    const answer = await holds();
    if (answer) return answer;
  }
  assert.fail(`${what}: not within five seconds`);
}

// The next event of this name, as the list of its arguments.
function next(emitter, event) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no ${event} within five seconds`)), 5000);
    emitter.once(event, (...words) => {
      clearTimeout(timer);
      resolve(words);
    });
  });
}

async function run(port, protocol) {
  // A section that failed leaves answers behind that nobody waits for any more.
  process.on('unhandledRejection', () => {});
  const server = new Server(port, protocol);
  const failed = new Map();
  for (const { name, run } of sections) {
    try {
      const client = server.connect();
      await client.flushall();
      await run(client, server);
    } catch (error) {
      const place = (error.stack ?? '').split('\n').find((line) => line.includes(__dirname) && !line.includes('script.js'));
      const why = `${error.message} ${place ?? ''}`.replace(/\s+/g, ' ').slice(0, 500);
      if (!failed.has(name)) failed.set(name, why);
    }
    server.close();
  }
  for (const name of new Set(sections.map((section) => section.name))) {
    console.log(failed.has(name) ? `failed ${name}: ${failed.get(name)}` : `passed ${name}`);
  }
  return failed.size > 0 ? 1 : 0;
}

module.exports = { assert, eventually, next, refused, run, section, sleep };
