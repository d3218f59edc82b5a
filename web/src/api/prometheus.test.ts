import { expect, it } from 'vitest';
import { asPage } from './hooks';
import { parseValue, toSeries } from './prometheus';

it('reads matrices and vectors alike', () => {
  const metric = { server: 'a' };
  expect(toSeries({ resultType: 'matrix', result: [{ metric, values: [[1.5, '2'], [2.5, 'NaN']] }] })).toEqual([{ labels: metric, points: [[1500, 2], [2500, NaN]] }]);
  expect(toSeries({ resultType: 'vector', result: [{ metric, value: [1, '+Inf'] }] })[0].points).toEqual([[1000, Infinity]]);
  expect(toSeries({ resultType: 'scalar', result: [1, '2'] })).toEqual([]);
  expect(parseValue('-Inf')).toBe(-Infinity);
});

it('takes short lists for a single page', () => {
  expect(asPage(['a', 'b'])).toEqual({ items: ['a', 'b'], total: 2, page: 1, page_size: 2 });
});
