// Starts a Yunhai of its own for a journey: a free port, an empty data folder, no settings of the
// caller's shell.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const BINARY = process.env.YUNHAI_BINARY ?? fileURLToPath(new URL('../../target/debug/yunhai', import.meta.url));
const START_LIMIT = 60_000;

// Several people come from one address here, so its limits must not be met by chance.
const CONFIG = '[server]\nsign_ins_per_minute = 1000\n';

/** Starts the server with a configuration file; `stop` ends it in good order or fails. */
export async function startServer(config = CONFIG) {
  const data = mkdtempSync(join(tmpdir(), 'yunhai-e2e-'));
  const file = join(data, 'yunhai.toml');
  writeFileSync(file, config);
  const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('YUNHAI_')));
  const child = spawn(BINARY, ['serve', '--data', join(data, 'data'), '--config', file, '--listen', '127.0.0.1:0'], {
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve(code ?? signal)));
  const printed = [];
  child.stderr.on('data', (chunk) => printed.push(String(chunk)));

  const found = {};
  await new Promise((resolve, reject) => {
    const fail = (why) => reject(new Error(`${why}:\n${printed.join('')}`));
    const timer = setTimeout(() => fail('the server was not ready in time'), START_LIMIT);
    child.once('error', (error) => fail(`${BINARY}: ${error.message}`));
    void ended.then((code) => fail(`the server ended with ${code}`));
    createInterface({ input: child.stdout }).on('line', (line) => {
      printed.push(`${line}\n`);
      found.url ??= /Yunhai is at (https?:\/\/\S+)/.exec(line)?.[1];
      found.code ??= /Set-up code: (\S+)/.exec(line)?.[1];
      if (!found.url || !found.code) return;
      clearTimeout(timer);
      resolve();
    });
  });
  return {
    ...found,
    data: join(data, 'data'),
    /** What the server printed so far. */
    log: () => printed.join(''),
    async stop() {
      child.kill('SIGTERM');
      const outcome = await ended;
      rmSync(data, { recursive: true, force: true });
      assert.equal(outcome, 0, `the server did not end in good order:\n${printed.join('')}`);
    },
    kill() {
      child.kill('SIGKILL');
      child.stdout.destroy();
      child.stderr.destroy();
      rmSync(data, { recursive: true, force: true });
    },
  };
}
