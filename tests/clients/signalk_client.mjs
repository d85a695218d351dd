// What a real client library sees of a running server: @signalk/client over WebSocket and REST, and the small endpoints
// that web apps ask for at start. See README.md in this folder.
//
//   node tests/clients/signalk_client.mjs [HOST:PORT]
//
// Ends with 0 when everything is as it should be, and when the package is not there (with a line that says so).

const [host, port] = (process.argv[2] ?? '127.0.0.1:3000').split(':');
const base = `http://${host}:${port}`;
const DEADLINE_MS = 15_000;

let Client;
try {
  const packageModule = await import('@signalk/client');
  Client = packageModule.default?.default ?? packageModule.default ?? packageModule.Client;
} catch (error) {
  console.log(`skipped: @signalk/client is not installed (${error.code ?? error.message}); npm i @signalk/client`);
  process.exit(0);
}

let failed = 0;

async function check(what, attempt) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`nothing within ${DEADLINE_MS} ms`)), DEADLINE_MS);
  });
  try {
    const seen = await Promise.race([attempt(), late]);
    console.log(`ok      ${what}: ${seen}`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED  ${what}: ${error.message ?? error}`);
  } finally {
    clearTimeout(timer);
  }
}

function must(condition, words) {
  if (!condition) throw new Error(words);
}

async function json(path, status = 200) {
  const response = await fetch(base + path);
  must(response.status === status, `${path} answers ${response.status}`);
  must(response.headers.get('content-type')?.startsWith('application/json'), `${path} is not JSON`);
  return response.json();
}

// The stream, as a web app or a Node program opens it.
const options = { hostname: host, port: Number(port), useTLS: false, autoConnect: false, reconnect: false };
const client = new Client({ ...options, notifications: false, deltaStreamBehaviour: 'self', sendMeta: 'all' });
const deltas = [];
let hello;
client.on('connectionInfo', (message) => (hello = message));
client.on('delta', (message) => deltas.push(message));
const until = async (found) => {
  while (!found()) await new Promise((resolve) => setTimeout(resolve, 50));
  return found();
};

await check('connect', async () => {
  await client.connect();
  return 'the stream is open';
});
await check('own vessel over the stream', async () => {
  const delta = await until(() => deltas.find((d) => d.updates?.some((u) => u.values?.length)));
  must(delta.context.startsWith('vessels.urn:mrn:'), `the context is ${delta.context}`);
  must(delta.updates.every((u) => u.$source && u.timestamp), 'an update has no $source or timestamp');
  return `${deltas.length} deltas, context ${delta.context}`;
});
await check('metadata over the stream', async () => {
  const delta = await until(() => deltas.find((d) => d.updates?.some((u) => u.meta?.length)));
  const item = delta.updates.find((u) => u.meta).meta[0];
  must(item.value.description, `${item.path} has no description`);
  return `${item.path}: ${JSON.stringify(item.value)}`;
});
await check('subscribe to other vessels', async () => {
  client.subscribe({
    context: 'vessels.*',
    subscribe: [{ path: 'navigation.position', policy: 'instant' }],
  });
  const own = deltas[0].context;
  const delta = await until(() => deltas.find((d) => d.context && d.context !== own));
  return delta.context;
});
await check('unsubscribe', async () => {
  client.unsubscribe();
  const seen = new Promise((resolve) => setTimeout(resolve, 500));
  await seen;
  const before = deltas.length;
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  must(deltas.length === before, `${deltas.length - before} deltas after it`);
  return 'silence';
});

// REST.
const api = await client.API().catch((error) => {
  failed += 1;
  console.log(`FAILED  API(): ${error.message}`);
});
if (api) {
  await check('api.self()', async () => {
    const self = await api.self();
    must(self.navigation, `it has ${Object.keys(self)}`);
    return `${Object.keys(self).length} members, name ${self.name}`;
  });
  await check('api.get(navigation/position)', async () => {
    const position = await api.get('/vessels/self/navigation/position');
    must(Number.isFinite(position.value.latitude), JSON.stringify(position));
    return JSON.stringify(position.value);
  });
  await check('api.getMeta(speedOverGround)', async () => {
    const meta = await api.getMeta('vessels.self.navigation.speedOverGround');
    must(meta.units === 'm/s', JSON.stringify(meta));
    return meta.units;
  });
  await check('api.vessels()', async () => `${Object.keys(await api.vessels()).length} vessels`);
  await check('api.sources()', async () => Object.keys(await api.sources()).join(', '));
  await check('api.version()', async () => await api.version());
  await check('a path that is not there', async () => {
    const error = await api.get('/vessels/self/no/such/path').then(
      () => null,
      (e) => e,
    );
    must(error, 'it was found');
    return `refused (${error.status ?? error.message})`;
  });
}
client.disconnect();

// What web apps ask for at start.
await check('login status', async () => {
  const status = await json('/skServer/loginStatus');
  must(status.authenticationRequired === false, JSON.stringify(status));
  return status.status;
});
await check('features', async () => {
  const features = await json('/signalk/v2/features?enabled=1');
  must(Array.isArray(features.apis) && Array.isArray(features.plugins), JSON.stringify(features));
  return JSON.stringify(features);
});
for (const path of ['/skServer/plugins', '/plugins', '/skServer/webapps', '/skServer/addons']) {
  await check(path, async () => {
    must(Array.isArray(await json(path)), 'not an array');
    return 'an array';
  });
}
await check('resources', async () => {
  for (const type of Object.keys(await json('/signalk/v2/api/resources'))) {
    const all = await json(`/signalk/v2/api/resources/${type}`);
    must(typeof all === 'object' && !Array.isArray(all), `${type} is no object`);
  }
  return 'every type is an object';
});
await check('settings of an app', async () => {
  const at = '/signalk/v1/applicationData/global/taffrail-check/1.0';
  const saved = await fetch(base + at, { method: 'POST', body: JSON.stringify({ n: 1 }) });
  must(saved.ok, `saving answers ${saved.status}`);
  const patch = [{ op: 'replace', path: '/n', value: 2 }];
  await fetch(base + at, { method: 'POST', body: JSON.stringify(patch) });
  must((await json(`${at}/n`)) === 2, 'the patch is not there');
  return 'saved, patched and read';
});
await check('frames about the server', async () => {
  // Node has one of its own from 22 on; before that, the package brings one.
  const WebSocket = globalThis.WebSocket ?? (await import('ws')).default;
  const socket = new WebSocket(`ws://${host}:${port}/signalk/v1/stream?subscribe=none&serverevents=all`);
  const seen = new Map();
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(data);
    if (message.type) seen.set(message.type, message.data);
  };
  await until(() => seen.has('VESSEL_INFO') && seen.has('PROVIDERSTATUS') && seen.has('SERVERSTATISTICS'));
  socket.close();
  return JSON.stringify(seen.get('SERVERSTATISTICS'));
});

await check('hello', async () => {
  must(hello?.roles && hello.version && hello.self, JSON.stringify(hello));
  return JSON.stringify(hello);
});
console.log(failed === 0 ? 'all as it should be' : `${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
