// Starts moto, which stands in for AWS, in the Python of tests/requirements.txt.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const PYTHON = fileURLToPath(new URL('../../target/venv/bin/python', import.meta.url));
const SCRIPTS = ['moto.py', 'clouds/moto_today.py'].map((file) => readFileSync(new URL(`../../crates/test-support/src/${file}`, import.meta.url), 'utf8'));
// It ends with its standard input.
const MAIN = 'import os, sys\nprint(start_moto_today(), flush=True)\nsys.stdin.read()\nos._exit(0)\n';
const PERIOD_MS = 300_000;

/** An empty AWS at `endpoint`. */
export async function startMoto() {
  const child = spawn(PYTHON, ['-c', [...SCRIPTS, MAIN].join('\n')], { stdio: ['pipe', 'pipe', 'ignore'] });
  const ended = once(child, 'exit').then(() => assert.fail('moto did not start; see CONTRIBUTING.md for the Python of the tests'));
  const [line] = await Promise.race([once(child.stdout, 'data'), ended]);
  ended.catch(() => {});
  return { endpoint: String(line).trim(), stop: () => child.kill() };
}

/** Asks moto as a client of Amazon would. */
async function ask(endpoint, service, form) {
  const Authorization = `AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/20260101/eu-central-1/${service}/aws4_request, SignedHeaders=host, Signature=none`;
  const answer = await fetch(endpoint, { method: 'POST', body: new URLSearchParams(form), headers: { Authorization } });
  const text = await answer.text();
  assert(answer.ok, text);
  return text;
}

/** Makes two servers, with what their processors did some minutes ago; returns their ids. */
export async function fill(endpoint) {
  const made = await ask(endpoint, 'ec2', { Action: 'RunInstances', Version: '2016-11-15', ImageId: 'ami-12345678', InstanceType: 't3.micro', MinCount: '2', MaxCount: '2' });
  const ids = [...made.matchAll(/<instanceId>([^<]+)/g)].map((found) => found[1]);
  const time = new Date((Math.floor(Date.now() / PERIOD_MS) - 2) * PERIOD_MS).toISOString();
  const datum = (id, index) => Object.entries({ MetricName: 'CPUUtilization', Value: '37.5', Timestamp: time, 'Dimensions.member.1.Name': 'InstanceId', 'Dimensions.member.1.Value': id }).map(([name, value]) => [`MetricData.member.${index + 1}.${name}`, value]);
  await ask(endpoint, 'monitoring', [['Action', 'PutMetricData'], ['Version', '2010-08-01'], ['Namespace', 'AWS/EC2'], ...ids.flatMap(datum)]);
  return ids;
}
