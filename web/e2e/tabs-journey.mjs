// Many tabs of one browser: over HTTP/1.1 it opens six connections to a host and no more, so that
// the tabs have to share the stream of events.
import assert from 'node:assert/strict';
import { call, eventually, journey, setUp, step } from './journey.mjs';

const TABS = 8;

journey('many tabs', async ({ server, visit }) => {
  const first = await visit();
  await setUp(first, server);
  const silence = async (tab, comment) => {
    const matchers = [{ name: 'server', op: '=', value: 'nobody' }];
    const answer = await call(tab, 'POST', 'silences', { matchers, ends_at_ms: Date.now() + 3_600_000, comment });
    assert.equal(answer.status(), 201, await answer.text());
  };
  const show = (tabs, comment) => Promise.all(tabs.map((tab) => tab.getByText(comment).first().waitFor()));
  await first.getByText('Live', { exact: true }).waitFor();
  let streams = 0;
  first.context().on('request', (request) => {
    if (request.url().endsWith('/api/v1/events')) streams += 1;
  });

  step('eight tabs show what there is, through one stream');
  await silence(first, 'before all tabs');
  await first.goto('/silences');
  const tabs = [first];
  while (tabs.length < TABS) {
    const tab = await first.context().newPage();
    await tab.goto('/silences');
    tabs.push(tab);
  }
  await show(tabs, 'before all tabs');
  assert.equal(streams, 1);

  step('all of them learn of an event');
  await silence(first, 'told to all');
  await show(tabs, 'told to all');

  step('another tab takes over from one that is closed');
  const [closed, ...left] = tabs;
  await closed.close();
  await eventually('another stream', () => streams > 1);
  await silence(left[0], 'after the first one');
  await show(left, 'after the first one');
  assert.equal(streams, 2);
});
