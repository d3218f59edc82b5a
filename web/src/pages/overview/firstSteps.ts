// What is still to be done before somebody is told of alerts, out of what there is.
import type { Channel } from '../../api/types';
import { readRoute, type RouteNode } from '../channels/routeTree';

export const STEPS = ['channel', 'test', 'route', 'server'] as const;
export type Step = (typeof STEPS)[number];

function channelsOf({ channels, escalations, routes }: RouteNode): string[] {
  return [...channels, ...escalations.flatMap((step) => step.channels), ...routes.flatMap(channelsOf)];
}

/** The steps that are done. Telling somebody takes a channel that is switched on and a route to it. */
export function stepsDone(channels: Channel[], routes: unknown, servers: number): Set<Step> {
  const on = channels.filter(({ enabled }) => enabled);
  const told = new Set(channelsOf(readRoute(routes)));
  const done: [Step, boolean][] = [
    ['channel', on.length > 0],
    ['test', on.some(({ last_ok }) => last_ok === true)],
    ['route', on.some(({ id }) => told.has(id))],
    ['server', servers > 1],
  ];
  return new Set(done.filter(([, isDone]) => isDone).map(([step]) => step));
}
