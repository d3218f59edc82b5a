// Sentences of the server, made easier to read: times in the reader's zone, numbers rounded.
import { formatNumber, formatValue, type Unit } from './numbers';
import { formatClock } from './time';

const TIME = /\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g;
const LONG_NUMBER = /(?<![\w.-])-?\d+\.\d{3,}(?:e[+-]?\d+)?(?![\w.])/g;

/** A sentence with its times in the reader's zone and its long fractions rounded. */
export function readable(text: string, language: string): string {
  return text
    .replace(TIME, (time) => formatClock(Date.parse(time), language))
    .replace(LONG_NUMBER, (number) => formatNumber(Number(number)));
}

/** A text that is nothing but a number, in its unit; anything else made readable. */
export function readableValue(text: string, unit: Unit, language: string): string {
  return text.trim() !== '' && Number.isFinite(Number(text)) ? formatValue(Number(text), unit) : readable(text, language);
}

export interface Reason {
  /** What of the sentence is known: the key of its translation and what is filled in. */
  parts: { key: string; values: Record<string, string> }[];
}

const COMPARISON = /^(\S+) is (not )?(==|!=|>=|<=|>|<) ([^\s;,]+)/;

/** Takes a sentence apart that tells why a series has its state; `undefined` for one of another form. */
export function readReason(text: string, unit: Unit, language: string): Reason | undefined {
  const value = (number: string) => readableValue(number, unit, language);
  const time = (moment: string) => readable(moment, language);
  let rest = text;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    const found = pattern.exec(rest);
    if (found) rest = rest.slice(found[0].length);
    return found;
  };
  const parts: Reason['parts'] = [];
  let found: RegExpExecArray | null;
  if ((found = take(COMPARISON))) parts.push({ key: found[2] ? 'not_holding' : 'holding', values: { value: value(found[1]), comparison: found[3], threshold: value(found[4]) } });
  else if ((found = take(/^the expression yields (\S+?)(?=[;, ]|$)/))) parts.push({ key: 'yields', values: { value: value(found[1]) } });
  else if (take(/^no data come any more/)) parts.push({ key: 'gone', values: {} });
  else if (take(/^no data come/)) parts.push({ key: 'no_data', values: {} });
  else return undefined;

  if ((found = take(/^; pending since (\S+), fires after (\S+) \(in (\S+)\)$/))) parts.push({ key: 'pending', values: { since: time(found[1]), after: found[2], left: found[3] } });
  else if ((found = take(/^, but not past the recovery threshold (\S+)$/))) parts.push({ key: 'recovering', values: { threshold: value(found[1]) } });
  else if (take(/^; the alert stays as it was$/)) parts.push({ key: 'stays', values: {} });
  else if ((found = take(/^; kept firing until (\S+)$/))) parts.push({ key: 'kept', values: { until: time(found[1]) } });
  else if ((found = take(/^ since (\S+)$/))) parts.push({ key: 'since', values: { since: time(found[1]) } });
  return rest === '' ? { parts } : undefined;
}
