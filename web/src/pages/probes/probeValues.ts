// Between the form of a probe and what travels.
import type { Probe, ProbeRequest } from '../../api/types';
import type { Header } from '../channels/channelFields';

export const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'OPTIONS'] as const;

export interface ProbeValues {
  name: string;
  target: string;
  enabled: boolean;
  interval_secs: number;
  timeout_secs: number;
  method: ProbeRequest['method'];
  headers: Header[];
  body: string;
  expected_status: string;
  body_match: string;
  follow_redirects: boolean;
  verify_certificate: boolean;
  ca_certificate_pem: string;
  /** One `name=value` a line. */
  labels: string;
}

export const START: ProbeValues = {
  name: '',
  target: '',
  enabled: true,
  interval_secs: 60,
  timeout_secs: 10,
  method: 'GET',
  headers: [],
  body: '',
  expected_status: '200-299',
  body_match: '',
  follow_redirects: true,
  verify_certificate: true,
  ca_certificate_pem: '',
  labels: '',
};

export function toValues(probe: Probe): ProbeValues {
  return {
    name: probe.name,
    target: probe.target,
    enabled: probe.enabled,
    interval_secs: probe.interval_secs,
    timeout_secs: probe.timeout_ms / 1000,
    method: probe.method,
    headers: Object.keys(probe.headers).map((name) => ({ name, value: '', stored: true })),
    body: '',
    expected_status: probe.expected_status,
    body_match: probe.body_match ?? '',
    follow_redirects: probe.follow_redirects,
    verify_certificate: probe.verify_certificate,
    ca_certificate_pem: probe.ca_certificate_pem ?? '',
    labels: Object.entries(probe.labels).map(([name, value]) => `${name}=${value}`).join('\n'),
  };
}

/** Secrets that are not typed anew travel as `null`, which keeps the stored ones. */
export function toRequest(values: ProbeValues): ProbeRequest {
  const headers = values.headers
    .filter(({ name }) => name.trim() !== '')
    .map(({ name, value, stored }): [string, string | null] => [name.trim(), stored && value === '' ? null : value]);
  const labels = values.labels
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map((line): [string, string] => {
      const [name, ...rest] = line.split('=');
      return [name.trim(), rest.join('=').trim()];
    });
  return {
    name: values.name.trim(),
    target: values.target.trim(),
    enabled: values.enabled,
    interval_secs: values.interval_secs,
    timeout_ms: Math.round(values.timeout_secs * 1000),
    method: values.method,
    headers: Object.fromEntries(headers),
    body: values.body === '' ? null : values.body,
    expected_status: values.expected_status.trim() || START.expected_status,
    body_match: values.body_match || null,
    follow_redirects: values.follow_redirects,
    verify_certificate: values.verify_certificate,
    ca_certificate_pem: values.ca_certificate_pem.trim() || null,
    labels: Object.fromEntries(labels),
  };
}

export function schemeOf(target: string): string {
  return /^([a-z]+):\/\//i.exec(target.trim())?.[1].toLowerCase() ?? '';
}

/** Whole days until a certificate ends; below 0 when it has. */
export function daysLeft(expires_ms: number, now_ms: number): number {
  return Math.floor((expires_ms - now_ms) / 86_400_000);
}
