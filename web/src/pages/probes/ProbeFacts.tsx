import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { queryInstant, toSeries } from '../../api/prometheus';
import type { Probe } from '../../api/types';
import { Labels } from '../../components/Labels';
import type { TimeRange } from '../../components/useTimeRange';
import { formatRatio, formatSeconds } from '../../format/numbers';
import { selector } from '../../format/promql';
import { promDuration } from '../../format/time';
import { AnswerText, CertificateText, LastAsked, LatencyBar } from './ProbeMarks';
import { schemeOf } from './probeValues';

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div style={{ minWidth: 0 }}>
      <div className="faint" style={{ fontSize: 12 }}>{name}</div>
      <div style={{ overflowWrap: 'anywhere' }}>{children}</div>
    </div>
  );
}

/** What is asked, how it went last, and how often it went well over the range. */
export function ProbeFacts({ probe, range }: { probe: Probe; range: TimeRange }) {
  const { t } = useTranslation();
  const length = promDuration(range.to_ms - range.from_ms);
  const expr = `avg(avg_over_time(${selector('probe_success', [{ name: 'probe', op: '=', value: probe.name }])}[${length}]))`;
  const availability = useQuery({
    queryKey: ['series', 'availability', expr, range.to_ms],
    queryFn: async ({ signal }) => toSeries(await queryInstant(expr, range.to_ms, signal))[0]?.points[0]?.[1],
  });
  const isHttp = schemeOf(probe.target).startsWith('http');
  return (
    <div style={{ display: 'grid', gap: '10px 20px', gridTemplateColumns: 'repeat(auto-fit, minmax(150px, 1fr))' }}>
      <Fact name={t('probes.target')}><span className="mono">{probe.target}</span></Fact>
      <Fact name={t('probes.availability')}><span className="num">{formatRatio(availability.data)}</span></Fact>
      <Fact name={t('probes.duration')}><LatencyBar probe={probe} /></Fact>
      <Fact name={t('probes.answer')}><AnswerText probe={probe} /></Fact>
      <Fact name={t('probes.certificate')}><CertificateText expires_ms={probe.last?.certificate_expires_ms} /></Fact>
      <Fact name={t('probes.last')}><LastAsked probe={probe} /></Fact>
      <Fact name={t('probes.interval')}><span className="num">{formatSeconds(probe.interval_secs)}</span></Fact>
      {isHttp && <Fact name={t('probes.expected_status')}>{`${probe.method} → ${probe.expected_status}`}</Fact>}
      {probe.body_match && <Fact name={t('probes.body_match')}><span className="mono">{probe.body_match}</span></Fact>}
      {Object.keys(probe.labels).length > 0 && <Fact name={t('probes.labels')}><Labels labels={probe.labels} /></Fact>}
    </div>
  );
}
