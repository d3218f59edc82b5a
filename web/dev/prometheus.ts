import { ALERTS, chance, METRICS, NOW, SERVERS } from './data.ts';

type Answer = [number, unknown];
const success = (data: unknown): Answer => [200, { status: 'success', data }];

/** A value with the rhythm of a working day and some noise. */
function valueAt(expr: string, label: string, time: number): number {
  const seed = chance(expr.replace(/ offset \w+/, '') + label);
  const day = Math.sin((time / 86_400 + seed) * 2 * Math.PI);
  const noise = (chance(`${label}${Math.floor(time / 60)}${expr.length}`) - 0.5) * 0.16;
  const ratio = Math.min(0.99, Math.max(0.01, 0.42 + 0.3 * day * seed + noise));
  if (/_ratio/.test(expr)) return ratio;
  if (/_bytes_total/.test(expr)) return ratio * 2e7;
  if (/_bytes/.test(expr)) return ratio * 16 * 2 ** 30;
  if (/cpu_seconds/.test(expr)) return ratio;
  if (/uptime/.test(expr)) return time - NOW / 1000 + 4e6;
  return ratio * 8;
}

function seriesOf(expr: string): Record<string, string>[] {
  const server = /server="([^"]+)"/.exec(expr)?.[1] ?? SERVERS[0].name;
  if (/filesystem/.test(expr)) return ['/', '/var', '/data'].map((mountpoint) => ({ server, mountpoint, device: 'nvme0n1', fstype: 'ext4' }));
  if (/cpu_seconds/.test(expr)) return ['user', 'system', 'iowait', 'idle'].map((mode) => ({ server, mode }));
  if (/network|disk_/.test(expr)) return ['eth0', 'eth1'].map((device) => ({ server, device }));
  if (/avg\(/.test(expr)) return [{}];
  if (/topk|by \(server\)/.test(expr)) return SERVERS.slice(0, 5).map(({ name }) => ({ __name__: 'server_cpu_utilization_ratio', server: name }));
  return [{ server }];
}

export function answerPrometheus(url: URL): Answer {
  const path = url.pathname.replace('/prometheus/api/v1/', '');
  const expr = url.searchParams.get('query') ?? '';
  if (/\($|\)\)$/.test(expr)) {
    return [400, { status: 'error', errorType: 'bad_data', error: `1:${expr.length}: parse error: unexpected end of input` }];
  }
  if (path === 'query_range') {
    const [start, end, step] = ['start', 'end', 'step'].map((name) => Number(url.searchParams.get(name)));
    return success({
      resultType: 'matrix',
      result: seriesOf(expr).map((metric) => {
        const values: [number, string][] = [];
        for (let time = start; time <= Math.min(end, NOW / 1000 + 600); time += step) values.push([time, String(valueAt(expr, JSON.stringify(metric), time))]);
        return { metric, values };
      }),
    });
  }
  if (path === 'query') {
    return success({ resultType: 'vector', result: seriesOf(expr).map((metric) => ({ metric, value: [NOW / 1000, String(valueAt(expr, JSON.stringify(metric), NOW / 1000))] })) });
  }
  if (path === 'label/__name__/values') return success(METRICS.map(({ name }) => name));
  if (path === 'label/server/values') return success(SERVERS.map(({ name }) => name));
  if (path === 'label/provider/values') return success(['local', 'aws', 'azure', 'gcp']);
  if (path === 'label/alertname/values') return success([...new Set(ALERTS.map(({ rule }) => rule))]);
  if (path === 'metadata') return success(Object.fromEntries(METRICS.map(({ name, kind, help }) => [name, [{ type: kind, help, unit: '' }]])));
  if (path === 'labels') return success(['server', 'provider', 'region', 'mountpoint', 'device', 'mode']);
  return success([]);
}
