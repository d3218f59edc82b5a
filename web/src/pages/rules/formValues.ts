import type { RuleForm } from '../../api/types';
import { unitOfMetric } from '../../format/numbers';

/** The group that holds the rules of the form; the rules of other groups are edited as files. */
export const FORM_GROUP = 'custom';

/** The form as people fill it in: per cent instead of ratios, minutes instead of seconds. */
export interface FormValues extends Omit<RuleForm, 'for_secs' | 'keep_firing_for_secs' | 'no_data_for_secs'> {
  for_minutes: number;
  keep_firing_for_minutes?: number | null;
  no_data_for_minutes?: number | null;
}

export const START: FormValues = {
  name: '',
  metric: 'server_cpu_utilization_ratio',
  comparison: '>',
  threshold: 90,
  for_minutes: 10,
  keep_firing_for_minutes: 0,
  no_data: 'ok',
  no_data_for_minutes: 10,
  severity: 'warning',
  matchers: [],
  enabled: true,
};

/** By what a number in the form is divided to get the metric's own unit. */
export function scaleOf(metric: string): number {
  return unitOfMetric(metric) === 'ratio' ? 100 : 1;
}

// Dividing by 100 must not leave 0.9000000000000001 behind.
const tidy = (value: number) => Number(value.toPrecision(12));
const seconds = (minutes: number | null | undefined) => Math.round((minutes ?? 0) * 60);

export function formFromValues(values: FormValues): RuleForm {
  const scale = scaleOf(values.metric);
  const { for_minutes, keep_firing_for_minutes, no_data_for_minutes, threshold, recovery_threshold, ...rest } = values;
  return {
    ...rest,
    name: values.name.trim(),
    threshold: tidy(threshold / scale),
    recovery_threshold: typeof recovery_threshold === 'number' ? tidy(recovery_threshold / scale) : null,
    for_secs: seconds(for_minutes),
    keep_firing_for_secs: seconds(keep_firing_for_minutes),
    no_data_for_secs: typeof no_data_for_minutes === 'number' ? seconds(no_data_for_minutes) : null,
    matchers: values.matchers.filter(({ name, value }) => name && value),
    summary: values.summary?.trim() || null,
    description: values.description?.trim() || null,
    runbook_url: values.runbook_url?.trim() || null,
  };
}

export function valuesFromForm(form: RuleForm): FormValues {
  const scale = scaleOf(form.metric);
  const { for_secs, keep_firing_for_secs, no_data_for_secs, threshold, recovery_threshold, ...rest } = form;
  return {
    ...rest,
    threshold: tidy(threshold * scale),
    recovery_threshold: typeof recovery_threshold === 'number' ? tidy(recovery_threshold * scale) : undefined,
    for_minutes: for_secs / 60,
    keep_firing_for_minutes: (keep_firing_for_secs ?? 0) / 60,
    no_data: form.no_data ?? START.no_data,
    no_data_for_minutes: typeof no_data_for_secs === 'number' ? no_data_for_secs / 60 : START.no_data_for_minutes,
    enabled: form.enabled ?? true,
    summary: form.summary ?? undefined,
    description: form.description ?? undefined,
    runbook_url: form.runbook_url ?? undefined,
  };
}
