// The page at `/` in a real browser: does it show live values, does it look right, does it keep up with a busy harbour?
//
//   node tests/page/check.mjs [BINARY [FOLDER]]
//
// BINARY is the server (target/debug/taffrail), FOLDER where the screenshots go (target/page). Needs Chromium (or its name
// in CHROMIUM) and Node 18; says so and succeeds where there is no Chromium.

import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encode, position, name24 } from './aivdm.mjs';

const BINARY = process.argv[2] || 'target/debug/taffrail';
const FOLDER = process.argv[3] || 'target/page';
const TARGETS = 200, UPDATES_PER_SECOND = 10, LOAD_SECONDS = 15;
// What "keeps up" means: shown data is no older than this, and no piece of work holds the page up for longer. Generous, for
// a busy machine that draws without a graphics processor.
const BEHIND_MS = 1500, HELD_UP_MS = 500;

const chromium = [process.env.CHROMIUM, 'chromium', 'chromium-browser', 'google-chrome'].filter(Boolean)
  .find(name => spawnSync(name, ['--version']).status === 0);
if (!chromium) {
  console.log('skipped: no Chromium found');
  process.exit(0);
}

const scratch = mkdtempSync(join(tmpdir(), 'page-check-'));
mkdirSync(FOLDER, { recursive: true });
const children = [];
let failures = 0;
const check = (what, good, seen = '') => {
  console.log((good ? 'ok      ' : 'FAILED  ') + what + (seen === '' ? '' : ' (' + seen + ')'));
  if (!good) failures += 1;
};
const sleep = ms => new Promise(resolve => setTimeout(resolve, ms));

// ---- The server, with the demo boat and a line that the traffic comes over.

const traffic = createServer();
await new Promise(resolve => traffic.listen(0, '127.0.0.1', resolve));
const lines = new Set();
traffic.on('connection', line => {
  lines.add(line);
  line.on('error', () => {}).on('close', () => lines.delete(line));
});

const serve = http => new Promise((resolve, reject) => {
  const inputs = ['--input', 'demo', '--input', `harbour=tcp:127.0.0.1:${traffic.address().port}`];
  const flags = ['--http', http, '--tcp', '127.0.0.1:0', '--no-mdns', '--state-dir', join(scratch, 'state'), ...inputs];
  const child = spawn(BINARY, flags, { stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  let said = '';
  const hear = chunk => {
    said += chunk;
    const found = /is up: http:\/\/([\d.:]+)/.exec(said);
    if (found) resolve({ child, address: found[1] });
  };
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  child.on('error', reject).on('exit', () => reject(new Error(`the server ended: ${said}`)));
});
const ended = child => new Promise(resolve => { child.on('exit', resolve); child.kill('SIGTERM'); });

// ---- The browser, over a pair of pipes: messages in JSON, each ended by a zero byte.

class Browser {
  constructor() {
    this.child = spawn(chromium, [
      '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync', `--user-data-dir=${join(scratch, 'browser')}`,
      '--remote-debugging-pipe', 'about:blank',
    ], { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
    children.push(this.child);
    [this.waiting, this.next, this.rest, this.session, this.problems, this.asked] = [new Map(), 1, '', undefined, [], []];
    this.child.stdio[4].on('data', chunk => {
      const parts = (this.rest + chunk).split('\0');
      this.rest = parts.pop();
      parts.forEach(part => this.hear(JSON.parse(part)));
    });
  }

  hear(message) {
    const { id, method, params } = message;
    if (id) {
      const { resolve, reject } = this.waiting.get(id);
      this.waiting.delete(id);
      if (message.error) reject(new Error(JSON.stringify(message.error))); else resolve(message.result);
    } else if (method === 'Runtime.exceptionThrown') {
      this.problems.push(params.exceptionDetails.exception?.description || params.exceptionDetails.text);
    } else if (method === 'Log.entryAdded' && params.entry.source === 'security') {
      this.problems.push(params.entry.text);
    } else if (method === 'Network.requestWillBeSent') {
      this.asked.push(params.request.url);
    }
  }

  send(method, params = {}) {
    const id = this.next++;
    this.child.stdio[3].write(JSON.stringify({ id, method, params, sessionId: this.session }) + '\0');
    return new Promise((resolve, reject) => this.waiting.set(id, { resolve, reject }));
  }

  async open(url) {
    const { targetId } = await this.send('Target.createTarget', { url: 'about:blank' });
    this.session = (await this.send('Target.attachToTarget', { targetId, flatten: true })).sessionId;
    for (const domain of ['Page', 'Runtime', 'Log', 'Network', 'Performance']) await this.send(`${domain}.enable`);
    await this.size(390, 844, 2, true);
    await this.send('Page.navigate', { url });
  }

  size(width, height, deviceScaleFactor, mobile) {
    return this.send('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor, mobile });
  }

  async see(expression) {
    const { result, exceptionDetails } = await this.send('Runtime.evaluate', { expression, returnByValue: true, awaitPromise: true });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description || exceptionDetails.text);
    return result.value;
  }

  async until(what, expression, seconds = 20) {
    const deadline = Date.now() + seconds * 1000;
    let seen;
    do {
      seen = await this.see(expression);
      if (seen) break;
      await sleep(100);
    } while (Date.now() < deadline);
    if (!seen) throw new Error(`not within ${seconds} s: ${what}; the browser says: ${this.problems.join('; ') || 'nothing'}`);
    check(what, true, seen === true ? '' : String(seen));
  }

  async photograph(name, whole = false) {
    const { data } = await this.send('Page.captureScreenshot', { format: 'png', captureBeyondViewport: whole });
    writeFileSync(join(FOLDER, `${name}.png`), Buffer.from(data, 'base64'));
  }

  async metrics() {
    const { metrics } = await this.send('Performance.getMetrics');
    return Object.fromEntries(metrics.map(metric => [metric.name, metric.value]));
  }
}

const value = path => `document.querySelector('[data-path="${path}"] .v')?.textContent`;
const number = path => `document.querySelector('[data-path="${path}"] .n')?.textContent`;
const count = selector => `document.querySelectorAll('${selector}').length`;

const run = async () => {
  let { child, address } = await serve('127.0.0.1:0');
  const browser = new Browser();
  await browser.open(`http://${address}/`);

  await browser.until('the speed is shown in knots', `/^\\d+\\.\\dkn$/.test(${number('navigation.speedOverGround')}) && ${number('navigation.speedOverGround')}`);
  await browser.until('the position is shown', `/^60°.*N 02\\d°.*E$/.test(${value('navigation.position')}) && ${value('navigation.position')}`);
  await browser.until('the barometer is in hPa', `/^1?\\d{3}\\.\\d$/.test(${value('environment.outside.pressure')})`);
  await browser.until('six tiles have values', `[...document.querySelectorAll('.tile .v')].filter(v => /\\d/.test(v.textContent)).length === 6`);
  await browser.until('courses are in degrees', `/^\\d{3}°$/.test(${number('navigation.courseOverGroundTrue')})`);
  await browser.until('targets are listed by range', `${count('#ais tbody tr')} >= 3 && ${count('#ais tbody tr')}`);
  await browser.until('inputs are listed', `${count('#inputs .item')} === 2`);
  await browser.until('addresses are listed', `${count('#addresses .item')} === 4 && document.querySelector('#addresses').textContent`);
  await browser.until('values change', `new Promise(resolve => { const was = ${value('navigation.datetime')}; setTimeout(() => resolve(${value('navigation.datetime')} !== was), 2500); })`);
  const raise = JSON.stringify({ updates: [{ values: [
    { path: 'notifications.environment.depth.belowKeel', value: { state: 'alarm', method: ['visual', 'sound'], message: 'Shallow water: 1.8 m below the keel' } },
    { path: 'notifications.electrical.batteries.0.voltage', value: { state: 'warn', method: ['visual'], message: 'Battery 0 is low' } },
  ] }] });
  await browser.see(`socket.send(${JSON.stringify(raise)})`);
  await browser.until('raised notifications are at the top, the worst first', `${count('#raised .note')} === 2 && document.querySelector('#raised .note').textContent.includes('Shallow')`);
  check('nothing is wider than a phone', await browser.see('document.documentElement.scrollWidth <= screen.width'), await browser.see('document.documentElement.scrollWidth'));
  await browser.photograph('phone-day');
  await browser.photograph('phone-day-whole', true);
  await browser.see('document.getElementById("look").click()');
  await browser.photograph('phone-night');
  await browser.size(1440, 900, 1, false);
  await sleep(500);
  await browser.photograph('desktop-night');
  await browser.see('document.getElementById("look").click()');
  await browser.photograph('desktop-day');
  await browser.photograph('desktop-day-whole', true);
  await browser.see(`socket.send(${JSON.stringify(raise.replace('"alarm"', '"normal"').replace('"warn"', '"normal"'))})`);
  await browser.until('what is normal again goes away', 'document.getElementById("raised").hidden');

  // A busy harbour.
  await browser.size(390, 844, 2, true);
  lines.forEach(line => line.write(encode(name24(211000000, '<IMG SRC=X ONERROR=1')) + '\r\n'));
  const start = Date.now(), before = await browser.metrics();
  let round = 0;
  const held = browser.see(`new Promise(resolve => {
    let last = performance.now(), most = 0;
    const timer = setInterval(() => { const t = performance.now(); most = Math.max(most, t - last - 20); last = t; }, 20);
    setTimeout(() => { clearInterval(timer); resolve(Math.round(most)); }, ${LOAD_SECONDS * 1000});
  })`);
  while (Date.now() - start < LOAD_SECONDS * 1000) {
    let text = '';
    for (let i = 0; i < TARGETS; i += 1) text += encode(position(211000000 + i, i, round)) + '\r\n';
    lines.forEach(line => line.write(text));
    round += 1;
    await sleep(Math.max(0, start + round * 1000 / UPDATES_PER_SECOND - Date.now()));
  }
  const sent = round * TARGETS, after = await browser.metrics();
  const seconds = (Date.now() - start) / 1000;
  console.log(`        ${Math.round(sent / seconds)} reports a second, page busy ${Math.round((after.TaskDuration - before.TaskDuration) / seconds * 100)} % of the time, heap ${(after.JSHeapUsedSize / 1e6).toFixed(1)} MB, ${await browser.see('el("foot").textContent')}`);
  const behind = await browser.see('Number(el("foot").dataset.behind)');
  check(`the page is at most ${BEHIND_MS} ms behind`, behind <= BEHIND_MS, `${behind} ms`);
  const worst = await held;
  check(`nothing holds the page up for more than ${HELD_UP_MS} ms`, worst <= HELD_UP_MS, `${worst} ms; drawing ${await browser.see('el("foot").dataset.longest')} ms at the most`);
  check('all targets are known', await browser.see('targets.size') >= TARGETS, await browser.see('targets.size'));
  check('the list is bounded', await browser.see(count('#ais tbody tr')) === 40);
  const ages = await browser.see(`[...targets.values()].filter(t => t.mmsi.startsWith('211')).reduce((most, t) => Math.max(most, performance.now() - t.at), 0)`);
  check('no busy target is old', ages < 3000, `${Math.round(ages)} ms`);
  check('a name that looks like markup is text', await browser.see(`${count('img')} === 0 && [...targets.values()].some(t => t.name.startsWith('<IMG'))`));
  await browser.see('document.getElementById("ais").scrollIntoView()');
  await sleep(300);
  await browser.photograph('phone-busy');

  // The server goes and comes back.
  await browser.see('scrollTo(0, 0)');
  await ended(child);
  await browser.until('a lost server is said', 'el("link").dataset.state === "down" && el("link").textContent');
  await sleep(12000);
  check('values that are not heard any more are grey', await browser.see(`${count('.tile.stale')}`) === 6);
  await browser.photograph('phone-lost');
  ({ child, address } = await serve(address));
  await browser.until('the page comes back by itself', 'el("link").dataset.state === "up"', 45);
  await browser.until('values are fresh again', `${count('.tile.stale')} === 0`, 30);

  const elsewhere = browser.asked.filter(url => !url.includes(address) && !url.startsWith('data:') && url !== 'about:blank');
  check('nothing was asked of another origin', elsewhere.length === 0, elsewhere.join(' '));
  check('the browser has no complaints', browser.problems.length === 0, browser.problems.join('; '));
};

try {
  await run();
} catch (error) {
  check('the check itself', false, error.stack);
} finally {
  children.forEach(child => child.kill('SIGKILL'));
  await sleep(300);
  rmSync(scratch, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
}
console.log(failures ? `${failures} failed; screenshots in ${FOLDER}` : `all good; screenshots in ${FOLDER}`);
process.exit(failures ? 1 : 0);
