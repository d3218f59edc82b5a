import type { Matcher, RuleForm, Severity } from '../../api/types';
import { unitOfMetric } from '../../format/numbers';

/** The form as people fill it in: per cent instead of ratios, minutes instead of seconds. */
export interface FormValues {
  name: string;
  metric: string;
  comparison: string;
  threshold: number;
  recovery_threshold?: number | null;
  for_minutes: number;
  severity: Severity;
  matchers: Matcher[];
  summary?: string;
  runbook_url?: string;
}

export const START: FormValues = {
  name: '',
  metric: 'server_cpu_utilization_ratio',
  comparison: '>',
  threshold: 90,
  for_minutes: 10,
  severity: 'warning',
  matchers: [],
};

/** By what a number in the form is divided to get the metric's own unit. */
export function scaleOf(metric: string): number {
  return unitOfMetric(metric) === 'ratio' ? 100 : 1;
}

// Dividing by 100 must not leave 0.9000000000000001 behind.
const tidy = (value: number) => Number(value.toPrecision(12));

export function formFromValues(values: FormValues): RuleForm {
  const scale = scaleOf(values.metric);
  const { for_minutes, threshold, recovery_threshold, ...rest } = values;
  return {
    ...rest,
    name: values.name.trim(),
    threshold: tidy(threshold / scale),
    recovery_threshold: typeof recovery_threshold === 'number' ? tidy(recovery_threshold / scale) : null,
    for_secs: Math.round(for_minutes * 60),
    matchers: values.matchers.filter(({ name, value }) => name && value),
    summary: values.summary?.trim() || null,
    runbook_url: values.runbook_url?.trim() || null,
  };
}

export function valuesFromForm(form: RuleForm): FormValues {
  const scale = scaleOf(form.metric);
  const { for_secs, threshold, recovery_threshold, ...rest } = form;
  return {
    ...rest,
    threshold: tidy(threshold * scale),
    recovery_threshold: typeof recovery_threshold === 'number' ? tidy(recovery_threshold * scale) : undefined,
    for_minutes: for_secs / 60,
    summary: form.summary ?? undefined,
    runbook_url: form.runbook_url ?? undefined,
  };
}
