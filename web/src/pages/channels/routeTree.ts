import type { Matcher } from '../../api/types';
import { matcherText, readMatcher } from '../../format/promql';
import { parseDuration } from '../../format/time';

export interface Escalation {
  after: string;
  channels: string[];
}

/** A node of the routing tree; what is not set comes from the node above. */
export interface RouteNode {
  matchers: Matcher[];
  channels: string[];
  group_by?: string[] | null;
  group_wait?: string | null;
  group_interval?: string | null;
  repeat_interval?: string | null;
  continue: boolean;
  escalations: Escalation[];
  routes: RouteNode[];
}

export const NEW_ROUTE: RouteNode = { matchers: [{ name: 'severity', op: '=', value: 'critical' }], channels: [], continue: false, escalations: [], routes: [] };

/** A node on the wire: its conditions are texts such as `severity="critical"`. */
interface WireNode extends Partial<Omit<RouteNode, 'matchers' | 'routes'>> {
  matchers?: string[];
  routes?: WireNode[];
}

/** The tree as the server answered it, with everything that it may have left out. */
export function readRoute(answer: unknown): RouteNode {
  const node = (answer ?? {}) as WireNode;
  return {
    ...node,
    matchers: (node.matchers ?? []).map(readMatcher),
    channels: node.channels ?? [],
    continue: node.continue ?? false,
    escalations: node.escalations ?? [],
    routes: (node.routes ?? []).map(readRoute),
  };
}

/** The tree to send: half-filled conditions and empty times are left out. */
export function writeRoute(node: RouteNode): WireNode {
  const result: WireNode = {
    ...node,
    matchers: node.matchers.filter(({ name, value }) => name && value).map(matcherText),
    escalations: node.escalations.filter(({ channels }) => channels.length > 0),
    routes: node.routes.map(writeRoute),
  };
  for (const name of ['group_by', 'group_wait', 'group_interval', 'repeat_interval'] as const) {
    const value = result[name];
    if (!value || value.length === 0) delete result[name];
  }
  return result;
}

/** Whether a text is empty or a length of time such as `5m`. */
export function isDuration(text: string | null | undefined): boolean {
  return !text || parseDuration(text) !== undefined;
}

/** Whether a text is a label such as `severity=critical`. */
export function isLabel(text: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*\s*=/.test(text);
}

/** Labels out of texts such as `severity=critical`; a value may stand in quotes. */
export function readLabels(texts: string[]): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const at = text.indexOf('=');
      return [text.slice(0, at).trim(), text.slice(at + 1).trim().replace(/^"(.*)"$/, '$1')];
    }),
  );
}
